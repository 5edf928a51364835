"""The one process that decides what runs next. The queue is the folders; what it knows it reads from them."""

from __future__ import annotations

import os
import signal
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil

from allcore.base import clock, locks, memory, processes
from allcore.base.errors import Conflict, Fenced, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs import control, endings, queue, slots
from allcore.jobs.executors import Ended, Executor
from allcore.jobs.executors.chosen import chosen
from allcore.jobs.slots import Slot
from allcore.jobs.studies import advance as studies
from allcore.runs import allotment, cancellation, heartbeat, status, store, trash
from allcore.runs import attempt as attempts
from allcore.runs.allotment import Allotment
from allcore.runs.store import Job

INTERVAL = 0.5
IDLE_SECONDS = 30.0
"""How long a runner with nothing to do stays."""
CANCEL_GRACE = 20.0
"""Seconds that a job has to obey a cancellation before its process is ended."""
PURGE_EVERY = 3600.0
"""Seconds between two looks at the trash."""


class Runner:
    """Hands queued jobs to an executor and settles those whose process has gone."""

    def __init__(self, artifacts: Artifacts, executor: Executor) -> None:
        self._artifacts = artifacts
        self._executor = executor
        self._mine: set[str] = set()
        self._gpus: set[str] = set()
        self._killed_before: dict[str, int | None] = {}
        self._limits = queue.Limits.from_environment()
        self._me = psutil.Process().pid, psutil.Process().create_time()

    def step(self) -> bool:
        """One look at the folders; whether there is anything to do now or later."""
        self._settle_ended()
        studies.advance(self._artifacts)
        jobs = store.active(self._artifacts)
        for job in jobs:
            if job.status.state in status.IN_PROCESS:
                self._look_after(job)
            elif job.paths.cancel.exists():  # asked for in the moment in which its process went
                _try(job.paths, status.CANCELLED, cancellation.reason(job.paths), job.status.attempt)
            elif job.status.state == status.INTERRUPTED and not locks.is_held(job.paths.job_lock):
                job.paths.requeue.unlink(missing_ok=True)
                _try(job.paths, status.QUEUED, "Goes on from its last checkpoint.", job.status.attempt)
        if queue.paused(self._artifacts) is None:
            free = self._executor.free()
            for slot in free:
                if not slot.gpus:
                    self._fill(slot, jobs)
            self._fill_gpus([slot for slot in free if slot.gpus], jobs)
        return bool(jobs)

    def _due(self, kinds: tuple[str, ...], jobs: list[Job]) -> list[Job]:
        """Jobs of these kinds that may begin, in their turn."""
        lane = [job for job in jobs if job.spec.kind in kinds]
        busy = queue.at_work(lane)
        # A job of an earlier attempt whose process is still on its way out waits, and holds nobody up.
        waiting = [job for job in lane if job.status.state == status.QUEUED and not locks.is_held(job.paths.job_lock)]
        if not waiting:
            return []
        last = queue.turns(self._artifacts, queue.lane(waiting[0].spec.kind))
        return self._limits.allowed(queue.in_turn(waiting, at_work=busy, last=last), at_work=busy)

    def _fill(self, slot: Slot, jobs: list[Job]) -> None:
        """Give a slot to whose turn it is; one whose cores can be shared to as many as fit."""
        allowed = self._due(slot.kinds, jobs)
        memory_left = psutil.virtual_memory().available
        for number, job in enumerate(allowed):
            given = slot
            if slot.cores:
                threads = slots.share(slot, waiting=len(allowed) - number, pinned=_pinned(job), memory=memory_left)
                if not threads:
                    return
                given = replace(slot, cores=threads, taken=0)
                slot = replace(slot, taken=slot.taken + threads)
                memory_left -= slots.MEMORY
            if self._start(job, given, jobs) and not slot.cores:
                return

    def _fill_gpus(self, free: list[Slot], jobs: list[Job]) -> None:
        """Give each job whose turn it is as many GPUs as it asks for. One for which too few are free is waited for by all behind it."""
        self._gpus.update(slot.name for slot in free)  # all, at the first look
        held = _held_elsewhere(jobs, self._mine)
        free = [slot for slot in free if slot.name not in held]
        for job in self._due(slots.TRAINING, jobs) if free else ():
            wanted = slots.wanted(job.spec.params)
            if wanted > len(self._gpus):
                wanted = 1  # this machine never has so many: its process says so
            if wanted > len(free):
                return
            if self._start(job, slots.joined(free[:wanted]), jobs):
                free = free[wanted:]

    def _settle_ended(self) -> None:
        for ended in self._executor.ended():
            self._mine.discard(ended.paths.id)
            self._settle(ended)

    def end_all(self, seconds: float = 25.0) -> None:
        """Ask every process of ours to save and end; end those that don't."""
        mine = [JobPaths(job.paths.folder) for job in store.active(self._artifacts) if job.id in self._mine]
        for paths in mine:
            self._executor.ask_to_end(paths)
        deadline = time.monotonic() + seconds
        while self._mine and time.monotonic() < deadline:
            self._settle_ended()
            time.sleep(0.1)
        for paths in mine:
            self._executor.kill(paths)

    def _start(self, job: Job, slot: Slot, jobs: list[Job]) -> bool:
        where = f"On {slot.name}, {slot.cores} thread{'s' * (slot.cores > 1)}." if slot.cores else f"On {slot.name}."
        threads = (_pinned(job) or slot.cores) if slot.cores else 0
        # Before the status: a full disk then leaves the job waiting, and not started by nobody.
        allotment.write(job.paths, Allotment(slot.name, threads, job.status.attempt + 1, *self._me, processes.host()))
        begun = _try(job.paths, status.STARTING, where, attempt=job.status.attempt)
        if begun is None:
            return False
        queue.note_turn(self._artifacts, job)
        self._mine.add(job.id)
        self._killed_before[job.id] = memory.kills()
        self._executor.start(job.paths, begun.attempt, slot)
        jobs[[one.id for one in jobs].index(job.id)] = store.read(job.paths)  # the next slot must not take it again
        return True

    def _look_after(self, job: Job) -> None:
        _end_if_stopped(job)
        if job.id in self._mine:
            if _is_overdue(job.paths.cancel) or _is_overdue(job.paths.requeue):
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
        ended.paths.reserve.unlink(missing_ok=True)
        cause = endings.cause(ended, killed_before=self._killed_before.pop(ended.paths.id, None))
        if ended.paths.cancel.exists():
            _try(ended.paths, status.CANCELLED, cancellation.reason(ended.paths), attempt=ended.attempt)
        elif ended.paths.requeue.exists():
            _try(ended.paths, status.INTERRUPTED, attempts.REQUEUED, attempt=ended.attempt)
        elif endings.crashes(ended.paths, current) >= endings.MOST_CRASHES:
            _try(ended.paths, status.FAILED, endings.given_up(cause), attempt=ended.attempt)
        else:
            _try(ended.paths, status.INTERRUPTED, f"{cause}.", attempt=ended.attempt)


