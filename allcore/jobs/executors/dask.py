"""Runs each job as a child process of a Dask worker, on whatever machine that is. The scheduler places; the folders know.

What this loses sight of, it judges by the job's folder: its lock, its number, its sign of life. So the scheduler may forget everything.
"""

from __future__ import annotations

import secrets
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field

from distributed import Future

from allcore.base import fileio, locks
from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs.cluster import Scheduler, tell
from allcore.jobs.executors import Ended, on_worker
from allcore.jobs.executors.dask_cluster import Connection
from allcore.jobs.slots import Slot
from allcore.runs import allotment, heartbeat, status

_COMING_UP, _COMING_UP_UNSEEN = 3 * heartbeat.STALE, 2 * heartbeat.GONE
"""Seconds that a process may take before its first sign of life: where its worker has it, and where that was lost.

Who is late is fenced off by the next attempt's number, so that little is risked; a status must not say "starting" for long of what is gone.
"""
_UNSEEN = -signal.SIGKILL
"""Exit code of a process that nobody saw end."""
_WORKER_LOST = "Its Dask worker was lost"


@dataclass
class _Task:
    """A job that was handed to a worker."""

    paths: JobPaths
    attempt: int
    slot: str
    address: str
    """The worker's; '' where it was gone before the job began."""
    future: Future | None = field(default=None, repr=False)
    """None where we no longer hear of it, and where an earlier runner had handed it over."""
    lost: str = ""
    """Why we don't."""
    lost_since: float = field(default_factory=time.monotonic)

    def lose(self, why: str) -> None:
        """Go on by the folder alone."""
        if not self.lost:
            self.future, self.lost, self.lost_since = None, why, time.monotonic()


class DaskExecutor:
    """As many slots as the scheduler's workers offer; what an earlier runner had begun there is taken over."""

    def __init__(self, artifacts: Artifacts, scheduler: Scheduler) -> None:
        self._artifacts = artifacts
        self._tasks: list[_Task] = []
        self._connection = Connection(artifacts, scheduler)
        artifacts.root.mkdir(parents=True, exist_ok=True)
        self._lock = locks.holder(artifacts.cluster_lock, timeout=5)
        self._lock.acquire()
        fileio.write_bytes(artifacts.cluster_token, secrets.token_hex(16).encode())

    def free(self) -> tuple[Slot, ...]:
        self._look()
        taken = {task.slot for task in self._tasks}
        return tuple(slot for worker in self._connection.workers.values() for slot in worker.slots if slot.name not in taken)

    def start(self, paths: JobPaths, attempt: int, slot: Slot) -> None:
        self._look()
        for address, worker in self._connection.workers.items():
            if slot.name in {offered.name for offered in worker.slots}:
                gpu = worker.gpus.get(slot.name)
                given = (str(self._artifacts.root), paths.id, attempt, slot.variables, gpu)
                with suppress(ConnectionError):
                    key = f"allcore-{paths.id}-{attempt}"
                    future = self._connection.submitted(on_worker.done, *given, key=key, address=address, gpu=gpu is not None)
                    self._tasks.append(_Task(paths, attempt, slot.name, address, future))
                    return
        self._tasks.append(_Task(paths, attempt, slot.name, "", lost=_WORKER_LOST))

    def ended(self) -> list[Ended]:
        self._look()
        over = [(task, end) for task in self._tasks if (end := self._end(task)) is not None]
        for task, _ in over:
            self._tasks.remove(task)
            if task.future is None:  # it ended unseen, maybe with its worker, which the scheduler may not have noticed yet
                self._connection.doubt(task.address)
        return [end for _, end in over]

    def ask_to_end(self, paths: JobPaths) -> None:
        self._send(paths, signal.SIGTERM)

    def kill(self, paths: JobPaths) -> None:
        self._send(paths, signal.SIGKILL)

    def close(self) -> None:
        self._connection.close()
        tell(self._artifacts, None)
        self._artifacts.cluster_token.unlink(missing_ok=True)
        self._lock.release()

    def _look(self) -> None:
        """See who is there; lose sight of what was with those who are not, and take over what those who have come are doing."""
        self._connection.look()
        workers = self._connection.workers
        for task in self._tasks:
            if task.address not in workers:
                if task.future is not None:
                    with suppress(ConnectionError):
                        self._connection.forget(task.future)
                task.lose(_WORKER_LOST)
        for address, worker in workers.items():
            while worker.jobs:
                job, attempt = worker.jobs.pop()
                if not any((task.paths.id, task.attempt) == (job, attempt) for task in self._tasks):
                    paths = self._artifacts.job(job)
                    given = allotment.read(paths)
                    self._tasks.append(_Task(paths, attempt, given.slot if given else "", address))

    def _end(self, task: _Task) -> Ended | None:
        state = task.future.status if task.future is not None else ""
        if state == "finished":
            try:
                return Ended(task.paths, task.attempt, *self._connection.result(task.future))
            except ConnectionError:
                task.lose(_WORKER_LOST)
        elif state == "error":
            try:
                why = self._connection.failure(task.future)
                return Ended(task.paths, task.attempt, 1, f"It could not be started on {task.slot}: {why}")
            except ConnectionError:
                task.lose(_WORKER_LOST)
        elif state in ("cancelled", "lost"):
            task.lose("The Dask scheduler was lost")
        return self._judged(task) if task.future is None else None

    def _judged(self, task: _Task) -> Ended | None:
        """The end of a job that we no longer hear of, as its folder tells it."""
        if locks.is_held(task.paths.job_lock):
            return None
        try:
            current, beat = status.read(task.paths), heartbeat.read(task.paths)
        except NotFound:
            return Ended(task.paths, task.attempt, 0)
        if current.attempt != task.attempt or current.state not in status.IN_PROCESS:
            return Ended(task.paths, task.attempt, 0)
        has_begun = beat is not None and beat.attempt == task.attempt
        patience = _COMING_UP_UNSEEN if task.lost else _COMING_UP
        if has_begun or not task.address or time.monotonic() - task.lost_since > patience:
            return Ended(task.paths, task.attempt, _UNSEEN, task.lost or "Its process has gone")
        return None

    def _send(self, paths: JobPaths, number: int) -> None:
        """Send a signal to a job's process; where it has not begun, see to it that it does not."""
        for task in self._tasks:
            if task.paths.id == paths.id and task.address in self._connection.workers:
                with suppress(ConnectionError):
                    told = self._connection.run(on_worker.told, str(self._artifacts.root), paths.id, int(number), workers=[task.address])
                    if task.future is not None and told.get(task.address) == 0 and not task.future.done():
                        self._connection.forget(task.future)
                        task.lose("It was ended before it began")
