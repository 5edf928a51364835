from __future__ import annotations

from collections.abc import Callable

from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing
from allcore.data.phantom import PhantomSpec
from allcore.runs import spec, store


def test_without_other_data_it_says_what_is_missing(forest: JobPaths, visit: Callable):
    assert "There is no other data set yet" in visit("results", details="Beyond").words


def test_from_the_button_to_the_other_laboratory(artifacts: Artifacts, forest: JobPaths, visit: Callable, do: Callable, no_runner: list):
    importing.make_phantom(artifacts, "elsewhere", PhantomSpec(images=40, patients=20, size=32, difficulty=0.0, seed=5))
    page = visit("results", details="Beyond").click("Judge it there")
    (job,) = [one for one in store.jobs(artifacts) if one.spec.kind == spec.EVALUATE]
    assert no_runner
    assert "Cancel" in page.words
    do(artifacts, job.paths)
    page = visit("results", details="Beyond")
    assert "Both data sets are drawn" in " ".join(one.value for one in page.app.warning)
    assert "Balanced accuracy is" in page.words
    assert page.table("Figures on the run's own test side")["figure"][0] == "balanced accuracy"
    assert len(page.app.get("plotly_chart")) == 5  # ROC and matrix above, three here
    jobs = visit("jobs", run=job.id)
    assert f"Judging on other data: {forest.id} on elsewhere" in jobs.words
    assert "See what was found" in jobs.words


def test_from_the_button_to_the_curves(artifacts: Artifacts, forest: JobPaths, visit: Callable, do: Callable):
    page = visit("results", details="Beyond")
    page.app.segmented_control(key="beyond").set_value("Disturbed pictures")
    page.again().click("Disturb its test images")
    (job,) = [one for one in store.jobs(artifacts) if one.spec.kind == spec.ROBUSTNESS]
    do(artifacts, job.paths)
    page = visit("results", details="Beyond")
    page.app.segmented_control(key="beyond").set_value("Disturbed pictures")
    page.again()
    assert "Balanced accuracy as the images are" in page.words
    assert "Drawn cells: this says nothing about real ones." in page.words
    assert len(page.app.get("plotly_chart")) == 7  # ROC and matrix above, five here
    assert "Disturbing test images" in visit("jobs", run=job.id).words
