"""What a job took of processor, memory and GPU, over time: a file that does not grow with the hours."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from allcore.base import clock, fileio, gpus
from allcore.base.errors import AllcoreError
from allcore.base.paths import JobPaths

if TYPE_CHECKING:
    import pandas as pd

MOST = 360
"""Points kept. With one more, two neighbours become one, and points are taken half as often."""
SHORTEST = 2.0
"""Seconds between the first points."""
_WRITE_EVERY = 10.0


@dataclass(frozen=True)
class Point:
    """One moment, or the mean of the moments since the last."""

    time: str
    cpu: float
    """Percent of one core: 200 are two cores at work."""
    memory_mb: float
    gpu: float | None = None
    """Percent; the mean where a job has several."""
    gpu_memory_mb: float | None = None
    gpu_celsius: float | None = None
    """Of the warmest."""


COLUMNS = tuple(Point.__dataclass_fields__)


class Meter:
    """Measures one process with its children, and keeps the points of its job."""

    def __init__(self, paths: JobPaths) -> None:
        self._paths = paths
        self._process = psutil.Process()
        self._gpus = gpus.mine()
        self._seconds, self._at = _seconds(self._process), time.monotonic()
        self._interval, self._points = _read(paths)
        self._open: list[Point] = []
        self._written = time.monotonic()

    def look(self) -> Point:
        """This moment; it is added to the points, which are written now and then. Raises OSError where that fails."""
        now, seconds = time.monotonic(), _seconds(self._process)
        cpu = 100 * max(0.0, seconds - self._seconds) / max(now - self._at, 1e-3)
        self._seconds, self._at = seconds, now
        found = gpus.readings(self._gpus)
        point = Point(
            clock.now(),
            round(cpu, 1),
            _memory(self._process),
            *(_gpu(found) if found else ()),
        )
        self._add(point)
        if now - self._written > _WRITE_EVERY:
            self._written = now
            self.write()
        return point

    def write(self) -> None:
        """Write `usage.json`."""
        columns = {name: [getattr(point, name) for point in self._points] for name in COLUMNS}
        fileio.write_json(self._paths.usage, {"interval": self._interval, **columns})

    def _add(self, point: Point) -> None:
        self._open.append(point)
        if len(self._open) * SHORTEST >= self._interval:
            self._points.append(_mean(self._open))
            self._open = []
        if len(self._points) > MOST:
            self._points = [_mean(self._points[at : at + 2]) for at in range(0, len(self._points), 2)]
            self._interval *= 2


def read(paths: JobPaths) -> pd.DataFrame:
    """A row a point, the columns of `Point`; empty before the first."""
    import pandas as pd

    return pd.DataFrame(_read(paths)[1], columns=list(COLUMNS))


def _read(paths: JobPaths) -> tuple[float, list[Point]]:
    try:
        document = fileio.read_json(paths.usage)
        return float(document["interval"]), [Point(*values) for values in zip(*(document[name] for name in COLUMNS), strict=True)]
    except (OSError, AllcoreError, KeyError, TypeError, ValueError):  # no record of use is worth failing for
        return SHORTEST, []


def _mean(points: list[Point]) -> Point:
    values: dict[str, Any] = {"time": points[-1].time}
    for name in COLUMNS[1:]:
        known = [value for point in points if (value := getattr(point, name)) is not None]
        values[name] = round(sum(known) / len(known), 1) if known else None
    return Point(**values)


def _gpu(found: list[gpus.Reading]) -> tuple[float, float, float]:
    percent = sum(one.percent for one in found) / len(found)
    return round(percent, 1), sum(one.memory_mb for one in found), max(one.celsius for one in found)


def _family(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return [process]


def _seconds(process: psutil.Process) -> float:
    total = 0.0
    for one in _family(process):
        with suppress(psutil.Error):
            spent = one.cpu_times()
            total += spent.user + spent.system
    return total


def _memory(process: psutil.Process) -> float:
    total = 0
    for one in _family(process):
        with suppress(psutil.Error):
            total += one.memory_info().rss
    return round(total / 1e6, 1)
