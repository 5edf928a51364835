"""What an attempt was given to work with: its slot, and how many of the processor's threads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from allcore.base import fileio
from allcore.base.paths import JobPaths


@dataclass(frozen=True)
class Allotment:
    """`slot.json`."""

    slot: str
    threads: int
    """0: as many as the machine has. A later attempt gets as many as the first: sums in another order differ in their last digits."""
    attempt: int
    runner: int
    """Process id of the runner that gave it, and when that process was created: who reads this can tell whether it is still there."""
    runner_created: float
    host: str = ""
    """The runner's machine."""


def _parsed(path: Path) -> Allotment:
    document = fileio.read_json(path)
    return Allotment(**{name: document[name] for name in Allotment.__dataclass_fields__ if name in document})


_read = fileio.remembered(_parsed, most=4096)


def read(paths: JobPaths) -> Allotment | None:
    """None before a job's first attempt."""
    try:
        return _read(paths.allotment)
    except FileNotFoundError:
        return None


def write(paths: JobPaths, given: Allotment) -> None:
    """Written by the runner, before the attempt's process begins."""
    fileio.write_json(paths.allotment, asdict(given))
