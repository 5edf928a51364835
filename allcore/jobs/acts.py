"""What people do with jobs. Each act asks first whether this person may: a page that forgets to ask can't let it pass."""

from __future__ import annotations

import time

from allcore.base.errors import BadInput, Conflict, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.base.people import Person
from allcore.jobs import control, queue
from allcore.models import registry
from allcore.models.spec import CNN
from allcore.runs import place, spec, status, store, trash
from allcore.runs.place import Place
from allcore.runs.spec import JobSpec
from allcore.runs.status import Status
from allcore.runs.store import Job

FIRST, LAST, UP, DOWN = "first", "last", "up", "down"
STEPS = (FIRST, UP, DOWN, LAST)


def cancel(artifacts: Artifacts, paths: JobPaths, *, by: Person) -> Status:
    """As `store.ask_to_cancel`. Raises Forbidden, Conflict."""
    _require(paths, by)
    now = store.ask_to_cancel(paths)
    control.ensure_if_needed(artifacts)  # a job whose process has gone without a runner is ended by the next one
    return now


def resume(artifacts: Artifacts, paths: JobPaths, *, by: Person) -> Status:
    """As `store.resume`; the runner is started. Raises Forbidden, Conflict."""
    _require(paths, by)
    queue.require_room(artifacts, spec.read(paths).owner)
    now = store.resume(paths)
    control.ensure(artifacts)
    return now


def finish(artifacts: Artifacts, paths: JobPaths, *, by: Person) -> Status:
    """As `store.finish`; the runner is started. Raises Forbidden, Conflict, BadInput where the job has no epochs."""
    _require(paths, by)
    made = spec.read(paths)
    if not has_epochs(made):
        raise BadInput(f"'{paths.id}' has no epochs to end after.", "Cancel it, or let it end.")
    if status.read(paths).state in status.ENDED:
        queue.require_room(artifacts, made.owner)
    now = store.finish(paths)
    control.ensure(artifacts)
    return now


def has_epochs(job: JobSpec) -> bool:
    """Whether it is a network's training, which ends an epoch at a time and can be taken up between two."""
    try:
        return job.kind == spec.TRAIN and registry.card(job.params["model"]).family == CNN
    except NotFound:  # of another version of this software
        return False


def requeue(artifacts: Artifacts, paths: JobPaths, *, by: Person) -> Status:
    """Let a job at work make room, and one that has failed or was cancelled wait again, behind the others. Raises Forbidden, Conflict."""
    _require(paths, by)
    current = status.read(paths)
    if current.state in status.IN_PROCESS:
        return store.ask_to_requeue(paths)
    if current.state == status.QUEUED:
        return move(artifacts, paths, LAST, by=by)
    now = resume(artifacts, paths, by=by)
    place.write(paths, Place(place.read(paths, spec.read(paths).created).priority, time.time()))
    return now


def delete(paths: JobPaths, *, by: Person) -> None:
    """As `store.delete`. Raises Forbidden, Conflict."""
    _require(paths, by)
    store.delete(paths, by=by.name)


def restore(artifacts: Artifacts, job_id: str, *, by: Person) -> JobPaths:
    """As `trash.restore`. Raises Forbidden, NotFound, Conflict."""
    by.require(trash.read(artifacts, job_id).owner, f"'{job_id}'")
    return trash.restore(artifacts, job_id)


def purge(artifacts: Artifacts, *, by: Person) -> int:
    """Empty the trash for good: of this person's jobs, for an administrator of all; how many went."""
    mine = [one for one in trash.listed(artifacts) if by.may_change(one.owner)]
    for one in mine:
        trash.remove(one.paths.folder)
    return len(mine)


def prioritise(paths: JobPaths, priority: int, *, by: Person) -> Status:
    """Give a waiting job another priority, -9 to 9. Above 0 it goes before other people's, which is for administrators.

    Raises Forbidden, BadInput, Conflict.
    """
    _require(paths, by)
    _require_priority(priority, by)
    current = _waiting(paths)
    place.write(paths, Place(place.first(spec.read(paths).created, priority).priority, _rank(paths)))
    return current


def move(artifacts: Artifacts, paths: JobPaths, where: str, *, by: Person) -> Status:
    """Move a waiting job among its owner's: `where` is FIRST, UP, DOWN, LAST, or the id of the job that it is to stand before.

    It takes the priority of the one that it comes to stand beside. Raises Forbidden, NotFound, BadInput, Conflict.
    """
    _require(paths, by)
    current = _waiting(paths)
    owner, lane = spec.read(paths).owner, queue.lane(spec.read(paths).kind)
    own = [job for job in store.active(artifacts) if job.owner == owner and queue.lane(job.spec.kind) == lane]
    order = [job for job in queue.of(artifacts, own) if job.status.state == status.QUEUED]
    at = next((number for number, job in enumerate(order) if job.id == paths.id), None)
    if at is None:  # it began in this moment
        raise Conflict(f"'{paths.id}' waits no more.")
    rest = [job for job in order if job.id != paths.id]
    if where in STEPS:
        to = {FIRST: 0, UP: max(0, at - 1), DOWN: min(len(rest), at + 1), LAST: len(rest)}[where]
    else:
        to = next((number for number, job in enumerate(rest) if job.id == where), -1)
        if to < 0:
            raise BadInput(f"No job '{where}' of the same owner waits.", f"Name one that waits, or one of {', '.join(STEPS)}.")
    if to != at and rest:
        new = _between(rest[to - 1].place if to else None, rest[to].place if to < len(rest) else None)
        _require_priority(new.priority, by)
        place.write(paths, new)
    return current


def pause(artifacts: Artifacts, *, by: Person) -> None:
    """Let nothing new begin. Raises Forbidden."""
    by.require_admin("Pausing the queue")
    queue.pause(artifacts, by=by.name)


def unpause(artifacts: Artifacts, *, by: Person) -> None:
    """Let the queue move again. Raises Forbidden."""
    by.require_admin("Letting the queue move")
    queue.unpause(artifacts)
    control.ensure_if_needed(artifacts)


def may_change(job: Job, by: Person) -> bool:
    """Whether a page should offer these acts at all."""
    return by.may_change(job.owner)


def _require(paths: JobPaths, by: Person) -> None:
    by.require(spec.read(paths).owner, f"'{paths.id}'")


def _require_priority(priority: int, by: Person) -> None:
    if priority > place.NORMAL:
        by.require_admin("A priority above 0")


def _waiting(paths: JobPaths) -> Status:
    current = status.read(paths)
    if current.state != status.QUEUED:
        raise Conflict(f"'{paths.id}' is {current.state}: only a job that waits can be moved.")
    return current


def _rank(paths: JobPaths) -> float:
    return place.read(paths, spec.read(paths).created).rank


def _between(before: Place | None, after: Place | None) -> Place:
    """A place behind one and ahead of the other; at an edge of two priorities, the last of the higher."""
    if before is None:
        return Place(after.priority, after.rank - 1)
    if after is None or after.priority != before.priority:
        return Place(before.priority, before.rank + 1)
    return Place(before.priority, (before.rank + after.rank) / 2)
