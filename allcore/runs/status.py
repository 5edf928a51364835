"""A job's state, its legal changes, and when and why each came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from allcore.base import clock, fileio, locks
from allcore.base.errors import Conflict, Fenced, NotFound
from allcore.base.paths import JobPaths

QUEUED, STARTING, RUNNING, FINISHING = "queued", "starting", "running", "finishing"
DONE, FAILED, CANCELLED, INTERRUPTED = "done", "failed", "cancelled", "interrupted"

IN_PROCESS = (STARTING, RUNNING, FINISHING)
"""States in which a process should be at work."""
ACTIVE = (QUEUED, *IN_PROCESS, INTERRUPTED)
"""States that lead on by themselves."""
ENDED = (DONE, FAILED, CANCELLED)

_LEGAL = {
    QUEUED: (STARTING, CANCELLED),
    STARTING: (RUNNING, FAILED, CANCELLED, INTERRUPTED),
    RUNNING: (FINISHING, FAILED, CANCELLED, INTERRUPTED),
    FINISHING: (DONE, FAILED, CANCELLED, INTERRUPTED),
    INTERRUPTED: (QUEUED, FAILED, CANCELLED),
    FAILED: (QUEUED,),
    CANCELLED: (QUEUED,),
    DONE: (),
}


@dataclass(frozen=True)
class Change:
    """One step of a job's history."""

    state: str
    time: str
    attempt: int
    reason: str = ""


@dataclass(frozen=True)
class Status:
    """`status.json`."""

    state: str
    attempt: int
    """How often a process was started for this job; whoever writes must hold the current number."""
    reason: str
    history: tuple[Change, ...]

    @property
    def since(self) -> str:
        return self.history[-1].time

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def first() -> Status:
    """The status of a job just submitted."""
    return Status(QUEUED, 0, "", (Change(QUEUED, clock.now(), 0),))


def _from_file(path: Path) -> Status:
    document = fileio.read_json(path)
    history = tuple(Change(**change) for change in document["history"])
    return Status(document["state"], document["attempt"], document["reason"], history)


_parsed = fileio.remembered(_from_file, most=8192)


def read(paths: JobPaths) -> Status:
    """Raises NotFound where there is no such job."""
    return _read(paths, _parsed)


def _read(paths: JobPaths, parse: Callable[[Path], Status]) -> Status:
    try:
        return parse(paths.status)
    except FileNotFoundError:
        raise NotFound(f"There is no job or run '{paths.id}'.", "`runs list` and `jobs list` show what there is.") from None


def change(paths: JobPaths, to: str, *, reason: str = "", attempt: int | None = None, moment: str | None = None) -> Status:
    """Move a job to another state, under its lock.

    `attempt` is the number that the caller believes to be current. Going to STARTING begins the next attempt. `moment` is when
    it happened, as `clock.now()` writes it; now, where it is None.

    Raises Fenced where `attempt` is no longer current, Conflict where the change is not legal, NotFound where there is no such job.
    """
    read(paths)  # before the lock, whose file would make a folder for a job that is none
    with locks.hold(paths.status_lock):
        # Not from memory: a network file system tells a file's time and size late, its content at each opening.
        before = _read(paths, _from_file)
        if attempt is not None and attempt != before.attempt:
            raise Fenced(f"Attempt {attempt} of {paths.id} was overtaken by attempt {before.attempt}.")
        if to not in _LEGAL[before.state]:
            raise Conflict(f"'{paths.id}' is {before.state} and can't become {to}.")
        number = before.attempt + (to == STARTING)
        after = Status(to, number, reason, (*before.history, Change(to, moment or clock.now(), number, reason)))
        fileio.write_json(paths.status, after.to_dict())
        return after