def _end_if_stopped(job: Job) -> None:
    """A process that was halted can neither go on nor notice that it should end; the job goes on in a later attempt."""
    if job.beat and job.beat.age > heartbeat.STALE and heartbeat.is_alive(job.beat) and not heartbeat.is_at_work(job.beat):
        with suppress(psutil.NoSuchProcess):
            psutil.Process(job.beat.pid).kill()


def _held_elsewhere(jobs: list[Job], mine: set[str]) -> set[str]:
    """Slots that an earlier runner gave out, and whose jobs' processes have not gone yet."""
    others = [job for job in jobs if job.allotment is not None and job.id not in mine]
    there = [job for job in others if job.status.state in status.IN_PROCESS or locks.is_held(job.paths.job_lock)]
    return {name for job in there for name in slots.named(job.allotment.slot)}


def _pinned(job: Job) -> int:
    """Threads that a job must have: those of its first attempt, else those that its settings ask for; 0 for any number."""
    given = job.allotment
    if given is not None and given.threads:
        return given.threads
    return int(job.spec.params.get("settings", {}).get("threads", 0))


def _is_overdue(request: Path) -> bool:
    """Whether a request to end was made so long ago that it is not heeded any more."""
    with suppress(FileNotFoundError):
        return time.time() - request.stat().st_mtime > CANCEL_GRACE
    return False


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
        executor = chosen(artifacts)
        runner = Runner(artifacts, executor)
        idle_since, purged, told = time.monotonic(), 0.0, ""
        while not stopping and not artifacts.runner_stop.exists():
            try:
                control.claim(artifacts, state)
                busy = runner.step()
                purged = _purged(artifacts, purged)
            except OSError as error:  # a full disk, most likely: jobs go on, and the next look may succeed
                if str(error) != told:
                    told = str(error)
                    traceback.print_exc()
                busy = True
                time.sleep(5 * INTERVAL)
            if busy:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > idle_seconds:
                break
            time.sleep(INTERVAL)
        runner.end_all()
        executor.close()
        told_to_stop = bool(stopping) or artifacts.runner_stop.exists()
        # From here on others start a runner; whoever still saw this one at work queued a job before the look below.
        artifacts.runner_state.unlink(missing_ok=True)
        lock.release()
        if told_to_stop or not store.active(artifacts):
            artifacts.runner_stop.unlink(missing_ok=True)
            return


def _purged(artifacts: Artifacts, last: float) -> float:
    """Empty the trash of what is old, once an hour; when that was done last, on the monotonic clock."""
    if last and time.monotonic() - last < PURGE_EVERY:
        return last
    trash.purge(artifacts)
    return time.monotonic()


def main() -> None:
    """`python -m allcore.jobs.runner`"""
    run(Artifacts.locate(), idle_seconds=float(os.environ.get("ALLCORE_RUNNER_IDLE", IDLE_SECONDS)))


if __name__ == "__main__":
    main()
