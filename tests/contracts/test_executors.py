"""What every executor promises, seen through the runner that drives it. A new executor joins the list of fixtures here."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from allcore import worker
from allcore.base import locks
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import records
from allcore.data.phantom import PhantomSpec
from allcore.jobs import submit
from allcore.jobs.cluster import Scheduler
from allcore.jobs.executors import Executor
from allcore.jobs.executors.inline import InlineExecutor
from allcore.jobs.executors.local import LocalExecutor
from allcore.jobs.runner import Runner
from allcore.jobs.slots import Slot
from allcore.runs import spec, status, store
from tests.clusters import Cluster

SLOTS = (Slot("data", (spec.PHANTOM, spec.IMPORT)),)
SMALL = PhantomSpec(images=8, patients=2, size=32)
# Long enough to be met at work, short enough to be done again.
LONGER = PhantomSpec(images=200, patients=4, size=70)


@dataclass
class Harness:
    """An executor with a runner, and how a process of it is killed."""

    executor: Executor
    runner: Runner
    slots: tuple[Slot, ...]
    """All there are, one of them for drawing."""
    kill: Callable[[JobPaths], None]
    """Let the process of this job die at its next start, or now, without a word."""


@pytest.fixture
def inline(artifacts: Artifacts) -> Harness:
    doomed: set[str] = set()

    def work(paths: JobPaths, attempt: int) -> int:
        if paths.id in doomed:
            doomed.discard(paths.id)
            status.change(paths, status.RUNNING, attempt=attempt)
            return -signal.SIGKILL
        return worker.work(artifacts, paths, attempt)

    executor = InlineExecutor(SLOTS, work)
    return Harness(executor, Runner(artifacts, executor), SLOTS, lambda paths: doomed.add(paths.id))


@pytest.fixture
def local(artifacts: Artifacts) -> Iterator[Harness]:
    executor = LocalExecutor(artifacts, SLOTS)
    runner = Runner(artifacts, executor)
    yield Harness(executor, runner, SLOTS, executor.kill)
    for job in store.jobs(artifacts):
        executor.kill(job.paths)
    for child in executor._children:
        child.process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler and one worker, for all tests of this file."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.start().worker("one")
        yield made
    finally:
        made.end()


@pytest.fixture
def dask(artifacts: Artifacts, cluster: Cluster, eventually) -> Iterator[Harness]:
    from allcore.jobs.executors.dask import DaskExecutor

    executor = DaskExecutor(artifacts, Scheduler(cluster.address))
    try:
        yield Harness(executor, Runner(artifacts, executor), eventually(executor.free, what="the worker"), executor.kill)
    finally:
        for job in store.active(artifacts):
            executor.kill(job.paths)
            eventually(lambda job=job: not locks.is_held(job.paths.job_lock))
        executor.close()


@pytest.fixture(params=["inline", "local", "dask"])
def harness(request: pytest.FixtureRequest) -> Harness:
    return request.getfixturevalue(request.param)


@pytest.fixture
def steps(harness: Harness, eventually) -> Callable[..., Any]:
    """Lets the runner look until a job is in one of these states, then gives its status."""

    def look(paths: JobPaths, *states: str) -> status.Status:
        def reached() -> status.Status | None:
            harness.runner.step()
            current = status.read(paths)
            return current if current.state in states else None

        return eventually(reached, what=f"{paths.id} to be {' or '.join(states)}")

    return look


def states(paths: JobPaths) -> list[str]:
    return [step.state for step in status.read(paths).history]


def test_a_job_is_done(artifacts: Artifacts, harness: Harness, steps, eventually):
    paths = submit.phantom(artifacts, "a", SMALL)
    steps(paths, *status.ENDED)
    assert states(paths) == ["queued", "starting", "running", "finishing", "done"]
    assert records.read_card(artifacts.dataset("a")).images == 8
    assert harness.runner.step() is False
    eventually(lambda: not locks.is_held(paths.job_lock))  # a process tells its end before it goes


def test_a_job_that_fails_says_why(artifacts: Artifacts, steps):
    params = {"name": "a", "source": str(artifacts.root / "nowhere"), "layout": "auto"}
    paths = spec.written(artifacts, spec.IMPORT, params, name="import-a")
    ended = steps(paths, *status.ENDED)
    assert ended.state == status.FAILED
    assert "There is no folder" in ended.reason
    assert "Check the path." in ended.reason
    assert not artifacts.datasets.exists() or not list(artifacts.datasets.iterdir())


def test_a_job_is_cancelled_before_it_begins(artifacts: Artifacts, harness: Harness, steps):
    paths = submit.phantom(artifacts, "a", SMALL)
    store.ask_to_cancel(paths)
    harness.runner.step()
    assert states(paths) == ["queued", "cancelled"]


def test_a_job_is_cancelled_while_it_comes_up(artifacts: Artifacts, harness: Harness, steps):
    paths = submit.phantom(artifacts, "a", SMALL)
    begun = status.change(paths, status.STARTING)
    store.ask_to_cancel(paths)
    harness.executor.start(paths, begun.attempt, harness.slots[0])
    ended = steps(paths, *status.ENDED)
    assert (ended.state, ended.reason) == (status.CANCELLED, "Cancelled on request.")
    assert not artifacts.dataset("a").folder.exists()


def test_a_job_whose_process_is_killed_is_done_by_a_later_attempt(artifacts: Artifacts, request, harness: Harness, steps, eventually):
    paths = submit.phantom(artifacts, "a", LONGER)
    if "inline" in request.node.name:
        harness.kill(paths)
        harness.runner.step()
    else:
        harness.runner.step()
        eventually(lambda: status.read(paths).state == status.RUNNING)
        harness.kill(paths)
    ended = steps(paths, *status.ENDED)
    assert (ended.state, ended.attempt) == (status.DONE, 2)
    assert states(paths) == ["queued", "starting", "running", "interrupted", "queued", "starting", "running", "finishing", "done"]
    assert "killed" in next(step.reason for step in ended.history if step.state == status.INTERRUPTED)
    assert records.read_card(artifacts.dataset("a")).images == 200
    assert [file.name for file in artifacts.datasets.iterdir()] == ["a"]


def test_a_slot_does_one_job_at_a_time(artifacts: Artifacts, harness: Harness, eventually):
    jobs = [submit.phantom(artifacts, name, SMALL) for name in ("a", "b", "c")]
    busiest = 0

    def all_done() -> bool:
        nonlocal busiest
        harness.runner.step()
        busiest = max(busiest, sum(status.read(paths).state in status.IN_PROCESS for paths in jobs))
        assert sum(locks.is_held(paths.job_lock) for paths in jobs) <= 1
        return all(status.read(paths).state == status.DONE for paths in jobs)

    eventually(all_done)
    assert busiest <= 1
    begun = [next(step.time for step in status.read(paths).history if step.state == status.STARTING) for paths in jobs]
    assert begun == sorted(begun)  # first come, first served
    for earlier, later in itertools.pairwise(jobs):
        assert status.read(earlier).since <= status.read(later).history[1].time


def test_an_attempt_that_was_overtaken_has_no_say(artifacts: Artifacts, harness: Harness, eventually):
    paths = submit.phantom(artifacts, "a", SMALL)
    for step in (status.STARTING, status.INTERRUPTED, status.QUEUED, status.STARTING):
        status.change(paths, step)
    harness.executor.start(paths, 1, harness.slots[0])
    (ended,) = eventually(harness.executor.ended)
    assert (ended.paths.id, ended.attempt, ended.exit_code) == (paths.id, 1, 3)
    assert (status.read(paths).state, status.read(paths).attempt) == (status.STARTING, 2)
    assert not artifacts.dataset("a").folder.exists()


def test_an_end_is_told_once_and_frees_the_slot(artifacts: Artifacts, harness: Harness, eventually):
    paths = submit.phantom(artifacts, "a", SMALL)
    assert harness.executor.free() == harness.slots
    assert harness.executor.ended() == []
    begun = status.change(paths, status.STARTING)
    harness.executor.start(paths, begun.attempt, harness.slots[0])
    (ended,) = eventually(harness.executor.ended)
    assert (ended.paths.id, ended.attempt, ended.exit_code) == (paths.id, 1, 0)
    assert harness.executor.ended() == []
    assert harness.executor.free() == harness.slots


def test_asking_for_what_does_not_run_harms_nobody(artifacts: Artifacts, harness: Harness):
    paths = submit.phantom(artifacts, "a", SMALL)
    harness.executor.ask_to_end(paths)
    harness.executor.kill(paths)
    assert status.read(paths).state == status.QUEUED


def test_a_job_of_no_slots_kind_waits(artifacts: Artifacts, harness: Harness):
    paths = spec.written(artifacts, "unheard-of", {}, name="a")
    assert harness.runner.step() is True
    assert status.read(paths).state == status.QUEUED
