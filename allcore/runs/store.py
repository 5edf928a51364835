"""Reading and listing jobs and runs: every view of the laboratory starts here."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allcore.base import clock, fileio, locks, processes
from allcore.base.errors import AllcoreError, Conflict, Fenced, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.runs import allotment, cancellation, heartbeat, place, spec, status, trash
from allcore.runs.allotment import Allotment
from allcore.runs.heartbeat import Heartbeat
from allcore.runs.place import Place
from allcore.runs.spec import JobSpec
from allcore.runs.status import Status

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


_metrics = fileio.remembered(fileio.read_json, most=64)  # curves and all, about 100 KB each


@dataclass(frozen=True)
class Job:
    """A job as its folder tells it."""

    paths: JobPaths
    spec: JobSpec
    status: Status
    beat: Heartbeat | None

    @property
    def id(self) -> str:
        return self.paths.id

    @property
    def state(self) -> str:
        """The truth: what the status says, unless the process that should be at work has fallen silent."""
        if self.status.state in status.IN_PROCESS and self._is_silent():
            return status.INTERRUPTED
        return self.status.state

    def _is_silent(self) -> bool:
        if self.beat is None or self.beat.attempt != self.status.attempt:
            # A process takes a while to come up; where its runner has gone, it will end before it has begun.
            waited = clock.seconds_since(self.status.since)
            return waited > 4 * heartbeat.STALE or (waited > heartbeat.GONE and self._is_orphan)
        if self.beat.age <= heartbeat.GONE:
            return False
        # A starved process beats late; one that is stopped or gone does not beat at all.
        return not heartbeat.is_alive(self.beat) or (self.beat.age > heartbeat.STALE and not heartbeat.is_at_work(self.beat))

    @property
    def _is_orphan(self) -> bool:
        given = self.allotment
        if given is None or given.attempt != self.status.attempt or given.host not in ("", processes.host()):
            return False
        return not processes.is_alive(given.runner, given.runner_created)

    @property
    def owner(self) -> str:
        """Whose it is."""
        return self.spec.owner

    @property
    def place(self) -> Place:
        """Where it stands among those that wait."""
        return place.read(self.paths, self.spec.created)

    @property
    def allotment(self) -> Allotment | None:
        """The slot of its latest attempt, None before the first."""
        return allotment.read(self.paths)

    @property
    def share(self) -> float:
        """Share done, 0 to 1."""
        if self.status.state == status.DONE:
            return 1.0
        return self.beat.share if self.beat and self.status.attempt == self.beat.attempt else 0.0

    @property
    def seconds(self) -> float | None:
        """Seconds at work, all attempts together; None before the first."""
        total, begun = 0.0, None
        for step in self.status.history:
            if step.state == status.RUNNING:
                begun = step.time
            elif begun is not None and step.state in (*status.ENDED, status.INTERRUPTED):
                total, begun = total + clock.seconds_between(begun, step.time), None
        if begun is not None:
            total += clock.seconds_since(begun)
        return total if self.status.attempt else None

    @property
    def metrics(self) -> dict[str, Any] | None:
        """`metrics.json` of a run that has one."""
        try:
            return _metrics(self.paths.metrics)
        except FileNotFoundError:
            return None


def read(paths: JobPaths) -> Job:
    """Raises NotFound where there is no such job."""
    current = status.read(paths)
    beat = heartbeat.read(paths) if current.state in status.IN_PROCESS else None
    return Job(paths, spec.read(paths), current, beat)


def _folders(artifacts: Artifacts, *parents: str) -> Iterator[JobPaths]:
    for parent in parents:
        folder = str(artifacts.root / parent)
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
        except FileNotFoundError:
            continue
        for name in names:
            yield _paths(folder, name)


@lru_cache(maxsize=8192)
def _paths(folder: str, name: str) -> JobPaths:
    """Made once: of a thousand looks at a thousand jobs most of the time went into joining names."""
    return JobPaths(Path(folder, name))


def _read_all(folders: Iterator[JobPaths]) -> list[Job]:
    found = []
    for paths in folders:
        try:
            found.append(read(paths))
        except AllcoreError:  # deleted under our eyes, damaged, or not a job's folder: reading that one alone says which
            continue
    return sorted(found, key=lambda job: (job.spec.created, job.id))


def runs(artifacts: Artifacts) -> list[Job]:
    """Every training job, oldest first."""
    return _read_all(_folders(artifacts, "runs"))


def jobs(artifacts: Artifacts) -> list[Job]:
    """Every job of any kind, oldest first."""
    return _read_all(_folders(artifacts, "runs", "jobs"))


def active(artifacts: Artifacts) -> list[Job]:
    """Every job that is not over, oldest first."""
    # Of a thousand folders most are over: their status alone is looked at.
    return _read_all(paths for paths in _folders(artifacts, "runs", "jobs") if _is_active(paths))


def _is_active(paths: JobPaths) -> bool:
    try:
        return status.read(paths).state in status.ACTIVE
    except AllcoreError:
        return False


def predictions(paths: JobPaths) -> pd.DataFrame:
    """image_id, subject, side, fold, label, p_<class>... of a finished run. Raises NotFound."""
    import pandas as pd

    try:
        return pd.read_parquet(paths.predictions)
    except FileNotFoundError:
        raise NotFound(f"Run '{paths.id}' has no predictions.", "It has not finished.") from None


def embeddings(paths: JobPaths) -> np.ndarray:
    """float16 (images, d), rows in the order of the data set's records, memory-mapped. Raises NotFound."""
    import numpy as np

    try:
        return np.load(paths.embeddings, mmap_mode="r")
    except FileNotFoundError:
        raise NotFound(f"Run '{paths.id}' has no embeddings.", "It has not finished.") from None


