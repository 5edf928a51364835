"""One process's hold on a job: only the current attempt goes on, and only it writes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from allcore import worker
from allcore.base import fileio, locks
from allcore.base.errors import Cancelled, Fenced, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.runs import attempt as attempts
from allcore.runs import events, heartbeat, spec, status, store
from allcore.runs.attempt import Attempt, Interrupted


@pytest.fixture
def job(artifacts: Artifacts) -> JobPaths:
    """A job whose first attempt is starting."""
    paths = spec.written(artifacts, spec.PHANTOM, {"name": "a"}, name="a")
    status.change(paths, status.STARTING)
    return paths


def overtake(job: JobPaths) -> None:
    """What a runner does that takes an attempt for dead."""
    status.change(job, status.INTERRUPTED)
    status.change(job, status.QUEUED)
    status.change(job, status.STARTING)


def everything(job: JobPaths) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in job.folder.iterdir() if file.suffix != ".lock" and file != job.reserve}


def test_an_attempt_beats_while_it_lives(artifacts: Artifacts, job: JobPaths, monkeypatch: pytest.MonkeyPatch, eventually):
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.02)
    with attempts.held(artifacts, job, 1) as attempt:
        first = heartbeat.read(job)
        assert (first.attempt, first.pid, first.share) == (1, os.getpid(), 0)
        assert heartbeat.is_alive(first)
        attempt.progress(0.5, "Working")
        beat = eventually(lambda: (beat := heartbeat.read(job)).share == 0.5 and beat)
        assert beat.doing == "Working"
        assert beat.memory_mb > 1
        assert locks.is_held(job.job_lock)
    assert not locks.is_held(job.job_lock)
    last = heartbeat.read(job).time
    assert heartbeat.read(job).time == last


def test_a_second_process_has_no_right_to_the_job(artifacts: Artifacts, job: JobPaths, monkeypatch: pytest.MonkeyPatch):
    holder = locks.holder
    monkeypatch.setattr(locks, "holder", lambda path, timeout=-1: holder(path, timeout=0))
    with attempts.held(artifacts, job, 1), pytest.raises(Fenced, match="Another process is at work"), attempts.held(artifacts, job, 1):
        pytest.fail("two at once")


@pytest.mark.parametrize("number", [0, 2])
def test_an_attempt_of_another_number_does_not_begin(artifacts: Artifacts, job: JobPaths, number: int):
    with pytest.raises(Fenced, match="overtaken"), attempts.held(artifacts, job, number):
        pytest.fail("begun")


def test_what_is_no_job_gets_no_folder(artifacts: Artifacts):
    with pytest.raises(NotFound), attempts.held(artifacts, artifacts.job("none"), 1):
        pytest.fail("begun")
    assert not artifacts.job("none").folder.exists()
    assert worker.main(["none", "--attempt", "1"]) == 3


def test_a_cancellation_is_found(artifacts: Artifacts, job: JobPaths):
    with attempts.held(artifacts, job, 1) as attempt:
        attempt.check()
        store.ask_to_cancel(job)
        for ask in (attempt.check, lambda: attempt.progress(0.5, ""), lambda: attempt.event(events.STAGE)):
            with pytest.raises(Cancelled):
                ask()
    assert events.read(job) == []


def test_the_end_of_the_parent_is_found(artifacts: Artifacts, job: JobPaths):
    with attempts.held(artifacts, job, 1, parent=os.getppid()) as attempt:
        attempt.check()
    with attempts.held(artifacts, job, 1, parent=os.getpid()) as attempt, pytest.raises(Interrupted, match=r"had started it has gone\."):
        attempt.check()


def test_a_request_to_end_is_found_and_the_old_answer_to_it_restored(artifacts: Artifacts, job: JobPaths):
    before = signal.getsignal(signal.SIGTERM)
    with attempts.held(artifacts, job, 1) as attempt:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted, match=r"The runner was stopped\."):
            attempt.check()
    assert signal.getsignal(signal.SIGTERM) is before


def write_event(attempt: Attempt) -> None:
    attempt.event(events.EPOCH, epoch=9)


def write_state(attempt: Attempt) -> None:
    attempt.become(status.RUNNING)


def write_document(attempt: Attempt) -> None:
    attempt.write_json(attempt.paths.metrics, {"a": 1})


def write_file(attempt: Attempt) -> None:
    with attempt.replacing(attempt.paths.onnx) as aside:
        aside.write_text("graph")


def write_progress(attempt: Attempt) -> None:
    attempt.progress(0.9, "Working")


@pytest.mark.parametrize("write", [write_event, write_state, write_document, write_file, write_progress])
def test_an_overtaken_attempt_writes_nothing(artifacts: Artifacts, job: JobPaths, monkeypatch: pytest.MonkeyPatch, write):
    monkeypatch.setattr(heartbeat, "INTERVAL", 3600)  # it beats when the test says so
    with attempts.held(artifacts, job, 1) as attempt:
        overtake(job)
        before = everything(job)
        with pytest.raises(Fenced, match="overtaken"):
            write(attempt)
        attempt._beat()
        with pytest.raises(Fenced):
            attempt.check()
    assert everything(job) == before


def test_an_overtaken_worker_leaves_the_job_as_the_later_attempt_has_it(
    artifacts: Artifacts, job: JobPaths, monkeypatch: pytest.MonkeyPatch
):
    seen = {}

    def work(attempt: Attempt) -> None:
        overtake(job)
        seen.update(everything(job))
        raise RuntimeError("a bug, in an attempt that has no say any more")

    monkeypatch.setitem(worker._KINDS, spec.PHANTOM, work)
    assert worker.work(artifacts, job, 1) == 3
    assert everything(job) == seen
    assert (status.read(job).state, status.read(job).attempt) == (status.STARTING, 2)


def test_an_attempt_given_up_while_it_came_up_leaves_quietly(artifacts: Artifacts, job: JobPaths, capsys):
    status.change(job, status.INTERRUPTED)
    assert worker.work(artifacts, job, 1) == 3
    assert "Traceback" not in capsys.readouterr().err
    assert status.read(job).state == status.INTERRUPTED


def disk_is_full(attempt: Attempt) -> None:
    raise OSError(28, "No space left on device")


def memory_is_full(attempt: Attempt) -> None:
    raise MemoryError


def bug(attempt: Attempt) -> None:
    raise KeyError("gone")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (disk_is_full, "The disk is full. Make room (emptying the trash may), then resume it: it goes on from its last checkpoint."),
        (memory_is_full, "The memory did not suffice. Try a smaller batch or input size, or let fewer jobs run at once."),
        (bug, "An unforeseen error (KeyError); the log tells more."),
    ],
)
def test_whatever_goes_wrong_is_told_in_one_line(artifacts: Artifacts, job: JobPaths, monkeypatch: pytest.MonkeyPatch, kind, reason: str):
    monkeypatch.setitem(worker._KINDS, spec.PHANTOM, kind)
    assert worker.work(artifacts, job, 1) == 0
    assert (status.read(job).state, status.read(job).reason) == (status.FAILED, reason)


def test_a_data_set_made_by_an_attempt_that_died_is_not_made_again(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch, do):
    from allcore.data import importing
    from allcore.data.phantom import PhantomSpec
    from allcore.jobs import submit

    paths = submit.phantom(artifacts, "a", PhantomSpec(images=8, patients=2, size=32))
    with monkeypatch.context() as patched:
        patched.setattr(Attempt, "become", lambda self, state, reason="": status.change(self.paths, state, attempt=self.number))
        importing.make_phantom(artifacts, "a", PhantomSpec(images=8, patients=2, size=32), job=paths.id)
    before = artifacts.dataset("a").card.read_bytes()
    assert do(artifacts, paths) == 0
    assert status.read(paths).state == status.DONE
    assert artifacts.dataset("a").card.read_bytes() == before


def test_a_data_set_made_by_somebody_else_meanwhile_fails_the_job(artifacts: Artifacts, tmp_path: Path, do):
    from allcore.data import importing
    from allcore.data.phantom import PhantomSpec
    from allcore.jobs import submit

    paths = submit.phantom(artifacts, "a", PhantomSpec(images=8, patients=2, size=32))
    importing.make_phantom(artifacts, "a", PhantomSpec(images=9, patients=2, size=32))
    do(artifacts, paths)
    assert status.read(paths).state == status.FAILED
    assert "already a data set 'a'" in status.read(paths).reason
    assert fileio.read_json(artifacts.dataset("a").card)["images"] == 9
