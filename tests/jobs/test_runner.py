"""What the runner decides, with an executor that does nothing but what the test says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace

import psutil
import pytest

from allcore.base import clock, fileio, locks, memory
from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs import queue
from allcore.jobs import runner as runners
from allcore.jobs.executors import Ended
from allcore.jobs.runner import Runner
from allcore.jobs.slots import Slot
from allcore.runs import allotment, events, heartbeat, place, spec, status, store
from allcore.runs import attempt as attempts
from allcore.runs.heartbeat import Heartbeat

LONG_AGO = "2026-01-01T00:00:00.000Z"


@dataclass
class Puppet:
    """An executor whose processes start and end on paper."""

    slots: tuple[Slot, ...] = (Slot("processor", (spec.TRAIN,)), Slot("data", (spec.PHANTOM, spec.IMPORT)))
    running: dict[str, tuple[JobPaths, int, Slot]] = field(default_factory=dict)
    over: list[Ended] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)

    def free(self) -> tuple[Slot, ...]:
        taken = {name for _, _, slot in self.running.values() for name in slot.names}
        return tuple(slot for slot in self.slots if slot.name not in taken)

    def start(self, paths: JobPaths, attempt: int, slot: Slot) -> None:
        self.running[paths.id] = (paths, attempt, slot)

    def end(self, paths: JobPaths, exit_code: int) -> None:
        _, attempt, _ = self.running.pop(paths.id)
        self.over.append(Ended(paths, attempt, exit_code))

    def ended(self) -> list[Ended]:
        told, self.over = self.over, []
        return told

    def ask_to_end(self, paths: JobPaths) -> None:
        self.asked.append(paths.id)

    def kill(self, paths: JobPaths) -> None:
        self.killed.append(paths.id)


@pytest.fixture
def puppet() -> Puppet:
    return Puppet()


@pytest.fixture
def runner(artifacts: Artifacts, puppet: Puppet) -> Runner:
    return Runner(artifacts, puppet)


@pytest.fixture
def job(artifacts: Artifacts) -> JobPaths:
    return spec.written(artifacts, spec.TRAIN, {}, name="a")


def state(job: JobPaths) -> tuple[str, int]:
    current = status.read(job)
    return current.state, current.attempt


def beat(job: JobPaths, *, attempt: int, time: str | None = None, pid: int = 0, created: float = 1.0) -> None:
    fileio.write_json(job.heartbeat, Heartbeat(time or clock.now(), attempt, pid, created, 0.5, "", 1.0).to_dict())


def start_again(runner: Runner, job: JobPaths) -> None:
    """From interrupted to running."""
    runner.step()
    runner.step()
    status.change(job, status.RUNNING)


def test_an_empty_queue_is_nothing_to_do(runner: Runner):
    assert runner.step() is False


def test_jobs_start_in_turn_each_in_a_slot_of_its_kind(artifacts: Artifacts, runner: Runner, puppet: Puppet):
    first, drawing, second = (spec.written(artifacts, kind, {}, name="a") for kind in (spec.TRAIN, spec.PHANTOM, spec.TRAIN))
    assert runner.step() is True
    assert set(puppet.running) == {first.id, drawing.id}
    assert status.read(first).reason == "On processor."
    status.change(first, status.FAILED)
    puppet.end(first, 0)
    runner.step()
    assert set(puppet.running) == {second.id, drawing.id}


def test_a_job_that_told_its_own_end_is_let_be(runner: Runner, puppet: Puppet, job: JobPaths):
    runner.step()
    status.change(job, status.FAILED, reason="Mine.")
    puppet.end(job, 0)
    assert runner.step() is False
    assert (status.read(job).state, status.read(job).reason) == (status.FAILED, "Mine.")


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (-signal.SIGKILL, "Its process was killed from outside."),
        (-signal.SIGSEGV, "Its process was ended by signal 11."),
        (1, "Its process ended with code 1."),
    ],
)
def test_a_process_that_died_without_a_word_is_spoken_for(
    runner: Runner, puppet: Puppet, job: JobPaths, code: int, cause: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(memory, "kills", lambda: 3)
    runner.step()
    status.change(job, status.RUNNING)
    puppet.end(job, code)
    runner.step()
    history = [(step.state, step.reason) for step in status.read(job).history]
    assert (status.INTERRUPTED, cause) in history
    runner.step()
    assert state(job) == (status.STARTING, 2)


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [(3, 4, "The system killed its process: memory ran out."), (None, None, "Its process was killed, perhaps for want of memory.")],
)
def test_a_kill_is_put_down_to_memory_where_the_system_counts_one_more(
    runner: Runner, puppet: Puppet, job: JobPaths, before, after, cause: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(memory, "kills", lambda: before)
    runner.step()
    monkeypatch.setattr(memory, "kills", lambda: after)
    puppet.end(job, -signal.SIGKILL)
    runner.step()
    assert cause in [step.reason for step in status.read(job).history]


def test_a_crash_is_put_down_to_memory_where_its_log_says_so(runner: Runner, puppet: Puppet, job: JobPaths):
    runner.step()
    job.log.write_text("terminate called after throwing an instance of 'std::bad_alloc'\n")
    puppet.end(job, -signal.SIGABRT)
    runner.step()
    assert "Its process ended because memory ran out." in [step.reason for step in status.read(job).history]


def test_three_crashes_in_a_row_fail_the_job(runner: Runner, puppet: Puppet, job: JobPaths):
    for attempt in (1, 2, 3):
        start_again(runner, job)
        assert state(job) == (status.RUNNING, attempt)
        puppet.end(job, -signal.SIGKILL)
    runner.step()
    assert state(job) == (status.FAILED, 3)
    assert ", 3 times in a row. The last lines of its log may tell why" in status.read(job).reason
    assert runner.step() is False


def test_epochs_done_between_crashes_keep_a_job_going(runner: Runner, puppet: Puppet, job: JobPaths):
    for attempt in range(1, 8):
        start_again(runner, job)
        events.append(job, events.EPOCH, attempt=attempt, epoch=attempt)
        puppet.end(job, -signal.SIGKILL)
    runner.step()
    assert state(job)[0] != status.FAILED


def test_the_same_epoch_over_and_over_is_no_progress(runner: Runner, puppet: Puppet, job: JobPaths):
    for attempt in range(1, 5):
        start_again(runner, job)
        events.append(job, events.STAGE, attempt=attempt, stage="features")
        events.append(job, events.EPOCH, attempt=attempt, epoch=1)
        puppet.end(job, -signal.SIGKILL)
    runner.step()
    assert state(job) == (status.FAILED, 4)  # the first attempt got somewhere, the next three no further


def test_stopping_the_runner_is_no_crash(runner: Runner, puppet: Puppet, job: JobPaths):
    for reason in (attempts.STOPPED, attempts.ORPHANED) * 3:
        start_again(runner, job)
        status.change(job, status.INTERRUPTED, reason=reason)
        puppet.end(job, 0)
    start_again(runner, job)
    puppet.end(job, 1)
    runner.step()
    assert state(job) == (status.QUEUED, 7)


def test_who_resumes_a_crashed_job_gives_it_three_more(runner: Runner, puppet: Puppet, job: JobPaths):
    for _ in range(3):
        start_again(runner, job)
        puppet.end(job, 1)
    runner.step()
    assert state(job) == (status.FAILED, 3)
    store.resume(job)
    start_again(runner, job)
    puppet.end(job, 1)
    runner.step()
    assert state(job)[0] == status.QUEUED


def test_a_job_killed_while_it_was_being_cancelled_is_cancelled(runner: Runner, puppet: Puppet, job: JobPaths):
    runner.step()
    store.ask_to_cancel(job)
    puppet.end(job, -signal.SIGKILL)
    runner.step()
    assert state(job) == (status.CANCELLED, 1)


def test_a_cancelled_job_does_not_come_back(runner: Runner, puppet: Puppet, job: JobPaths):
    """Its process went between the request and the next look."""
    runner.step()
    status.change(job, status.INTERRUPTED)
    puppet.end(job, -signal.SIGKILL)
    fileio.write_json(job.cancel, {})
    runner.step()
    assert state(job) == (status.CANCELLED, 1)


def test_a_job_that_does_not_obey_is_killed(runner: Runner, puppet: Puppet, job: JobPaths):
    runner.step()
    store.ask_to_cancel(job)
    runner.step()
    assert puppet.killed == []
    long_ago = job.cancel.stat().st_mtime - runners.CANCEL_GRACE - 1
    os.utime(job.cancel, (long_ago, long_ago))
    runner.step()
    assert puppet.killed == [job.id]


def test_a_job_of_a_runner_that_died_goes_on(artifacts: Artifacts, runner: Runner, job: JobPaths):
    """Its process has gone too: nobody holds its lock."""
    status.change(job, status.STARTING)
    status.change(job, status.RUNNING)
    beat(job, attempt=1)
    runner.step()
    assert state(job)[0] == status.INTERRUPTED
    assert status.read(job).reason == "Its process has gone."
    runner.step()
    runner.step()
    assert state(job) == (status.STARTING, 2)


def test_a_power_cut_is_told_by_its_own_time(runner: Runner, job: JobPaths):
    status.change(job, status.STARTING, moment=LONG_AGO)
    status.change(job, status.RUNNING, moment=LONG_AGO)
    beat(job, attempt=1, time="2026-01-01T00:10:00.000Z")
    runner.step()
    assert status.read(job).since == "2026-01-01T00:10:00.000Z"
    assert store.read(job).seconds == 600


def test_a_job_at_work_for_a_runner_that_died_is_waited_for(runner: Runner, puppet: Puppet, job: JobPaths):
    status.change(job, status.STARTING)
    status.change(job, status.RUNNING)
    beat(job, attempt=1)
    with locks.hold(job.job_lock):
        runner.step()
        assert state(job) == (status.RUNNING, 1)
        status.change(job, status.INTERRUPTED)
        runner.step()
        runner.step()
        assert state(job) == (status.INTERRUPTED, 1)  # said to be over, but still there: not started beside itself
    assert puppet.running == {}


def test_a_queued_job_whose_old_process_is_still_there_waits(runner: Runner, puppet: Puppet, job: JobPaths):
    with locks.hold(job.job_lock):
        runner.step()
        assert puppet.running == {}
    runner.step()
    assert job.id in puppet.running


def test_a_job_coming_up_for_a_runner_that_died_gets_its_time(runner: Runner, job: JobPaths):
    beat(job, attempt=1)  # of the attempt before
    for step in (status.STARTING, status.INTERRUPTED, status.QUEUED, status.STARTING):
        status.change(job, step)
    runner.step()
    assert state(job) == (status.STARTING, 2)
    document = fileio.read_json(job.status)
    document["history"][-1]["time"] = LONG_AGO
    fileio.write_json(job.status, document)
    runner.step()
    assert state(job)[0] == status.INTERRUPTED


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no signal that halts a process here")
def test_a_process_that_was_halted_is_ended_and_a_slow_one_is_not(runner: Runner, job: JobPaths, eventually):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        status.change(job, status.STARTING)
        status.change(job, status.RUNNING)
        beat(job, attempt=1, time=LONG_AGO, pid=child.pid, created=psutil.Process(child.pid).create_time())
        with locks.hold(job.job_lock):
            runner.step()
            assert child.poll() is None
            child.send_signal(signal.SIGSTOP)
            eventually(lambda: not heartbeat.is_at_work(heartbeat.read(job)))
            runner.step()
            assert child.wait(30) == -signal.SIGKILL


def test_stopping_asks_first_and_kills_what_does_not_go(runner: Runner, puppet: Puppet, job: JobPaths):
    runner.step()
    runner.end_all(seconds=0.2)
    assert puppet.asked == puppet.killed == [job.id]


def test_a_damaged_folder_stops_nobody_else(artifacts: Artifacts, runner: Runner, puppet: Puppet, job: JobPaths):
    for name in ("status", "spec"):
        broken = spec.written(artifacts, spec.TRAIN, {}, name="b")
        getattr(broken, name).write_text("{")
    (artifacts.runs / "empty").mkdir()
    runner.step()
    assert set(puppet.running) == {job.id}


def test_two_that_wait_share_the_processor_and_keep_their_share(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch):
    processor = Slot("processor", (spec.TRAIN,), cores=2)
    puppet = Puppet(slots=(processor,))
    monkeypatch.setattr(Puppet, "free", lambda self: (replace(processor, taken=sum(s.cores for _, _, s in self.running.values())),))
    runner = Runner(artifacts, puppet)
    first = spec.written(artifacts, spec.TRAIN, {}, name="a")
    runner.step()
    assert allotment.read(first).threads == puppet.running[first.id][2].cores == 2
    second, third = (spec.written(artifacts, spec.TRAIN, {}, name="a") for _ in range(2))
    runner.step()
    assert set(puppet.running) == {first.id}  # a job on all cores is not disturbed
    puppet.end(first, -signal.SIGKILL)
    queue.pause(artifacts, by="somebody")
    runner.step()
    assert puppet.running == {}
    queue.unpause(artifacts)
    place.write(first, place.Place(-1, 0.0))
    runner.step()
    assert {job.id: allotment.read(job).threads for job in (second, third)} == {second.id: 1, third.id: 1}
    assert status.read(second).reason == "On processor, 1 thread."
    status.change(second, status.FAILED)
    puppet.end(second, 0)
    runner.step()
    assert set(puppet.running) == {third.id}  # the first had two threads and waits for two
    status.change(third, status.FAILED)
    puppet.end(third, 0)
    runner.step()
    assert allotment.read(first).threads == 2
    assert state(first) == (status.STARTING, 2)


def test_a_job_that_makes_room_waits_behind_the_others(artifacts: Artifacts, runner: Runner, puppet: Puppet, job: JobPaths):
    runner.step()
    other = spec.written(artifacts, spec.TRAIN, {}, name="b")
    store.ask_to_requeue(job)
    with pytest.raises(attempts.Interrupted, match="room"):
        attempts.Attempt(artifacts, job, 1, None).check()
    status.change(job, status.INTERRUPTED, reason=attempts.REQUEUED)
    puppet.end(job, 0)
    runner.step()
    runner.step()
    assert set(puppet.running) == {other.id}
    assert (state(job), job.requeue.exists()) == ((status.QUEUED, 1), False)
