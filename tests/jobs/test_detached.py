"""Real runners and workers: detached, one at a time, killed in every way, and the work is done all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from allcore.base import fileio, locks
from allcore.base.errors import AllcoreError
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import records
from allcore.data.phantom import PhantomSpec
from allcore.jobs import control, submit
from allcore.runs import attempt as attempts
from allcore.runs import events, heartbeat, status, store

SMALL = PhantomSpec(images=8, patients=2, size=32)
# Some seconds of drawing in one process: long enough to be met at work, short enough to be done again.
LONGER = PhantomSpec(images=200, patients=4, size=70)
NETWORK = {"input_size": 32, "epochs": 3, "batch_size": 8}

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="kills processes as POSIX does"),
    pytest.mark.flaky(reruns=1),  # a starved machine may be late; the report names what was tried again
]


@pytest.fixture
def watched(household, eventually) -> Callable[..., Any]:
    """Looks until a job is in one of these states, and at each look that no two processes are at work on it."""

    def look(job: JobPaths, *states: str) -> status.Status:
        def reached() -> status.Status | None:
            assert len(household.workers(job)) <= 1
            current = status.read(job)
            return current if current.state in states else None

        return eventually(reached, seconds=240, what=f"{job.id} to be {' or '.join(states)}")

    return look


def at_work(job: JobPaths, watched) -> heartbeat.Heartbeat:
    watched(job, status.RUNNING)
    return heartbeat.read(job)


def kill(process: psutil.Process) -> None:
    process.kill()
    psutil.wait_procs([process], timeout=30)


def test_a_queued_job_is_done_and_an_idle_runner_ends(artifacts: Artifacts, household, watched, eventually, monkeypatch):
    monkeypatch.setenv("ALLCORE_RUNNER_IDLE", "0.2")
    job = submit.phantom(artifacts, "a", SMALL)
    control.ensure_if_needed(artifacts)
    assert control.state(artifacts).running
    watched(job, *status.ENDED)
    assert records.read_card(artifacts.dataset("a")).job == job.id
    eventually(lambda: not household.all(), what="the runner to end")
    assert control.state(artifacts) == control.RunnerState(False, None)
    assert not artifacts.runner_state.exists()
    assert not locks.is_held(artifacts.runner_lock)
    control.ensure_if_needed(artifacts)  # nothing to do: nobody is called
    assert not household.all()
    assert artifacts.runner_log.read_text() == ""


def test_no_socket_listens(artifacts: Artifacts, household, watched, eventually):
    job = submit.phantom(artifacts, "a", PhantomSpec(images=510, patients=4, size=70))  # so many are drawn by a pool of processes
    control.ensure(artifacts)
    at_work(job, watched)
    eventually(lambda: len(household.all()) > 3, what="the pool")
    seen = household.all()
    for process in seen:
        try:
            assert process.net_connections(kind="inet") == []
        except psutil.NoSuchProcess:
            continue
    assert {process.pid for process in household.runners() + household.workers(job)} <= {process.pid for process in seen}


def test_many_who_ensure_at_once_start_one_runner(artifacts: Artifacts, household, eventually, monkeypatch):
    started = []
    spawn = control._spawn
    monkeypatch.setattr(control, "_spawn", lambda where: (started.append(1), spawn(where)))
    barrier = threading.Barrier(20)

    def ensure() -> None:
        barrier.wait()
        for _ in range(5):
            control.ensure(artifacts)

    threads = [threading.Thread(target=ensure) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 1
    eventually(lambda: locks.is_held(artifacts.runner_lock))
    for _ in range(20):
        control.ensure(artifacts)
    assert len(started) == 1
    assert len(household.runners()) == 1


def test_many_processes_that_ensure_at_once_start_one_runner(artifacts: Artifacts, household, eventually):
    program = "from allcore.base.paths import Artifacts; from allcore.jobs import control; input(); control.ensure(Artifacts.locate())"
    children = [subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) for _ in range(4)]
    for child in children:
        child.stdin.write(b"\n")
        child.stdin.flush()
    for child in children:
        assert child.wait(120) == 0
    eventually(lambda: locks.is_held(artifacts.runner_lock))
    assert len(household.runners()) == 1
    assert control.state(artifacts).pid == household.runners()[0].pid


def test_of_two_runners_one_leaves_and_the_other_says_it_is_the_one(artifacts: Artifacts, household, eventually):
    control.ensure(artifacts)
    eventually(lambda: locks.is_held(artifacts.runner_lock))
    (first,) = household.runners()
    second = subprocess.Popen([sys.executable, "-m", "allcore.jobs.runner"])
    # As whoever starts a runner does, in the belief that there was none.
    wrong = {"pid": second.pid, "create_time": psutil.Process(second.pid).create_time(), "started": "2026-01-01T00:00:00.000Z"}
    fileio.write_json(artifacts.runner_state, wrong)
    assert second.wait(60) == 0
    eventually(lambda: control.state(artifacts).pid == first.pid)
    assert [process.pid for process in household.runners()] == [first.pid]


def test_a_runner_that_was_killed_has_a_successor(artifacts: Artifacts, household, watched, eventually):
    job = submit.phantom(artifacts, "a", LONGER)
    control.ensure(artifacts)
    at_work(job, watched)
    (worker,) = household.workers(job)
    kill(household.runners()[0])
    assert not control.state(artifacts).running

    eventually(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, what="the orphan to end")
    eventually(lambda: (control.ensure(artifacts), control.state(artifacts).running)[1])
    ended = watched(job, *status.ENDED)
    assert (ended.state, ended.attempt) == (status.DONE, 2)
    assert attempts.ORPHANED in [step.reason for step in ended.history]
    assert [file.name for file in artifacts.datasets.iterdir()] == ["a"]


def test_a_successor_waits_for_the_orphan(artifacts: Artifacts, household, watched, eventually):
    job = submit.phantom(artifacts, "a", LONGER)
    control.ensure(artifacts)
    at_work(job, watched)
    (orphan,) = household.workers(job)
    orphan.suspend()  # it can't notice that it is one
    kill(household.runners()[0])
    eventually(lambda: (control.ensure(artifacts), locks.is_held(artifacts.runner_lock))[1])
    assert len(household.workers(job)) == 1
    # It is ended once it has been silent for long enough.
    ended = watched(job, *status.ENDED)
    assert (ended.state, ended.attempt) == (status.DONE, 2)
    assert not orphan.is_running()


def test_a_worker_that_was_killed_has_a_successor_and_leaves_no_pool(artifacts: Artifacts, household, watched, eventually):
    job = submit.phantom(artifacts, "a", PhantomSpec(images=510, patients=4, size=70))
    control.ensure(artifacts)
    at_work(job, watched)
    eventually(lambda: len(household.all()) > 3, what="the pool")
    (worker,) = household.workers(job)
    pool = worker.children(recursive=True)
    kill(worker)
    ended = watched(job, *status.ENDED)
    assert (ended.state, ended.attempt) == (status.DONE, 2)
    assert not [process for process in pool if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_a_job_whose_process_dies_three_times_fails_with_a_reason(artifacts: Artifacts, household, watched):
    job = submit.phantom(artifacts, "a", LONGER)
    control.ensure(artifacts)
    for attempt in (1, 2, 3):
        while at_work(job, watched).attempt != attempt:
            pass
        kill(household.workers(job)[0])
        watched(job, status.INTERRUPTED, status.QUEUED, status.STARTING, *status.ENDED)
    ended = watched(job, *status.ENDED)
    assert (ended.state, ended.attempt) == (status.FAILED, 3)
    assert "killed" in ended.reason
    assert ", 3 times in a row." in ended.reason
    assert list(artifacts.datasets.glob("*")) == [] or not artifacts.dataset("a").folder.exists()


def test_a_job_at_work_is_cancelled(artifacts: Artifacts, household, watched, eventually):
    job = submit.phantom(artifacts, "a", LONGER)
    control.ensure(artifacts)
    at_work(job, watched)
    store.ask_to_cancel(job)
    ended = watched(job, *status.ENDED)
    assert (ended.state, ended.reason) == (status.CANCELLED, "Cancelled on request.")
    eventually(lambda: not household.workers(job))
    assert list(artifacts.datasets.iterdir()) == []
    store.delete(job)
    assert list(artifacts.jobs.iterdir()) == []


def test_stopping_the_runner_lets_its_jobs_go_on_later(artifacts: Artifacts, household, watched):
    job = submit.phantom(artifacts, "a", LONGER)
    control.ensure(artifacts)
    at_work(job, watched)
    assert control.stop(artifacts) == control.ENDED
    assert not household.all()
    assert (status.read(job).state, status.read(job).reason) == (status.INTERRUPTED, attempts.STOPPED)
    assert control.stop(artifacts) == control.NONE
    control.ensure(artifacts)
    ended = watched(job, *status.ENDED)
    assert (ended.state, ended.attempt) == (status.DONE, 2)


def test_a_runner_that_does_not_go_is_killed(artifacts: Artifacts, household, eventually):
    control.ensure(artifacts)
    eventually(lambda: locks.is_held(artifacts.runner_lock))
    (runner,) = household.runners()
    runner.suspend()
    assert control.stop(artifacts, seconds=0.5) == control.KILLED
    eventually(lambda: not household.all())
    assert not artifacts.runner_stop.exists()


def test_a_damaged_note_of_the_runner_hinders_nobody(artifacts: Artifacts, household, watched):
    artifacts.runner_state.write_text("{")
    old = artifacts.runner_state.stat().st_mtime - 60
    os.utime(artifacts.runner_state, (old, old))
    job = submit.phantom(artifacts, "a", SMALL)
    assert not control.state(artifacts).running
    control.ensure(artifacts)
    assert watched(job, *status.ENDED).state == status.DONE


def test_the_end_of_the_terminal_ends_no_training(artifacts: Artifacts, tiny: str, household, watched):
    arguments = ["train", "--data", tiny, "--model", "random_forest", "--set", "input_size=32", "--wait"]
    terminal = subprocess.Popen(
        [sys.executable, "-m", "allcore", *arguments], start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    queued = terminal.stdout.readline().decode()
    job = artifacts.run(queued.split()[1].strip("."))
    os.killpg(terminal.pid, signal.SIGKILL)
    terminal.communicate()
    ended = watched(job, *status.ENDED)
    assert (ended.state, ended.attempt) == (status.DONE, 1)
    assert store.read(job).metrics["onnx_parity"]["passed"]


def test_a_training_killed_with_its_runner_goes_on_where_it_was(artifacts: Artifacts, tiny: str, household, watched, eventually):
    plan, _ = submit.planned(artifacts, data=tiny, model="proposed_cnn", changed=NETWORK)
    job = submit.training(artifacts, plan)
    control.ensure(artifacts)
    eventually(lambda: (job.checkpoint / "state.json").exists(), seconds=240, what="a first epoch")
    (worker,) = household.workers(job)
    kill(household.runners()[0])
    kill(worker)
    before = fileio.read_json(job.checkpoint / "state.json")["epoch"]
    assert 1 <= before < 3
    assert store.read(job).status.state == status.RUNNING  # nobody was left to say otherwise

    eventually(lambda: (control.ensure(artifacts), control.state(artifacts).running)[1])
    ended = watched(job, *status.ENDED)
    assert (ended.state, ended.attempt) == (status.DONE, 2)
    done = events.epochs(events.read(job))
    assert done["epoch"].tolist() == [1, 2, 3]
    assert done["attempt"].tolist() == [1] * before + [2] * (3 - before)
    assert store.read(job).metrics["onnx_parity"]["passed"]
    assert store.read(job).metrics["training"]["epochs"] == 3


def test_the_runner_of_another_machine_is_known_by_its_lock(artifacts: Artifacts, household, eventually):
    """The folder is shared: its pid means nothing here."""
    fileio.write_json(artifacts.runner_state, {**control.identity(os.getpid()), "host": "another-machine"})
    assert control.state(artifacts) == control.RunnerState(False, None)
    with locks.hold(artifacts.runner_lock):
        assert control.state(artifacts) == control.RunnerState(True, os.getpid())
        control.ensure(artifacts)
        assert not household.runners()
        with pytest.raises(AllcoreError, match="The runner on another-machine has not ended"):
            control.stop(artifacts, seconds=0.1)
        assert artifacts.runner_stop.exists()  # it ends when it next looks
    assert control.stop(artifacts) == control.NONE
