"""What people see of the queue: each job with its slot, its turn, and how long it will be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from allcore.base import fileio
from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs import estimate, queue, slots
from allcore.jobs.estimate import Wait
from allcore.runs import status, store
from allcore.runs.store import Job

LINES = 8
"""Of a log, shown with a failure."""


@dataclass(frozen=True)
class Row:
    """One job on the board."""

    job: Job
    position: int | None = None
    """Its turn among those that wait, from 1; None for one that does not wait."""
    wait: Wait | None = None
    """How long it is to wait, and to run; None where nobody can tell."""

    @property
    def slot(self) -> str:
        """Where it runs or ran last: `processor, 1 thread`, or `gpu-0, gpu-1`."""
        given = self.job.allotment
        if given is None or self.job.status.state == status.QUEUED:
            return ""
        return given.slot + (f", {given.threads} thread{'s' * (given.threads > 1)}" if given.threads else "")

    @property
    def doing(self) -> str:
        """What its process is at, else why it stands."""
        beat = self.job.beat
        if beat and beat.attempt == self.job.status.attempt and self.job.state in status.IN_PROCESS:
            return beat.doing
        if self.job.state == status.QUEUED and slots.wanted(self.job.spec.params) > 1:
            return f"{self.job.status.reason} Waits until {slots.wanted(self.job.spec.params)} GPUs are free.".lstrip()
        return self.job.status.reason

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        job, given, beat = self.job, self.job.allotment, self.job.beat
        return {
            "id": job.id,
            "kind": job.spec.kind,
            "status": job.state,
            "reason": job.status.reason,
            "since": job.status.since,
            "attempt": job.status.attempt,
            "share": job.share,
            "doing": beat.doing if beat else "",
            "created": job.spec.created,
            "seconds": job.seconds,
            "owner": job.owner,
            "study": job.spec.study,
            "priority": job.place.priority,
            "position": self.position,
            "starts_in": self.wait and self.wait.starts_in,
            "seconds_left": self.wait and self.wait.left,
            "slot": given.slot if given else None,
            "threads": given.threads if given else None,
            "cancel_asked": job.status.state in status.ACTIVE and job.paths.cancel.exists(),
            "memory_mb": beat.memory_mb if beat else None,
            "cpu": beat.cpu if beat else None,
            "gpu": beat.gpu if beat else None,
            "gpu_celsius": beat.gpu_celsius if beat else None,
        }


def rows(artifacts: Artifacts, *, ended: bool = True, speeds: Mapping[str, float] | None = None) -> list[Row]:
    """Every job. With `ended` oldest first; without, those at work and then those that wait, in their turn.

    `speeds` as `estimate.speeds` gives them, measured anew where None.
    """
    # Of a thousand jobs most are over: where neither they nor their speeds are asked for, they are not read.
    jobs = store.jobs(artifacts) if ended or speeds is None else store.active(artifacts)
    if speeds is None:
        speeds = estimate.speeds(jobs)
    active = [job for job in jobs if job.status.state in status.ACTIVE]
    waiting = queue.of(artifacts, active)
    position = {job.id: number for number, job in enumerate(waiting, 1)}
    waits = estimate.waits(artifacts, active, waiting, speeds)
    made = {job.id: Row(job, position.get(job.id), waits.get(job.id)) for job in jobs}
    if ended:
        return list(made.values())
    return [made[job.id] for job in active if job.id not in position] + [made[job.id] for job in waiting]


def row(artifacts: Artifacts, paths: JobPaths) -> Row:
    """One job. Raises NotFound."""
    job = store.read(paths)
    if job.status.state not in status.ACTIVE:
        return Row(job)
    return next((one for one in rows(artifacts, ended=False) if one.job.id == job.id), Row(job))


def last_lines(job: Job, most: int = LINES) -> list[str]:
    """The end of its log, without empty lines."""
    return [line for line in fileio.read_tail(job.paths.log, 4000).splitlines() if line.strip()][-most:]
