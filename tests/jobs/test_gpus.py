"""Trainings that ask for several GPUs: how they are joined, dealt out and waited for."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from allcore.base import locks
from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs import board, estimate, queue, slots
from allcore.jobs.executors import Ended, child
from allcore.jobs.executors.local import LocalExecutor
from allcore.jobs.runner import Runner
from allcore.jobs.slots import Slot
from allcore.runs import allotment, place, spec, status, store


@dataclass
class OnPaper:
    """An executor whose processes start and end as the test says."""

    slots: tuple[Slot, ...]
    running: dict[str, tuple[JobPaths, int, Slot]] = field(default_factory=dict)
    over: list[Ended] = field(default_factory=list)

    def free(self) -> tuple[Slot, ...]:
        taken = {name for _, _, slot in self.running.values() for name in slot.names}
        return tuple(slot for slot in self.slots if slot.name not in taken)

    def start(self, paths: JobPaths, attempt: int, slot: Slot) -> None:
        self.running[paths.id] = (paths, attempt, slot)

    def end(self, paths: JobPaths) -> None:
        status.change(paths, status.FAILED)
        _, attempt, _ = self.running.pop(paths.id)
        self.over.append(Ended(paths, attempt, 0))

    def ended(self) -> list[Ended]:
        told, self.over = self.over, []
        return told


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> OnPaper:
    """One with four GPUs."""
    monkeypatch.setattr(slots, "gpus", lambda: 4)
    return OnPaper(slots.found())


def asking(artifacts: Artifacts, gpus: int) -> JobPaths:
    return spec.written(artifacts, spec.TRAIN, {"settings": {"gpus": gpus}}, name=f"for-{gpus}")


def given(machine: OnPaper) -> dict[str, tuple[str, ...]]:
    return {job: slot.names for job, (_, _, slot) in machine.running.items()}


def test_joined_slots_are_one_that_sees_all_their_gpus(machine: OnPaper):
    first, second, third, _, data = machine.slots
    assert [slot.gpus for slot in machine.slots] == [1, 1, 1, 1, 0]
    both = slots.joined([first, third])
    assert (both.name, both.gpus, both.joins) == ("gpu-0, gpu-2", 2, ("gpu-0", "gpu-2"))
    assert both.variables == {"CUDA_VISIBLE_DEVICES": "0,2"}
    assert both.kinds == first.kinds
    assert both.names == slots.named(both.name) == ("gpu-0", "gpu-2")
    assert slots.joined([second]) == second
    assert (data.names, slots.named(data.name)) == (("data",), ("data",))


def test_a_job_gets_as_many_as_it_asks_for_and_gives_all_back(artifacts: Artifacts, machine: OnPaper):
    runner = Runner(artifacts, machine)
    three, one, two = (asking(artifacts, gpus) for gpus in (3, 1, 2))
    runner.step()
    assert given(machine) == {three.id: ("gpu-0", "gpu-1", "gpu-2"), one.id: ("gpu-3",)}
    assert status.read(three).reason == "On gpu-0, gpu-1, gpu-2."
    assert allotment.read(three).slot == board.row(artifacts, three).slot == "gpu-0, gpu-1, gpu-2"
    assert machine.running[three.id][2].variables == {"CUDA_VISIBLE_DEVICES": "0,1,2"}
    machine.end(three)
    runner.step()
    assert given(machine) == {one.id: ("gpu-3",), two.id: ("gpu-0", "gpu-1")}


def test_nobody_behind_one_that_waits_for_several_goes_first(artifacts: Artifacts, machine: OnPaper):
    runner = Runner(artifacts, machine)
    small = [asking(artifacts, 1) for _ in range(2)]
    runner.step()
    wide, behind = asking(artifacts, 4), asking(artifacts, 1)
    runner.step()
    assert set(machine.running) == {job.id for job in small}
    rows = {row.job.id: row for row in board.rows(artifacts)}
    assert (rows[wide.id].position, rows[behind.id].position) == (1, 2)
    assert (rows[wide.id].slot, rows[wide.id].doing) == ("", "Waits until 4 GPUs are free.")
    assert rows[behind.id].doing == ""
    for job in small:
        machine.end(job)
        runner.step()
    assert given(machine) == {wide.id: ("gpu-0", "gpu-1", "gpu-2", "gpu-3")}
    machine.end(wide)
    runner.step()
    assert set(machine.running) == {behind.id}


def test_a_higher_priority_goes_first_all_the_same(artifacts: Artifacts, machine: OnPaper):
    runner = Runner(artifacts, machine)
    asking(artifacts, 1)
    runner.step()
    asking(artifacts, 4)
    urgent = asking(artifacts, 1)
    place.write(urgent, place.Place(1, 0.0))
    runner.step()
    assert urgent.id in machine.running


def test_what_an_earlier_runner_gave_is_kept(artifacts: Artifacts, machine: OnPaper):
    before = asking(artifacts, 2)
    allotment.write(before, allotment.Allotment("gpu-1, gpu-2", 0, 1, 0, 0.0))
    status.change(before, status.STARTING)
    status.change(before, status.RUNNING)
    jobs = [asking(artifacts, gpus) for gpus in (1, 4, 1)]
    runner = Runner(artifacts, machine)
    with locks.hold(before.job_lock):
        runner.step()
        assert given(machine) == {jobs[0].id: ("gpu-0",)}
        status.change(before, status.INTERRUPTED)  # said to be over, but its process is still there
        runner.step()
        assert set(machine.running) == {jobs[0].id}
    machine.end(jobs[0])
    status.change(before, status.CANCELLED)
    runner.step()
    assert given(machine) == {jobs[1].id: ("gpu-0", "gpu-1", "gpu-2", "gpu-3")}


def test_one_that_asks_for_more_than_there_ever_are_holds_nobody_up(artifacts: Artifacts, machine: OnPaper):
    """Queued where there were more: its process says what is missing."""
    runner = Runner(artifacts, machine)
    many, one = asking(artifacts, 8), asking(artifacts, 1)
    runner.step()
    assert given(machine) == {many.id: ("gpu-0",), one.id: ("gpu-1",)}


def test_a_person_who_may_run_one_job_may_run_it_on_several(artifacts: Artifacts, machine: OnPaper, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(queue.RUNNING_VARIABLE, "1")
    runner = Runner(artifacts, machine)
    wide, _ = asking(artifacts, 2), asking(artifacts, 1)
    runner.step()
    assert set(machine.running) == {wide.id}


def test_a_pause_holds_these_too(artifacts: Artifacts, machine: OnPaper):
    queue.pause(artifacts, by="somebody")
    asking(artifacts, 2)
    Runner(artifacts, machine).step()
    assert machine.running == {}


def test_on_this_machine_a_process_takes_all_slots_that_are_joined(
    artifacts: Artifacts, machine: OnPaper, monkeypatch: pytest.MonkeyPatch, eventually
):
    begun = []

    def started(_artifacts, paths, attempt, environment):
        begun.append(dict(environment))
        return subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)

    monkeypatch.setattr(child, "start", started)
    executor = LocalExecutor(artifacts, machine.slots)
    job = asking(artifacts, 2)
    executor.start(job, 1, slots.joined(machine.slots[1:3]))
    assert begun == [{"CUDA_VISIBLE_DEVICES": "1,2"}]
    assert [slot.name for slot in executor.free()] == ["gpu-0", "gpu-3", "data"]
    eventually(executor.ended)
    assert executor.free() == machine.slots


def test_one_that_asks_for_several_waits_for_the_last_of_them(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch):
    jobs = [asking(artifacts, gpus) for gpus in (1, 1, 2, 1)]
    for job, seconds in zip(jobs[:2], (10.0, 30.0), strict=True):
        allotment.write(job, allotment.Allotment(f"gpu-{seconds:.0f}", 0, 1, 0, 0.0))
        status.change(job, status.STARTING)
    left = {jobs[0].id: 10.0, jobs[1].id: 30.0, jobs[2].id: 50.0, jobs[3].id: 5.0}
    monkeypatch.setattr(estimate, "duration", lambda _artifacts, job, _measured: left[job.id])
    monkeypatch.setattr(estimate, "_left", lambda job, _total: left[job.id])
    active = store.active(artifacts)
    found = estimate.waits(artifacts, active, [job for job in active if job.id in {jobs[2].id, jobs[3].id}], {})
    assert [found[job.id].starts_in for job in jobs] == [0.0, 0.0, 30.0, 80.0]
