"""What a folder tells of a job, and what can be asked of it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from allcore.base import clock, fileio, locks, processes
from allcore.base.errors import AllcoreError, Conflict, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.runs import heartbeat, spec, status, store
from allcore.runs.heartbeat import Heartbeat


@pytest.fixture
def job(artifacts: Artifacts) -> JobPaths:
    return spec.written(artifacts, spec.TRAIN, {"model": "a"}, name="a")


def beat(job: JobPaths, *, time: str | None = None, attempt: int = 1, share: float = 0.25) -> None:
    fileio.write_json(job.heartbeat, Heartbeat(time or clock.now(), attempt, os.getpid(), 1.0, share, "Epoch 1 of 4", 100.0).to_dict())


def run(job: JobPaths) -> JobPaths:
    status.change(job, status.STARTING)
    status.change(job, status.RUNNING)
    return job


def age(job: JobPaths, **seconds: float) -> None:
    """Let the last change of state be older."""
    document = fileio.read_json(job.status)
    document["history"][-1]["time"] = "2026-01-01T00:00:00.000Z"
    fileio.write_json(job.status, document)


def test_a_job_that_beats_is_at_work(job: JobPaths):
    beat(run(job))
    found = store.read(job)
    assert (found.state, found.share, found.beat.doing) == (status.RUNNING, 0.25, "Epoch 1 of 4")


def test_a_job_that_fell_silent_is_interrupted_whatever_its_status_says(job: JobPaths):
    beat(run(job), time="2026-01-01T00:00:00.000Z")
    assert store.read(job).state == status.INTERRUPTED
    assert status.read(job).state == status.RUNNING
    beat(job)
    assert store.read(job).state == status.RUNNING


def test_a_process_of_another_machine_lives_as_long_as_it_is_heard_of(job: JobPaths):
    """Its pid may be that of somebody else here."""
    me = psutil.Process()
    there = Heartbeat(clock.now(), 1, me.pid, me.create_time(), 0.25, "", 1.0, host="another-machine")
    fileio.write_json(run(job).heartbeat, there.to_dict())
    assert store.read(job).state == status.RUNNING
    assert heartbeat.is_at_work(heartbeat.read(job))
    fileio.write_json(job.heartbeat, replace(there, time="2026-01-01T00:00:00.000Z").to_dict())
    assert store.read(job).state == status.INTERRUPTED
    assert not heartbeat.is_alive(heartbeat.read(job))
    fileio.write_json(job.heartbeat, replace(there, time="2026-01-01T00:00:00.000Z", host=processes.host()).to_dict())
    assert store.read(job).state == status.RUNNING  # slow, but here to be seen
    old = {name: value for name, value in there.to_dict().items() if name != "host"}
    fileio.write_json(job.heartbeat, old)
    assert heartbeat.read(job).is_here


def test_a_process_may_take_a_while_to_come_up_but_not_for_ever(job: JobPaths):
    status.change(job, status.STARTING)
    assert store.read(job).state == status.STARTING
    beat(job, attempt=0)  # an earlier attempt's
    assert store.read(job).state == status.STARTING
    assert store.read(job).share == 0
    age(job)
    assert store.read(job).state == status.INTERRUPTED


def test_silence_says_nothing_of_a_job_that_waits_or_has_ended(job: JobPaths):
    age(job)
    assert store.read(job).state == status.QUEUED
    status.change(job, status.STARTING)
    status.change(job, status.FAILED)
    beat(job, time="2026-01-01T00:00:00.000Z")
    assert store.read(job).state == status.FAILED


def test_time_at_work_is_that_of_all_attempts(job: JobPaths):
    assert store.read(job).seconds is None
    document = fileio.read_json(run(job).status)
    steps = [("queued", "00:00:00", 0), ("starting", "00:00:10", 1), ("running", "00:00:20", 1), ("interrupted", "00:01:20", 1)]
    steps += [("queued", "01:00:00", 1), ("starting", "01:00:01", 2), ("running", "01:00:10", 2), ("done", "01:00:40", 2)]
    document["history"] = [{"state": s, "time": f"2026-01-01T{t}.000Z", "attempt": a, "reason": ""} for s, t, a in steps]
    fileio.write_json(job.status, {**document, "state": "done", "attempt": 2})
    assert store.read(job).seconds == 90
    assert store.read(job).share == 1


def test_jobs_are_listed_by_age_whatever_else_lies_about(artifacts: Artifacts, job: JobPaths):
    other = spec.written(artifacts, spec.PHANTOM, {"name": "b"}, name="b")
    status.change(job, status.CANCELLED)
    for name in ("lost+found", ".half.tmp", "empty"):
        (artifacts.runs / name).mkdir()
    (artifacts.runs / "notes.txt").touch()
    damaged = spec.written(artifacts, spec.PHANTOM, {"name": "c"}, name="c")
    damaged.status.write_text("{")
    assert [found.id for found in store.jobs(artifacts)] == [job.id, other.id]
    assert [found.id for found in store.runs(artifacts)] == [job.id]
    assert [found.id for found in store.active(artifacts)] == [other.id]
    with pytest.raises(AllcoreError, match="damaged"):
        store.read(damaged)


def test_nothing_is_listed_where_nothing_is(artifacts: Artifacts):
    assert store.jobs(artifacts) == []
    assert store.jobs(Artifacts(artifacts.root / "nowhere")) == []


def test_a_job_that_waits_is_cancelled_at_once(job: JobPaths):
    assert store.ask_to_cancel(job).state == status.CANCELLED
    with pytest.raises(Conflict, match="nothing to cancel"):
        store.ask_to_cancel(job)


def test_a_job_at_work_is_asked(job: JobPaths):
    assert store.ask_to_cancel(run(job)).state == status.RUNNING
    assert job.cancel.exists()


def test_an_interrupted_job_is_cancelled_at_once(job: JobPaths):
    status.change(run(job), status.INTERRUPTED)
    assert store.ask_to_cancel(job).state == status.CANCELLED


def test_a_job_taken_up_in_the_moment_of_its_cancellation_finds_the_request(job: JobPaths, monkeypatch: pytest.MonkeyPatch):
    write_json = fileio.write_json

    def and_meanwhile(path: Path, document: dict) -> None:
        write_json(path, document)
        if path == job.cancel:
            monkeypatch.setattr(fileio, "write_json", write_json)
            status.change(job, status.STARTING)

    monkeypatch.setattr(fileio, "write_json", and_meanwhile)
    assert store.ask_to_cancel(job).state == status.STARTING
    assert job.cancel.exists()


@pytest.mark.parametrize("end", [status.FAILED, status.CANCELLED, status.INTERRUPTED])
def test_what_has_ended_badly_can_be_resumed(job: JobPaths, end: str):
    run(job)
    fileio.write_json(job.cancel, {})
    status.change(job, end)
    assert store.resume(job).state == status.QUEUED
    assert not job.cancel.exists()


@pytest.mark.parametrize(("end", "finishes"), [(status.CANCELLED, False), (status.FAILED, True)])
def test_a_run_that_was_to_finish_and_is_resumed(job: JobPaths, end: str, finishes: bool):
    """One that was cancelled goes on to its last epoch; one that failed still finishes."""
    store.finish(run(job))
    assert (status.read(job).state, job.finish.exists()) == (status.RUNNING, True)
    status.change(job, end)
    store.resume(job)
    assert job.finish.exists() == finishes


def test_what_is_being_cancelled_can_not_be_finished(job: JobPaths):
    store.ask_to_cancel(run(job))
    with pytest.raises(Conflict, match="is being cancelled"):
        store.finish(job)
    assert not job.finish.exists()


@pytest.mark.parametrize("end", [status.FAILED, status.CANCELLED])
def test_what_has_ended_badly_can_be_finished(job: JobPaths, end: str):
    run(job)
    fileio.write_json(job.cancel, {})
    status.change(job, end)
    assert store.finish(job).state == status.QUEUED
    assert (job.cancel.exists(), job.finish.exists()) == (False, True)


def test_what_is_at_work_or_done_can_not_be_resumed(job: JobPaths):
    with pytest.raises(Conflict, match="is queued: there is nothing to resume"):
        store.resume(job)
    store.ask_to_cancel(run(job))
    with pytest.raises(Conflict, match="is running: there is nothing to resume"):
        store.resume(job)
    assert job.cancel.exists()  # what was asked for still stands
    status.change(job, status.FINISHING)
    status.change(job, status.DONE)
    with pytest.raises(Conflict, match="is done"):
        store.resume(job)


@pytest.mark.parametrize("state", [status.QUEUED, status.STARTING, status.RUNNING, status.FINISHING])
def test_what_is_at_work_is_not_deleted(job: JobPaths, state: str):
    for step in (status.STARTING, status.RUNNING, status.FINISHING):
        if status.read(job).state != state:
            status.change(job, step)
    with pytest.raises(Conflict, match=f"is {state}"):
        store.delete(job)
    assert job.folder.exists()


def test_what_a_process_still_holds_is_not_deleted(job: JobPaths):
    status.change(job, status.CANCELLED)
    with locks.hold(job.job_lock), pytest.raises(Conflict, match="has not ended yet"):
        store.delete(job)
    assert job.folder.exists()


@pytest.mark.parametrize("end", [status.FAILED, status.CANCELLED, status.INTERRUPTED])
def test_what_has_ended_is_deleted_whole(artifacts: Artifacts, job: JobPaths, end: str):
    status.change(run(job), end)
    store.delete(job)
    assert list(artifacts.runs.iterdir()) == []
    with pytest.raises(NotFound):
        store.read(job)


def test_a_run_that_has_not_finished_has_no_answers(job: JobPaths):
    assert store.read(job).metrics is None
    for read in (store.predictions, store.embeddings):
        with pytest.raises(NotFound, match="has not finished"):
            read(job)
