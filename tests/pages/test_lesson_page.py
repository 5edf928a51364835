from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from allcore.base import fileio
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import records
from allcore.jobs import demo, submit
from allcore.models import presets
from allcore.runs import attempt as attempts
from allcore.runs import events, spec, status, store


@pytest.fixture
def cells(artifacts: Artifacts, tiny: str) -> str:
    """The demo data set, which is that of the other tests under the name that the lesson knows."""
    folder = artifacts.dataset(demo.NAME).folder
    shutil.move(artifacts.dataset(tiny).folder, folder)
    fileio.write_json(folder / "dataset.json", {**fileio.read_json(folder / "dataset.json"), "id": demo.NAME})
    return demo.NAME


@pytest.fixture
def lesson(artifacts: Artifacts, forest: JobPaths, cells: str) -> JobPaths:
    """A finished lesson. A forest passes for its network here: the page reads the same files of either."""
    known = fileio.read_json(forest.spec)
    settings = {**known["params"]["settings"], "epochs": 16}
    params = {**known["params"], "data": cells, "model": demo.MODEL, "preset": presets.FIRST_LESSON, "settings": settings}
    fileio.write_json(forest.spec, {**known, "params": params})
    return forest


def begun(artifacts: Artifacts) -> JobPaths:
    plan, _ = submit.planned(artifacts, data=demo.NAME, model=demo.MODEL, preset=presets.FIRST_LESSON)
    return submit.training(artifacts, plan)


def test_without_cells_they_are_drawn_first(artifacts: Artifacts, visit: Callable, no_runner: list):
    page = visit("lesson")
    assert "The cells are being drawn" in page.words
    (job,) = store.active(artifacts)
    assert job.spec.kind == spec.PHANTOM
    assert no_runner


def test_an_address_alone_trains_nothing(cells: str, artifacts: Artifacts, visit: Callable):
    page = visit("lesson")
    assert "Acute lymphoblastic leukemia" in page.words
    assert store.runs(artifacts) == []
    page.click("Train the network")
    (job,) = store.active(artifacts)
    assert job.spec.params["preset"] == presets.FIRST_LESSON
    assert page.asked("run") == job.id
    assert "Waiting for its turn" in page.words


def test_the_door_on_home_trains_at_once(cells: str, artifacts: Artifacts, visit: Callable):
    page = visit("home").click("Start the first lesson")
    assert len(store.active(artifacts)) == 1
    assert "Waiting for its turn" in page.words


def test_a_second_person_joins_the_training_under_way(cells: str, artifacts: Artifacts, visit: Callable):
    visit("home").click("Start the first lesson")
    other = visit("home").click("Start the first lesson")
    assert len(store.runs(artifacts)) == 1
    assert "Waiting for its turn" in other.words


def test_at_epoch_1_the_curve_is_there(cells: str, artifacts: Artifacts, visit: Callable):
    paths = begun(artifacts)
    number = status.change(paths, status.STARTING).attempt
    with attempts.held(artifacts, paths, number) as attempt:
        attempt.become(status.RUNNING)
        attempt.event(events.EPOCH, epoch=1, loss=0.7, accuracy=0.6, tune_loss=0.69, tune_accuracy=0.55, seconds=8.0)
        attempt.progress(0.4, "Epoch 2 of 3")
        attempt._beat()
        page = visit("lesson")
        assert "Epoch 2 of 3" in page.words
        assert len(page.app.get("plotly_chart")) == 1
        assert "3. Is it any good?" not in page.words


def test_a_failed_lesson_can_be_tried_again(cells: str, artifacts: Artifacts, visit: Callable):
    paths = begun(artifacts)
    number = status.change(paths, status.STARTING).attempt
    with attempts.held(artifacts, paths, number) as attempt:
        attempt.become(status.RUNNING)
        attempt.become(status.FAILED, "The memory did not suffice.")
    page = visit("lesson", run=paths.id)
    assert "The training failed. The memory did not suffice." in page.words
    page.click("Try again")
    assert len(store.active(artifacts)) == 1


def test_a_finished_lesson_is_told_to_its_end(lesson: JobPaths, artifacts: Artifacts, visit: Callable):
    page = visit("lesson")
    certificate = fileio.read_json(lesson.certificate)
    test = certificate["sides"]["test"]
    assert f"about {test['images']} cells of {test['subjects']} patients it has **never seen**" in page.words
    assert "Somebody who always answered 'leukemia'" in page.words
    assert "4. Your turn" in page.words
    assert "It is a lesson, and never a diagnosis." in page.words
    assert "This lesson has been done here before" in page.words
    page.click("Train it anew")
    assert len(store.active(artifacts)) == 1


def test_a_lesson_on_other_cells_of_that_name_is_not_shown(lesson: JobPaths, artifacts: Artifacts, visit: Callable):
    known = fileio.read_json(artifacts.dataset(demo.NAME).card)
    fileio.write_json(artifacts.dataset(demo.NAME).card, {**known, "fingerprint": "0" * 64})
    assert records.read_card(artifacts.dataset(demo.NAME)).fingerprint == "0" * 64
    assert "4. Your turn" not in visit("lesson").words
