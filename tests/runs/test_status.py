"""A job's state changes only as it may, and only by the attempt that may."""

from __future__ import annotations

import itertools
import threading
from contextlib import suppress
from dataclasses import FrozenInstanceError

import pytest

from allcore.base import fileio
from allcore.base.errors import Conflict, Fenced, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.runs import spec, status
from allcore.runs.status import CANCELLED, DONE, FAILED, FINISHING, INTERRUPTED, QUEUED, RUNNING, STARTING

STATES = (QUEUED, STARTING, RUNNING, FINISHING, DONE, FAILED, CANCELLED, INTERRUPTED)
LEGAL = {
    (QUEUED, STARTING),
    (QUEUED, CANCELLED),
    (STARTING, RUNNING),
    (RUNNING, FINISHING),
    (FINISHING, DONE),
    *itertools.product((STARTING, RUNNING, FINISHING), (FAILED, CANCELLED, INTERRUPTED)),
    *itertools.product((INTERRUPTED,), (QUEUED, FAILED, CANCELLED)),
    (FAILED, QUEUED),
    (CANCELLED, QUEUED),
}
WAY = {
    QUEUED: (),
    STARTING: (STARTING,),
    RUNNING: (STARTING, RUNNING),
    FINISHING: (STARTING, RUNNING, FINISHING),
    DONE: (STARTING, RUNNING, FINISHING, DONE),
    FAILED: (STARTING, FAILED),
    CANCELLED: (CANCELLED,),
    INTERRUPTED: (STARTING, INTERRUPTED),
}


@pytest.fixture
def job(artifacts: Artifacts) -> JobPaths:
    return spec.written(artifacts, spec.PHANTOM, {"name": "a"}, name="phantom-a")


def brought_to(job: JobPaths, state: str) -> JobPaths:
    for step in WAY[state]:
        status.change(job, step)
    return job


@pytest.mark.parametrize("to", STATES)
@pytest.mark.parametrize("state", STATES)
def test_only_legal_changes_are_made(job: JobPaths, state: str, to: str):
    before = status.read(brought_to(job, state))
    if (state, to) in LEGAL:
        after = status.change(job, to, reason="Because.")
        assert (after.state, after.reason) == (to, "Because.")
        assert after.history[:-1] == before.history
        assert status.read(job) == after
    else:
        with pytest.raises(Conflict, match=f"is {state} and can't become {to}"):
            status.change(job, to)
        assert status.read(job) == before


def test_states_are_of_three_kinds():
    assert {*status.ACTIVE, *status.ENDED} == set(STATES)
    assert not set(status.ACTIVE) & set(status.ENDED)
    assert set(status.IN_PROCESS) < set(status.ACTIVE)


def test_each_start_is_a_new_attempt_and_fences_off_the_old(job: JobPaths):
    assert status.read(job).attempt == 0
    assert status.change(job, STARTING, attempt=0).attempt == 1
    status.change(job, INTERRUPTED, attempt=1)
    status.change(job, QUEUED, attempt=1)
    assert status.change(job, STARTING, attempt=1).attempt == 2
    for to in (RUNNING, FAILED):
        with pytest.raises(Fenced, match=r"Attempt 1 .* overtaken by attempt 2"):
            status.change(job, to, attempt=1)
    assert status.change(job, RUNNING, attempt=2).state == RUNNING
    assert [step.attempt for step in status.read(job).history] == [0, 1, 1, 1, 2, 2]


def test_of_many_who_start_a_job_one_does(job: JobPaths):
    started = []

    def start() -> None:
        with suppress(Fenced, Conflict):
            started.append(status.change(job, STARTING, attempt=0).attempt)

    threads = [threading.Thread(target=start) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert started == [1]


def test_reading_goes_by_the_file_and_not_by_memory(job: JobPaths):
    for state in (STARTING, RUNNING, FINISHING):
        status.change(job, state)
        assert status.read(job).state == state
    document = fileio.read_json(job.status)
    assert (document["schema_version"], document["state"], document["attempt"]) == (1, FINISHING, 1)
    with pytest.raises(FrozenInstanceError):  # what one reads is shared with others
        status.read(job).state = DONE


def test_a_moment_can_be_told_later(job: JobPaths):
    status.change(job, STARTING)
    assert status.change(job, INTERRUPTED, moment="2026-01-01T00:00:00.000Z").since == "2026-01-01T00:00:00.000Z"


def test_what_is_no_job_is_said_and_no_folder_made(artifacts: Artifacts):
    for paths in (artifacts.run("none"), artifacts.job("none")):
        with pytest.raises(NotFound, match="no job or run 'none'"):
            status.change(paths, STARTING)
        assert not paths.folder.exists()


def test_a_jobs_folder_comes_whole(artifacts: Artifacts):
    run = spec.written(artifacts, spec.TRAIN, {"model": "a"}, name="a_model")
    assert run.folder.parent == artifacts.runs
    assert "-a-model-" in run.id
    assert sorted(file.name for file in run.folder.iterdir()) == ["spec.json", "status.json"]
    assert spec.read(run).kind == spec.TRAIN
    assert status.read(run).state == QUEUED
