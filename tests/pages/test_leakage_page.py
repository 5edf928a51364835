from __future__ import annotations

import re
from collections.abc import Callable

from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing
from allcore.data.phantom import PhantomSpec
from allcore.runs import spec, store


def test_an_empty_laboratory_leads_to_the_data(artifacts: Artifacts, visit: Callable):
    assert visit("leakage").click("Add a data set").app.title[0].value == "Dataset"


def test_unknown_patients_are_said(blood: JobPaths, visit: Callable):
    assert "leakage can't be measured, and can't be ruled out" in visit("leakage").words


def test_a_network_is_asked_for_with_the_time_it_takes(artifacts: Artifacts, visit: Callable, no_runner: list):
    importing.make_phantom(artifacts, "drawn", PhantomSpec(images=120, patients=24, size=32))
    page = visit("leakage")
    assert re.search(r"About \d+ s on this machine", page.words)
    page.app.selectbox[-1].select("allnet").run()
    assert re.search(r"About [\d.]+ (s|min|h) on this machine", page.words)
    page.click("Run this pair")
    (job,) = store.jobs(artifacts)
    assert (job.spec.kind, job.spec.params["model"]) == (spec.LEAKAGE_NETWORK, "allnet")


def test_from_the_button_to_the_gap(artifacts: Artifacts, visit: Callable, do: Callable, no_runner: list):
    importing.make_phantom(artifacts, "drawn", PhantomSpec(images=120, patients=24, habits=1.0, size=32))
    page = visit("leakage").click("Run this pair")
    (job,) = store.jobs(artifacts)
    assert no_runner
    assert len(page.app.get("progress")) == 1
    do(artifacts, job.paths)
    page = visit("leakage")
    assert "the patients' habits are a dial, at 1. This gap is the dial's, and no evidence." in page.words
    assert len(page.app.get("plotly_chart")) == 1
    assert "Training knew other cells of them" in page.words
