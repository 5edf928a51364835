from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing
from allcore.data.phantom import PhantomSpec
from allcore.jobs.studies import control, design
from allcore.jobs.studies.design import Wanted
from allcore.runs import growth, status, store, study

GRID = Wanted(
    "tiny",
    ("random_forest",),
    search="grid",
    vary={"max_depth": "1, 2"},
    fixed={"input_size": 32, "trees": 5, "calibrate": False},
)


@pytest.fixture
def grid(artifacts: Artifacts, tiny: str) -> str:
    """A study of two runs, queued."""
    return control.started(artifacts, design.designed(artifacts, GRID)).id


def test_an_empty_laboratory_leads_to_the_data(artifacts: Artifacts, visit: Callable):
    page = visit("studies")
    assert page.click("Get a data set").app.title[0].value == "Dataset"


def test_from_the_form_to_runs_that_wait(artifacts: Artifacts, tiny: str, visit: Callable, no_runner: list):
    page = visit("studies")
    assert any(one.label.startswith("Start 6 runs") for one in page.app.button)
    page.app.segmented_control(key="study-search").set_value("grid")
    page.again()
    assert "Choose what to vary." in page.words
    assert page.button("Start").disabled
    page.app.multiselect(key="study-Vary-True-random_forest").set_value(["max_depth"])
    page.again().app.text_input(key="study-Vary-True-random_forest-max_depth-grid").set_value("1, 999")
    assert "max_depth can't be '999'." in page.again().words
    page.app.text_input(key="study-Vary-True-random_forest-max_depth-grid").set_value("1, 2, 3")
    page.app.number_input(key="study-seeds").set_value(2)
    page.again()
    assert "6 runs: 3 combinations × 2 seeds." in page.words
    next(one for one in page.app.button if one.label.startswith("Start 6 runs")).click()
    page.again()
    assert len(store.runs(artifacts)) == 6
    assert no_runner
    assert "0 of 6 runs over · 6 waiting" in page.words
    assert page.asked("study") == study.every(artifacts)[0].id


def test_a_study_that_is_done_says_what_is_best_and_leads_on(artifacts: Artifacts, grid: str, visit: Callable, do: Callable):
    for job in store.runs(artifacts):
        do(artifacts, job.paths)
    page = visit("studies", study=grid)
    assert "Best of 2, by balanced accuracy on the tune part: Random forest, max_depth" in page.words
    assert "On its test side, which had no part in the choice among 2" in page.words
    assert "Compare the best 2 in Results" in page.words
    assert page.table("2 runs of this study")["state"].tolist() == ["done", "done"]
    assert re.search(r"Calling every image \w+ reaches a balanced accuracy of 0\.500\.", page.words)
    assert len(page.app.get("plotly_chart")) == 2
    first, second = (trial.run for trial in study.read_plan(artifacts.study(grid)).trials)
    results = visit("results", run=first, compare=f"{first},{second}", details="Compare")
    assert set(next(one for one in results.app.multiselect if one.label == "Compare").value) == {first, second}
    page.click("Delete it")
    assert study.every(artifacts) == []
    assert len(store.runs(artifacts)) == 2


def test_cancel_all(artifacts: Artifacts, grid: str, visit: Callable):
    page = visit("studies").click("Cancel all")
    assert {job.state for job in store.runs(artifacts)} == {status.CANCELLED}
    assert "2 of 2 runs over · 2 cancelled" in page.words
    assert "No combination came to a figure." in page.words


def test_a_run_leads_to_its_study(artifacts: Artifacts, grid: str, visit: Callable, forest: JobPaths):
    run = study.read_plan(artifacts.study(grid)).trials[0].run
    assert "Its study" in visit("jobs", run=run).words
    assert "Its study" not in visit("jobs", run=forest.id).words


def test_what_further_patients_are_worth_is_one_launch(artifacts: Artifacts, visit: Callable, do: Callable, no_runner: list):
    importing.make_phantom(artifacts, "drawn", PhantomSpec(images=80, patients=28, size=32))
    page = visit("studies")
    page.app.session_state["growth-False"] = True
    next(one for one in page.again().app.number_input if one.label == "Draws").set_value(2)
    page.click("Draw the curve")
    (job,) = store.jobs(artifacts)
    assert no_runner
    do(artifacts, job.paths)
    page = visit("studies")
    assert "Drawn cells: how alike patients are is a dial" in page.words
    assert growth.read(job.paths).verdict() in page.words
    assert len(page.app.get("plotly_chart")) == 1
    assert any(one.label == "Draw the curve anew" for one in page.app.button)
