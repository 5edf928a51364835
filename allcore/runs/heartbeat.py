"""The sign of life of a job's process, and how far it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from allcore.base import clock, fileio, processes
from allcore.base.paths import JobPaths

INTERVAL = 2.0
"""Seconds between two beats."""
GONE = 3.0
"""Seconds without a beat after which one looks whether the process is still there."""
STALE = 8.0
"""Seconds without a beat after which a process that exists is looked at: one that was halted is taken for dead."""


@dataclass(frozen=True)
class Heartbeat:
    """`heartbeat.json`."""

    time: str
    attempt: int
    pid: int
    created: float
    """When the process was created, as psutil gives it: with the pid it names one process for good."""
    share: float
    """Share of the job that is done, 0 to 1."""
    doing: str
    memory_mb: float
    """Of the process and its children."""
    cpu: float | None = None
    """Percent of one core, since the beat before."""
    gpu: float | None = None
    gpu_celsius: float | None = None
    host: str = ""
    """The machine of the process; '' for this one, as in files from before there were several."""

    @property
    def is_here(self) -> bool:
        """Whether the process is on this machine, so that its pid can be looked up."""
        return self.host in ("", processes.host())

    @property
    def age(self) -> float:
        """Seconds since the beat."""
        return clock.seconds_since(self.time)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def read(paths: JobPaths) -> Heartbeat | None:
    """The last beat, None before the first."""
    try:
        document = fileio.read_json(paths.heartbeat)
    except FileNotFoundError:
        return None
    return Heartbeat(**{name: document[name] for name in Heartbeat.__dataclass_fields__ if name in document})


def is_alive(beat: Heartbeat) -> bool:
    """Whether the process of this beat still exists and is no zombie; on another machine, whether it has been heard of lately."""
    if not beat.is_here:
        return beat.age <= STALE
    return processes.is_alive(beat.pid, beat.created)


def is_at_work(beat: Heartbeat) -> bool:
    """Whether the process of this beat exists and is not stopped; on another machine, whether it has been heard of lately."""
    if not beat.is_here:
        return beat.age <= STALE
    return processes.is_alive(beat.pid, beat.created) and not processes.is_stopped(beat.pid)
