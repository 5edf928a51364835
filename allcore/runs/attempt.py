"""One process's hold on one job: its lock, its number, its sign of life, and the only way for it to write."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from allcore.base import clock, fileio, locks, processes
from allcore.base.errors import AllcoreError, Cancelled, Fenced
from allcore.base.paths import Artifacts, JobPaths
from allcore.runs import allotment, cancellation, events, heartbeat, spec, status, usage

_RESERVE = 65536
STOPPED, ORPHANED, REQUEUED = "The runner was stopped.", "The process that had started it has gone.", "Makes room for others on request."


class Interrupted(AllcoreError):
    """The process has to end now, and the job is to go on later: STOPPED, ORPHANED or REQUEUED says why."""


class Attempt:
    """What a job's code sees of the world: its spec, its folder, and ways to tell how far it is.

    Made by `held` alone. Every method that writes raises Fenced once a later attempt has begun.
    """

    def __init__(self, artifacts: Artifacts, paths: JobPaths, number: int, parent: int | None) -> None:
        self.artifacts = artifacts
        self.paths = paths
        self.number = number
        self.spec = spec.read(paths)
        self._share = 0.0
        self._doing = "Starting"
        self._parent = parent
        self._meter = usage.Meter(paths)
        self._stop = threading.Event()
        self._told_to_end = threading.Event()

    def check(self) -> None:
        """To be called often. Raises Cancelled, Interrupted or Fenced where this process must not go on."""
        if not self._is_current():
            raise Fenced(f"Attempt {self.number} of {self.paths.id} was overtaken.")
        if self.paths.cancel.exists():
            raise Cancelled(cancellation.reason(self.paths) or cancellation.ON_REQUEST)
        if self.paths.requeue.exists():
            raise Interrupted(REQUEUED)
        if self._told_to_end.is_set():
            raise Interrupted(STOPPED)
        if self._parent is not None and os.getppid() != self._parent:
            raise Interrupted(ORPHANED)

    @property
    def is_to_finish(self) -> bool:
        """Whether somebody asked for the training to end with the epoch that it is in."""
        return self.paths.finish.exists()

    @property
    def threads(self) -> int:
        """Threads of the processor that it may use, 0 for all."""
        given = allotment.read(self.paths)
        return given.threads if given else 0

    def progress(self, share: float, doing: str) -> None:
        """Say how far the job is (0 to 1) and what is being done; checks as `check` does."""
        self._share, self._doing = share, doing
        self.check()

    def event(self, event: str, **values: Any) -> None:
        """Append an event."""
        self.check()
        events.append(self.paths, event, attempt=self.number, **values)

    @contextmanager
    def replacing(self, path: Path) -> Iterator[Path]:
        """As `fileio.replacing`, with a check before the file takes its place."""
        with fileio.replacing(path) as aside:
            yield aside
            self.check()

    def write_json(self, path: Path, document: dict[str, Any]) -> None:
        """As `fileio.write_json`, after a check."""
        self.check()
        fileio.write_json(path, document)

    def keep_reserve(self) -> None:
        """Take a little room on the disk while there is some."""
        with suppress(OSError):
            self.paths.reserve.write_bytes(os.urandom(_RESERVE))  # zeros might be stored as nothing

    def free_reserve(self) -> None:
        """Give it up, so that how the job ended can be written on a full disk."""
        with suppress(OSError):
            self.paths.reserve.unlink()

    def become(self, state: str, reason: str = "") -> None:
        """Change the job's state."""
        status.change(self.paths, state, reason=reason, attempt=self.number)

    def _is_current(self) -> bool:
        return status.read(self.paths).attempt == self.number

    def _beat(self) -> None:
        if not self._is_current():
            return
        process, used = psutil.Process(), self._meter.look()
        beat = heartbeat.Heartbeat(
            time=clock.now(),
            attempt=self.number,
            pid=process.pid,
            created=process.create_time(),
            share=round(self._share, 4),
            doing=self._doing,
            memory_mb=used.memory_mb,
            cpu=used.cpu,
            gpu=used.gpu,
            gpu_celsius=used.gpu_celsius,
            host=processes.host(),
        )
        fileio.write_json(self.paths.heartbeat, beat.to_dict())

    def _keep_beating(self) -> None:
        while not self._stop.wait(heartbeat.INTERVAL):
            with suppress(OSError, AllcoreError):  # a full disk must not end the thread: the next beat may succeed
                self._beat()


@contextmanager
def held(artifacts: Artifacts, paths: JobPaths, number: int, *, parent: int | None = None) -> Iterator[Attempt]:
    """Take the job's lock for attempt `number` and beat until the block ends.

    `parent` is the process without which this one should not go on, None where it needs nobody.

    Raises Fenced where another process has the job, or a later attempt has begun, NotFound where there is no such job.
    """
    status.read(paths)  # before the lock, whose file would make a folder for a job that is none
    lock = locks.holder(paths.job_lock, timeout=5)
    try:
        lock.acquire()
    except locks.Timeout:
        raise Fenced(f"Another process is at work on {paths.id}.") from None
    try:
        if status.read(paths).attempt != number:
            raise Fenced(f"Attempt {number} of {paths.id} was overtaken.")
        attempt = Attempt(artifacts, paths, number, parent)
        beating = threading.Thread(target=attempt._keep_beating, daemon=True)
        with _terminable(attempt):
            attempt._beat()
            attempt.keep_reserve()
            beating.start()
            try:
                yield attempt
            finally:
                attempt.free_reserve()
                attempt._stop.set()
                beating.join()
                with suppress(OSError, AllcoreError):
                    if attempt._is_current():
                        attempt._meter.write()
    finally:
        lock.release()


@contextmanager
def _terminable(attempt: Attempt) -> Iterator[None]:
    """SIGTERM asks the job to end at its next check; outside the main thread signals are somebody else's."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: attempt._told_to_end.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
