"""Where a job stands among those that wait: its priority, and its rank among equals. May change as long as the job waits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from allcore.base import fileio
from allcore.base.errors import BadInput
from allcore.base.paths import JobPaths

LOWEST, NORMAL, HIGHEST = -9, 0, 9


@dataclass(frozen=True)
class Place:
    """`place.json`."""

    priority: int
    """-9 to 9; the higher begins first, whosever it is."""
    rank: float
    """Among one person's jobs of equal priority the lowest begins first: seconds since 1970 of the submission, until it is moved."""


def first(created: str, priority: int = NORMAL) -> Place:
    """The place of a job that nobody has moved; `created` as in its spec. Raises BadInput outside -9 to 9."""
    if not LOWEST <= priority <= HIGHEST:
        raise BadInput(f"Priority can't be {priority}.", f"Allowed: {LOWEST} to {HIGHEST}; {NORMAL} is what a job has.")
    return Place(priority, datetime.fromisoformat(created).timestamp())


def _parsed(path: Path) -> Place:
    document = fileio.read_json(path)
    return Place(int(document["priority"]), float(document["rank"]))


_read = fileio.remembered(_parsed, most=4096)


def read(paths: JobPaths, created: str) -> Place:
    """A job's place; `created` as in its spec, for a job that was never moved."""
    try:
        return _read(paths.place)
    except FileNotFoundError:
        return first(created)


def write(paths: JobPaths, place: Place) -> None:
    """Give a job another place."""
    fileio.write_json(paths.place, asdict(place))