def sides(paths: JobPaths) -> np.ndarray:
    """Each image's side, text (images,), rows in the order of the data set's records. Raises NotFound."""
    import pandas as pd

    try:
        return pd.read_parquet(paths.split, columns=["side"])["side"].to_numpy()
    except FileNotFoundError:
        raise NotFound(f"Run '{paths.id}' has no split.", "It has not begun.") from None


def ask_to_cancel(paths: JobPaths, reason: str = cancellation.ON_REQUEST) -> Status:
    """Stop a job: at once where none is at work on it, else as soon as its process looks. `reason` is what its status will say.

    Raises Conflict where it has ended.
    """
    current = status.read(paths)
    if current.state in status.ENDED:
        raise Conflict(f"'{paths.id}' is {current.state}: there is nothing to cancel.")
    cancellation.write(paths, reason)
    if current.state in (status.QUEUED, status.INTERRUPTED):
        try:
            return status.change(paths, status.CANCELLED, reason=reason, attempt=current.attempt)
        except (Conflict, Fenced):
            pass  # a process took it up in this moment, and will find the file
    return status.read(paths)


def resume(paths: JobPaths) -> Status:
    """Queue a job again that failed, was cancelled or interrupted; it goes on from its checkpoint.

    Raises Conflict where it is at work or done.
    """
    current = status.read(paths)
    if current.state not in (status.FAILED, status.CANCELLED, status.INTERRUPTED):
        raise Conflict(f"'{paths.id}' is {current.state}: there is nothing to resume.")
    if current.state == status.CANCELLED:  # one that failed while it was to finish still is
        paths.finish.unlink(missing_ok=True)
    return _queued_again(paths, "Resumed on request.")


def _queued_again(paths: JobPaths, reason: str) -> Status:
    for asked in (paths.cancel, paths.requeue):
        asked.unlink(missing_ok=True)
    return status.change(paths, status.QUEUED, reason=reason)


def finish(paths: JobPaths) -> Status:
    """Let a training end with the epoch that it is in, or was in when it ended, as if that had been its last: it can answer then.

    Raises Conflict where it is done, what comes after the last epoch has begun, or it is being cancelled.
    """
    current = status.read(paths)
    if current.state in (status.FINISHING, status.DONE):
        raise Conflict(f"'{paths.id}' is {current.state}: its last epoch has ended.")
    if current.state in status.ACTIVE and paths.cancel.exists():
        raise Conflict(f"'{paths.id}' is being cancelled.", "Ask again once it is.")
    fileio.write_json(paths.finish, {"time": clock.now()})
    return _queued_again(paths, "To finish with what it has.") if current.state in status.ENDED else status.read(paths)


def ask_to_requeue(paths: JobPaths) -> Status:
    """Let a job that is at work make room: it saves a checkpoint, and waits again behind those of its priority.

    Raises Conflict where it is not at work.
    """
    current = status.read(paths)
    if current.state not in status.IN_PROCESS:
        raise Conflict(f"'{paths.id}' is {current.state}: only a job at work can make room.")
    before = place.read(paths, spec.read(paths).created)
    place.write(paths, Place(before.priority, time.time()))
    fileio.write_json(paths.requeue, {"time": clock.now()})
    return status.read(paths)


def delete(paths: JobPaths, *, by: str = "") -> None:
    """Move an ended job's folder to the trash, from where it can be brought back. Raises Conflict while it is at work."""
    current = status.read(paths)
    at_work = current.state in (status.QUEUED, *status.IN_PROCESS)
    if at_work:
        raise Conflict(f"'{paths.id}' is {current.state}.", "Cancel it first.")
    if locks.is_held(paths.job_lock):
        raise Conflict(f"The process of '{paths.id}' has not ended yet.", "Try again in a moment.")
    trash.throw(paths, by=by)
