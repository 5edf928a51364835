"""What happened, a line each."""

from __future__ import annotations

import pytest

from allcore.base.paths import Artifacts, JobPaths
from allcore.runs import events, spec


@pytest.fixture
def job(artifacts: Artifacts) -> JobPaths:
    return spec.written(artifacts, spec.TRAIN, {}, name="a")


def test_events_come_in_order_with_time_and_attempt(job: JobPaths):
    assert events.read(job) == []
    events.append(job, events.STAGE, attempt=1, stage="features")
    events.append(job, events.EPOCH, attempt=2, epoch=1, loss=0.5)
    first, second = events.read(job)
    assert (first["event"], first["attempt"], first["stage"]) == ("stage", 1, "features")
    assert (second["event"], second["attempt"], second["epoch"], second["loss"]) == ("epoch", 2, 1, 0.5)
    assert first["time"] <= second["time"]


def test_a_torn_last_line_is_left_out_and_the_next_is_whole(job: JobPaths):
    events.append(job, events.EPOCH, attempt=1, epoch=1)
    with open(job.events, "ab") as file:
        file.write(b'{"event": "epoch", "epo')
    assert [event["epoch"] for event in events.read(job)] == [1]
    events.append(job, events.EPOCH, attempt=2, epoch=2)
    assert [event["epoch"] for event in events.read(job)] == [1, 2]


def test_of_an_epoch_done_twice_the_later_counts(job: JobPaths):
    assert events.epochs(events.read(job)).empty
    for attempt, epoch, loss in ((1, 1, 0.9), (1, 2, 0.8), (2, 2, 0.7), (2, 3, 0.6)):
        events.append(job, events.EPOCH, attempt=attempt, epoch=epoch, loss=loss)
    events.append(job, events.STAGE, attempt=2, stage="done")
    found = events.epochs(events.read(job))
    assert found["epoch"].tolist() == [1, 2, 3]
    assert found["loss"].tolist() == [0.9, 0.7, 0.6]
