from __future__ import annotations

import gc
from collections.abc import Callable

from allcore.base.paths import Artifacts, JobPaths
from allcore.runs import store


def test_an_empty_laboratory_lights_the_first_door_alone(artifacts: Artifacts, visit: Callable):
    home = visit("home")
    assert [one.label for one in home.app.button] == ["Start the first lesson", "Draw the demo cells"]
    assert "Training opens once there is a data set." in home.words
    assert "Opens once a model has been trained." in home.words
    assert "Classify a picture" not in home.words
    assert "no result yet" in home.words
    assert "For teaching and research, not for diagnosis." in home.words


def test_the_demo_cells_are_queued_once(artifacts: Artifacts, visit: Callable, no_runner: list):
    home = visit("home").click("Draw the demo cells")
    (job,) = store.active(artifacts)
    assert job.spec.params["name"] == "demo"
    assert no_runner
    assert "the demo cells are being drawn" in home.words
    visit("home")
    assert len(store.active(artifacts)) == 1


def test_the_best_result_is_of_unseen_patients(forest: JobPaths, visit: Callable):
    home = visit("home")
    assert "tiny (drawn cells): 48 images" in home.words
    assert "Best on unseen patients" in home.words
    assert "Random forest on tiny (drawn cells): balanced accuracy" in home.words
    assert "Classify a picture" in home.words


def test_a_result_without_patients_is_not_called_the_best(blood: JobPaths, visit: Callable):
    assert "no result yet" in visit("home").words


def test_what_runs_is_told_with_its_progress(trainings, visit: Callable):
    trainings.at_epoch_1()
    home = visit("home")
    (bar,) = home.app.get("progress")
    assert bar.value == 40
    assert "Proposed CNN on tiny (drawn cells): Epoch 2 of 3" in home.words


def test_the_lesson_begins_with_one_click(trainings, visit: Callable):
    assert visit("home").click("Start the first lesson").app.title[0].value == "The first lesson"


def test_forty_runs_are_no_burden(many: Artifacts, visit: Callable):
    assert visit("home").words.count("Best on unseen patients") == 1


def test_the_collector_leaves_what_libraries_hold_alone(artifacts: Artifacts, visit: Callable, eventually: Callable):
    visit("home")
    assert eventually(lambda: gc.get_freeze_count() > 100_000, what="the libraries to be imported")
