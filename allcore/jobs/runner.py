"""The one process that decides what runs next. The queue is the folders; what it knows it reads from them."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import psutil

from allcore.base import clock, locks
from allcore.base.errors import Conflict, Fenced, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs import control, slots
from allcore.jobs.executors import Ended, Executor
from allcore.jobs.executors.local import LocalExecutor
from allcore.runs import attempt as attempts
from allcore.runs import events, heartbeat, status, store
from allcore.runs.store import Job

INTERVAL = 0.5
IDLE_SECONDS = 30.0
"""How long a runner with nothing to do stays."""
CANCEL_GRACE = 20.0
"""Seconds that a job has to obey a cancellation before its process is ended."""
MOST_CRASHES = 3
"""Attempts in a row that may die without having got further."""


class Runner:
    """Hands queued jobs to an executor and settles those whose process has gone."""

    def __init__(self, artifacts: Artifacts, executor: Executor) -> None:
        self._artifacts = artifacts
        self._executor = executor
        self._mine: set[str] = set()

    def step(self) -> bool:
        """One look at the folders; whether there is anything to do now or later."""
        for ended in self._executor.ended():
            self._mine.discard(ended.paths.id)
            self._settle(ended)
        jobs = store.active(self._artifacts)
        for job in jobs:
            if job.status.state in status.IN_PROCESS:
                self._look_after(job)
            elif job.paths.cancel.exists():  # asked for in the moment in which its process went
                _try(job.paths, status.CANCELLED, "Cancelled on request.", job.status.attempt)
            elif job.status.state == status.INTERRUPTED and not locks.is_held(job.paths.job_lock):
                _try(job.paths, status.QUEUED, "Goes on from its last checkpoint.", job.status.attempt)
        queued = [job for job in jobs if job.status.state == status.QUEUED]
        for slot in self._executor.free():
            fitting = next((job for job in queued if job.spec.kind in slot.kinds), None)
            if fitting is not None:
                queued.remove(fitting)
                self._start(fitting, slot)
        return bool(jobs)

    def end_all(self, seconds: float = 25.0) -> None:
        """Ask every process of ours to save and end; end those that don't."""
        mine = [JobPaths(job.paths.folder) for job in store.active(self._artifacts) if job.id in self._mine]
        for paths in mine:
            self._executor.ask_to_end(paths)
        deadline = time.monotonic() + seconds
        while self._mine and time.monotonic() < deadline:
            for ended in self._executor.ended():
                self._mine.discard(ended.paths.id)
                self._settle(ended)
            time.sleep(0.1)
        for paths in mine:
            self._executor.kill(paths)

    def _start(self, job: Job, slot: slots.Slot) -> None:
        if locks.is_held(job.paths.job_lock):  # a process of an earlier attempt is still on its way out
            return
        begun = _try(job.paths, status.STARTING, f"On {slot.name}.", attempt=job.status.attempt)
        if begun is not None:
            self._mine.add(job.id)
            self._executor.start(job.paths, begun.attempt, slot)

    def _look_after(self, job: Job) -> None:
        _end_if_stopped(job)
        if job.id in self._mine:
            if job.paths.cancel.exists() and time.time() - job.paths.cancel.stat().st_mtime > CANCEL_GRACE:
                self._executor.kill(job.paths)
            return
        # Another runner's child: it notices that its parent has gone, and ends.
        if locks.is_held(job.paths.job_lock):
            return
        seen = job.beat is not None and job.beat.attempt == job.status.attempt
        if seen or clock.seconds_since(job.status.since) > heartbeat.STALE:
            # It was at work until its last beat, not until now: a machine may have been off for days.
            gone = max(job.beat.time, job.status.since) if seen else None
            _try(job.paths, status.INTERRUPTED, "Its process has gone.", job.status.attempt, gone)

    def _settle(self, ended: Ended) -> None:
        """A process has gone: where it did not say how its job ended, say it now."""
        try:
            current = status.read(ended.paths)
        except NotFound:
            return
        if current.attempt != ended.attempt or current.state not in status.IN_PROCESS:
            return
        if ended.paths.cancel.exists():
            _try(ended.paths, status.CANCELLED, "Cancelled on request.", attempt=ended.attempt)
        elif _crashes(ended.paths, current) >= MOST_CRASHES:
            _try(ended.paths, status.FAILED, f"{_cause(ended.exit_code)}, {MOST_CRASHES} times in a row.", attempt=ended.attempt)
        else:
            _try(ended.paths, status.INTERRUPTED, f"{_cause(ended.exit_code)}.", attempt=ended.attempt)


def _end_if_stopped(job: Job) -> None:
    """A process that was halted can neither go on nor notice that it should end; the job goes on in a later attempt."""
    if job.beat and job.beat.age > heartbeat.STALE and heartbeat.is_alive(job.beat) and not heartbeat.is_at_work(job.beat):
        with suppress(psutil.NoSuchProcess):
            psutil.Process(job.beat.pid).kill()


def _cause(exit_code: int) -> str:
    if exit_code == -signal.SIGKILL:
        return "Its process was killed, perhaps for want of memory"
    if exit_code < 0:
        return f"Its process was ended by signal {-exit_code}"
    return f"Its process ended with code {exit_code}"


def _crashes(paths: JobPaths, current: status.Status) -> int:
    """Attempts in a row, the current one included, that died without a word and got no further than those before."""
    epochs, progressed = 0, set()
    for event in events.read(paths):
        if event["event"] == events.EPOCH and event["epoch"] > epochs:
            epochs = event["epoch"]
            progressed.add(event["attempt"])
    crashes = 0
    for step in reversed(current.history):
        told = step.state in status.ENDED or step.reason in (attempts.STOPPED, attempts.ORPHANED)
        if told or step.attempt in progressed:
            break
        crashes += step.state == status.STARTING
    return crashes


def _try(paths: JobPaths, to: str, reason: str, attempt: int, moment: str | None = None) -> status.Status | None:
    """Change a status, unless somebody else was quicker."""
    try:
        return status.change(paths, to, reason=reason, attempt=attempt, moment=moment)
    except (Conflict, Fenced, NotFound):
        return None


def run(artifacts: Artifacts, *, idle_seconds: float = IDLE_SECONDS) -> None:
    """Be the runner of this artifacts folder until told to stop, or idle; return at once where there is one."""
    lock = locks.holder(artifacts.runner_lock, timeout=2)
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    state = control.identity(os.getpid())
    while True:
        try:
            lock.acquire()
        except locks.Timeout:
            return
        artifacts.runner_stop.unlink(missing_ok=True)
        runner = Runner(artifacts, LocalExecutor(artifacts, slots.found()))
        idle_since = time.monotonic()
        while not stopping and not artifacts.runner_stop.exists():
            control.claim(artifacts, state)
            if runner.step():
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > idle_seconds:
                break
            time.sleep(INTERVAL)
        runner.end_all()
        told_to_stop = bool(stopping) or artifacts.runner_stop.exists()
        # From here on others start a runner; whoever still saw this one at work queued a job before the look below.
        artifacts.runner_state.unlink(missing_ok=True)
        lock.release()
        if told_to_stop or not store.active(artifacts):
            artifacts.runner_stop.unlink(missing_ok=True)
            return


def main() -> None:
    """`python -m allcore.jobs.runner`"""
    run(Artifacts.locate(), idle_seconds=float(os.environ.get("ALLCORE_RUNNER_IDLE", IDLE_SECONDS)))


if __name__ == "__main__":
    main()
