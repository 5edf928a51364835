"""Which job is next: priorities, turns between people, limits and the pause. All of it is read from files."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from allcore.base import clock, fileio
from allcore.base.errors import AllcoreError, BadInput, Conflict
from allcore.base.paths import Artifacts
from allcore.jobs import slots
from allcore.runs import status, store
from allcore.runs.store import Job

RUNNING_VARIABLE, WAITING_VARIABLE = "ALLCORE_MOST_RUNNING", "ALLCORE_MOST_WAITING"
TRAININGS, OTHERS = "trainings", "others"
"""Two lanes: jobs of seconds have a slot of their own, and their own turns."""


@dataclass(frozen=True)
class Limits:
    """What one person may have at a time; None where there is no limit."""

    running: int | None = None
    """Trainings at work."""
    waiting: int | None = None
    """Jobs of any kind that wait."""

    @classmethod
    def from_environment(cls) -> Limits:
        """ALLCORE_MOST_RUNNING and ALLCORE_MOST_WAITING. Raises BadInput where one is no number."""
        return cls(_limit(RUNNING_VARIABLE), _limit(WAITING_VARIABLE))

    def allowed(self, order: Iterable[Job], *, at_work: Mapping[str, int]) -> list[Job]:
        """Those of `order` that may begin, one after the other, before one of its owner's jobs has ended."""
        load, found = Counter(at_work), []
        for job in order:
            if self.running is None or lane(job.spec.kind) != TRAININGS or load[job.owner] < self.running:
                load[job.owner] += 1
                found.append(job)
        return found


def _limit(variable: str) -> int | None:
    named = os.environ.get(variable, "").strip()
    if not named:
        return None
    try:
        limit = int(named)
    except ValueError:
        limit = 0
    if limit < 1:
        raise BadInput(f"{variable} can't be '{named}'.", "Give a number from 1, or leave it out.")
    return limit


def lane(kind: str) -> str:
    """The lane of a kind of job."""
    return TRAININGS if kind in slots.TRAINING else OTHERS


def in_turn(waiting: Iterable[Job], *, at_work: Mapping[str, int], last: Mapping[str, str]) -> list[Job]:
    """Jobs of one lane in the order in which they begin.

    The highest priority first. Among equals the person with the fewest jobs at work has the next turn, then the one whose last job
    began the longest ago; a person's own jobs keep their ranks. `at_work` counts jobs by owner; `last` has moments as
    `clock.now()` writes them.
    """
    ranked = sorted(((job.place, job) for job in waiting), key=lambda one: (-one[0].priority, one[0].rank, one[1].spec.created, one[1].id))
    levels: dict[int, dict[str, deque[tuple[float, Job]]]] = {}
    for stands, job in ranked:
        levels.setdefault(stands.priority, {}).setdefault(job.owner, deque()).append((stands.rank, job))
    load, turns, order = Counter(at_work), dict(last), []
    for owners in levels.values():
        while owners:
            owner = min(owners, key=lambda name: (load[name], turns.get(name, ""), owners[name][0][0], owners[name][0][1].id))
            order.append(owners[owner].popleft()[1])
            load[owner] += 1
            turns[owner] = f"~{len(order):08d}"  # after every moment of the past
            if not owners[owner]:
                del owners[owner]
    return order


def of(artifacts: Artifacts, jobs: Iterable[Job]) -> list[Job]:
    """Those of `jobs` that wait, in the order in which they begin; trainings before the others, which have a slot of their own."""
    jobs = list(jobs)
    order = []
    for name in (TRAININGS, OTHERS):
        mine = [job for job in jobs if lane(job.spec.kind) == name]
        waiting = [job for job in mine if job.status.state == status.QUEUED]
        order += in_turn(waiting, at_work=at_work(mine), last=turns(artifacts, name))
    return order


def at_work(jobs: Iterable[Job]) -> Counter[str]:
    """Jobs at work, by owner."""
    return Counter(job.owner for job in jobs if job.status.state in status.IN_PROCESS)


def turns(artifacts: Artifacts, name: str) -> dict[str, str]:
    """When each person's last job in that lane began."""
    try:
        return dict(fileio.read_json_cached(artifacts.turns).get(name, {}))
    except (FileNotFoundError, AllcoreError):
        return {}


def note_turn(artifacts: Artifacts, job: Job) -> None:
    """Write down that a job of this person began now. By the runner alone."""
    known = {name: turns(artifacts, name) for name in (TRAININGS, OTHERS)}
    known[lane(job.spec.kind)][job.owner] = clock.now()
    fileio.write_json(artifacts.turns, known)


def require_room(artifacts: Artifacts, owner: str, *, more: int = 1) -> None:
    """Raises Conflict where `more` further jobs would be more than this person may have waiting."""
    most = Limits.from_environment().waiting
    if most is None:
        return
    mine = sum(job.owner == owner and job.status.state == status.QUEUED for job in store.active(artifacts))
    if mine + more > most:
        has = f"{owner} has {mine} of at most {most} waiting jobs"
        raise Conflict(f"{has}." if more == 1 else f"{has}; {more} more don't fit.", "Wait until some have begun, or cancel some.")


@dataclass(frozen=True)
class Pause:
    """`pause.json`: while it stands, what runs goes on and nothing new begins."""

    time: str
    by: str


def _parsed(path: Path) -> Pause:
    document = fileio.read_json(path)
    return Pause(document["time"], document["by"])


_read_pause = fileio.remembered(_parsed, most=64)


def paused(artifacts: Artifacts) -> Pause | None:
    """The pause, None where the queue moves."""
    try:
        return _read_pause(artifacts.pause)
    except FileNotFoundError:
        return None


def pause(artifacts: Artifacts, *, by: str) -> None:
    """Let nothing new begin. What is at work goes on."""
    if paused(artifacts) is None:
        fileio.write_json(artifacts.pause, {"time": clock.now(), "by": by})


def unpause(artifacts: Artifacts) -> None:
    """Let the queue move again."""
    with suppress(FileNotFoundError):
        artifacts.pause.unlink()
