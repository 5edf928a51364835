"""Whose turn it is, how cores are shared, and who may change what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from allcore.base.errors import BadInput, Conflict, Forbidden, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.base.people import Person
from allcore.jobs import acts, board, control, queue, slots, submit
from allcore.jobs.slots import Slot
from allcore.runs import allotment, heartbeat, place, spec, status, store, trash
from allcore.runs.allotment import Allotment
from allcore.runs.place import Place
from allcore.runs.spec import Tags

ANNA, BEN, ROOT = Person("anna@x.org", signed_in=True), Person("ben@x.org", signed_in=True), Person("root@x.org", signed_in=True)
LAPTOP = Person("laptop")


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ensure", lambda artifacts: None)
    monkeypatch.setenv("ALLCORE_ADMINS", "Root@x.org , else@x.org")


@pytest.fixture
def queued(artifacts: Artifacts) -> Callable[..., JobPaths]:
    """Queues a job of an owner; its name is a letter."""
    count = iter(range(1000))

    def one(owner: str = "anna@x.org", priority: int = 0, kind: str = spec.TRAIN) -> JobPaths:
        made = spec.written(artifacts, kind, {}, name="a", tags=Tags(owner, priority=priority))
        place.write(made, Place(priority, float(next(count))))  # two of the same millisecond have no order of their own
        return made

    return one


def order(artifacts: Artifacts) -> list[str]:
    return [job.id for job in queue.of(artifacts, store.active(artifacts))]


def test_a_person_with_twenty_jobs_does_not_keep_others_waiting(artifacts: Artifacts, queued):
    annas = [queued() for _ in range(4)]
    bens = [queued("ben@x.org") for _ in range(2)]
    ids = [job.id for job in (annas[0], bens[0], annas[1], bens[1], annas[2], annas[3])]
    assert order(artifacts) == ids
    # Anna's job is at work: Ben is next, and she has her turn after him.
    status.change(annas[0], status.STARTING)
    queue.note_turn(artifacts, store.read(annas[0]))
    assert order(artifacts) == [job.id for job in (bens[0], annas[1], bens[1], annas[2], annas[3])]
    # It has ended: the turn is still Ben's, who never had one.
    status.change(annas[0], status.FAILED)
    assert order(artifacts)[0] == bens[0].id


def test_priority_goes_before_turns_and_jobs_of_seconds_have_turns_of_their_own(artifacts: Artifacts, queued):
    first, low, high = queued(), queued("ben@x.org", -1), queued("ben@x.org", 2)
    drawing = queued("ben@x.org", kind=spec.PHANTOM)
    assert order(artifacts) == [high.id, first.id, low.id, drawing.id]
    with pytest.raises(BadInput, match="-9 to 9"):
        spec.written(artifacts, spec.TRAIN, {}, name="a", tags=Tags("a", priority=10))


def test_a_limit_of_running_jobs_lets_others_pass(artifacts: Artifacts, queued):
    first, second, bens = queued(), queued(), queued("ben@x.org")
    status.change(first, status.STARTING)
    jobs = store.active(artifacts)
    allowed = queue.Limits(running=1).allowed(queue.of(artifacts, jobs), at_work=queue.at_work(jobs))
    assert [job.id for job in allowed] == [bens.id]
    assert second.id not in {job.id for job in allowed}


def test_a_limit_of_waiting_jobs_refuses_one_more(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALLCORE_MOST_WAITING", "2")

    def submitted(owner: str) -> JobPaths:
        return submit.queued(artifacts, spec.TRAIN, {}, name="a", tags=Tags(owner))

    made = [submitted("anna"), submitted("anna")]
    with pytest.raises(Conflict, match="2 of at most 2 waiting"):
        submitted("anna")
    submitted("ben")
    store.ask_to_cancel(made[0])
    submitted("anna")
    assert len(store.active(artifacts)) == 3
    monkeypatch.setenv("ALLCORE_MOST_WAITING", "many")
    with pytest.raises(BadInput, match="ALLCORE_MOST_WAITING"):
        submitted("ben")


PROCESSOR = Slot("processor", (spec.TRAIN,), cores=2)
MUCH = 24e9


@pytest.mark.parametrize(
    ("slot", "waiting", "pinned", "memory", "threads"),
    [
        (PROCESSOR, 1, 0, MUCH, 2),  # alone: all cores
        (PROCESSOR, 2, 0, MUCH, 1),  # two wait: a thread each
        (replace(PROCESSOR, taken=1), 1, 0, MUCH, 1),
        (replace(PROCESSOR, taken=2), 3, 0, MUCH, 0),  # what has all cores is not disturbed
        (PROCESSOR, 3, 2, MUCH, 2),  # goes on with what it had
        (replace(PROCESSOR, taken=1), 2, 2, MUCH, 0),  # and waits for it
        (PROCESSOR, 3, 8, MUCH, 2),
        (PROCESSOR, 3, 0, 3e9, 2),  # memory for one
        (replace(PROCESSOR, taken=1), 2, 0, 1e9, 0),
        (replace(PROCESSOR, cores=16), 3, 0, MUCH, 5),
        (replace(PROCESSOR, parts=1), 5, 0, MUCH, 2),
        (replace(PROCESSOR, parts=1, taken=1), 5, 1, MUCH, 0),
        (replace(PROCESSOR, parts=2), 1, 0, MUCH, 1),
    ],
)
def test_cores_are_shared_as_jobs_wait(slot: Slot, waiting: int, pinned: int, memory: float, threads: int):
    assert slots.share(slot, waiting=waiting, pinned=pinned, memory=memory) == threads


def test_processor_slots_can_be_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slots, "gpus", lambda: 0)
    monkeypatch.setenv("ALLCORE_PROCESSOR_SLOTS", "1")
    assert (slots.found()[0].parts, slots.found()[0].cores) == (1, slots.cores())
    monkeypatch.setenv("ALLCORE_PROCESSOR_SLOTS", "none")
    with pytest.raises(BadInput, match="ALLCORE_PROCESSOR_SLOTS"):
        slots.found()


def test_jobs_are_moved_among_their_owners(artifacts: Artifacts, queued):
    a, b, c = (queued() for _ in range(3))
    other, low = queued("ben@x.org"), queued(priority=-3)
    for job, where, expected in (
        (c, acts.FIRST, [c, a, b]),
        (c, acts.DOWN, [a, c, b]),
        (b, acts.UP, [a, b, c]),
        (a, c.id, [b, a, c]),
        (b, acts.LAST, [a, c, b]),
    ):
        acts.move(artifacts, job, where, by=ANNA)
        assert [one for one in order(artifacts) if one not in (other.id, low.id)] == [one.id for one in expected]
    assert place.read(b, spec.read(b).created).priority == -3  # it stands behind the one of low priority
    with pytest.raises(BadInput, match="same owner"):
        acts.move(artifacts, a, other.id, by=ANNA)
    status.change(a, status.STARTING)
    with pytest.raises(Conflict, match="only a job that waits"):
        acts.move(artifacts, a, acts.FIRST, by=ANNA)


def test_only_its_owner_lets_a_networks_training_finish(artifacts: Artifacts):
    def made(model: str) -> JobPaths:
        return spec.written(artifacts, spec.TRAIN, {"model": model}, name=model, tags=Tags(ANNA.name))

    network = made("allnet")
    with pytest.raises(Forbidden, match="belongs to anna"):
        acts.finish(artifacts, network, by=BEN)
    assert acts.finish(artifacts, network, by=ANNA).state == status.QUEUED
    assert network.finish.exists()
    for other in ("random_forest", "of-another-version"):
        with pytest.raises(BadInput, match="has no epochs to end after"):
            acts.finish(artifacts, made(other), by=ANNA)


def test_only_its_owner_or_an_administrator_changes_a_job(artifacts: Artifacts, queued):
    job = queued()
    deeds: list[Callable[[Person], object]] = [
        lambda who: acts.move(artifacts, job, acts.FIRST, by=who),
        lambda who: acts.prioritise(job, -1, by=who),
        lambda who: acts.cancel(artifacts, job, by=who),
        lambda who: acts.resume(artifacts, job, by=who),
        lambda who: acts.requeue(artifacts, job, by=who),
        lambda who: (acts.cancel(artifacts, job, by=who), acts.delete(job, by=who)),
        lambda who: acts.restore(artifacts, job.id, by=who),
        lambda who: acts.delete(job, by=who),
        lambda who: acts.restore(artifacts, job.id, by=who),
    ]
    for deed in deeds:
        with pytest.raises(Forbidden, match="belongs to anna"):
            deed(BEN)
        deed(ANNA)
    assert order(artifacts) == []  # cancelled, thrown away, brought back
    acts.resume(artifacts, job, by=LAPTOP)  # who has the folder needs nobody's leave
    assert order(artifacts) == [job.id]


def test_priorities_and_the_pause_are_for_administrators(artifacts: Artifacts, queued):
    job = queued()
    for forbidden in (lambda: acts.prioritise(job, 1, by=ANNA), lambda: acts.pause(artifacts, by=ANNA)):
        with pytest.raises(Forbidden, match="administrators"):
            forbidden()
    acts.prioritise(job, 1, by=ROOT)
    acts.pause(artifacts, by=ROOT)
    assert queue.paused(artifacts).by == ROOT.name
    acts.unpause(artifacts, by=LAPTOP)
    assert queue.paused(artifacts) is None


def test_a_deleted_job_comes_back_whole_until_it_is_purged(artifacts: Artifacts, queued):
    job = queued()
    store.ask_to_cancel(job)
    files = sorted(file.name for file in job.folder.iterdir())
    acts.delete(job, by=ANNA)
    assert store.runs(artifacts) == []
    (gone,) = trash.listed(artifacts)
    assert (gone.id, gone.owner, gone.by, gone.parent) == (job.id, ANNA.name, ANNA.name, "runs")
    assert trash.purge(artifacts) == 0  # not yet a week
    assert acts.purge(artifacts, by=BEN) == 0  # not his
    back = acts.restore(artifacts, job.id, by=ANNA)
    assert back == job
    assert sorted(file.name for file in job.folder.iterdir()) == files
    acts.delete(job, by=ANNA)
    assert trash.purge(artifacts, older_than_days=0) == 1
    assert list(artifacts.trash.iterdir()) == []
    with pytest.raises(NotFound, match="trash"):
        acts.restore(artifacts, job.id, by=ANNA)


def test_the_board_tells_turns_slots_and_owners(artifacts: Artifacts, queued):
    a, b, c = queued(), queued(), queued("ben@x.org", kind=spec.PHANTOM)
    allotment.write(a, Allotment("processor", 1, 1, 0, 0.0))
    status.change(a, status.STARTING)
    rows = board.rows(artifacts, ended=False)
    assert [(row.job.id, row.position, row.slot) for row in rows] == [(a.id, None, "processor, 1 thread"), (b.id, 1, ""), (c.id, 2, "")]
    told = rows[1].to_dict()
    assert (told["owner"], told["status"], told["position"], told["starts_in"]) == ("anna@x.org", "queued", 1, None)


def test_a_job_whose_runner_went_before_it_came_up_is_soon_called_interrupted(queued, monkeypatch: pytest.MonkeyPatch):
    job = queued()
    allotment.write(job, Allotment("processor", 1, 1, 2**22 + 1, 1.0))  # no such process
    status.change(job, status.STARTING)
    assert store.read(job).state == status.STARTING
    monkeypatch.setattr(heartbeat, "GONE", -1.0)
    assert store.read(job).state == status.INTERRUPTED
