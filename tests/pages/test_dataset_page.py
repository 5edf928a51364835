from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from allcore.base import fileio
from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import records
from allcore.runs import attempt as attempts
from allcore.runs import spec, status, store


def second(artifacts: Artifacts, data: str, name: str) -> None:
    """The same data set under another name."""
    shutil.copytree(artifacts.dataset(data).folder, artifacts.dataset(name).folder)
    fileio.write_json(artifacts.dataset(name).card, {**fileio.read_json(artifacts.dataset(data).card), "id": name})


def failed_import(artifacts: Artifacts, reason: str) -> None:
    paths = spec.written(artifacts, spec.IMPORT, {"name": "mine", "source": "/nowhere", "layout": "auto"}, name="import-mine")
    begun = status.change(paths, status.STARTING)
    with attempts.held(artifacts, paths, begun.attempt) as attempt:
        attempt.become(status.RUNNING)
        attempt.become(status.FAILED, reason)


def test_an_empty_laboratory_offers_cells(artifacts: Artifacts, visit: Callable):
    page = visit("dataset")
    assert "There is no data set yet." in page.words
    page.click("Draw the demo cells")
    assert store.active(artifacts)[0].spec.params["name"] == "demo"
    assert "Data set demo: Waiting for its turn" in page.words
    assert "There is no data set yet." not in page.words


def test_it_tells_counts_and_findings(tiny: str, visit: Callable):
    page = visit("dataset")
    assert "12 patients" in page.words.replace("**", "")
    assert "drawn cells" in page.words
    assert "splits by patient are possible" in page.words
    assert "A constant answer of 'leukemia' would be right for" in page.words
    assert "48 cells" in page.words


def test_a_filter_leaves_what_fits(tiny: str, visit: Callable):
    page = visit("dataset")
    count = records.read_card(Artifacts.locate().dataset(tiny)).classes["healthy"]
    page.app.selectbox(key="class").set_value("healthy")
    assert f"{count} cells" in page.again().words
    page.app.selectbox(key="patient").set_value(page.app.selectbox(key="patient").options[-1])
    assert "cell" in page.again().words


def test_the_certificate_of_a_split_can_be_read_aloud(tiny: str, visit: Callable):
    page = visit("dataset", view="Splits")
    assert "No patient stands on both sides" in page.words
    page.app.button_group(key="split").set_value("image")
    assert "Cells of the same patient stand on both sides" in page.again().words


def test_a_split_that_cannot_be_says_why(tiny: str, visit: Callable):
    page = visit("dataset", view="Splits")
    page.app.button_group(key="split").set_value("official")
    page.again()
    assert "has no official split" in page.errors[0]


def test_where_patients_are_unknown_it_says_so(blood: JobPaths, visit: Callable):
    page = visit("dataset")
    assert "patients unknown" in page.words
    assert "The patients are unknown" in page.words
    assert "Patient" not in [box.label for box in page.app.selectbox]


def test_deleting_a_data_set_forgets_it_alone(tiny: str, artifacts: Artifacts, visit: Callable):
    second(artifacts, tiny, "other")
    page = visit("dataset", data="other", view="Manage", run="some-run")
    page.app.checkbox(key="sure-other").check()
    page.again().click("Delete this data set")
    with pytest.raises(NotFound):
        records.read_card(artifacts.dataset("other"))
    assert page.asked("data") == tiny
    assert page.asked("run") == "some-run"


def test_an_address_shows_the_same_data_set(tiny: str, artifacts: Artifacts, visit: Callable):
    second(artifacts, tiny, "other")
    page = visit("dataset", data="other")
    assert page.app.selectbox[0].value == "other"
    assert visit("dataset", data="gone").app.selectbox[0].value in ("other", tiny)


def test_a_failed_import_is_told_and_put_away(artifacts: Artifacts, visit: Callable):
    failed_import(artifacts, "There is no image below /some_where/*.")
    page = visit("dataset")
    assert "Data set mine could not be made. There is no image below /some_where/*." in page.words
    page.click("Understood")
    assert not page.errors
    assert store.jobs(artifacts) == []


@pytest.fixture
def dialog(artifacts: Artifacts, read: Callable):
    """The dialog alone: a page's tests draw the whole page anew at each click, and so close it."""

    def script() -> None:
        from pages.ui import adding, cached

        adding.dialog(cached.artifacts())

    return read(AppTest.from_function(script, default_timeout=120))


def test_a_new_data_set_needs_a_name_and_a_folder(dialog, artifacts: Artifacts):
    dialog.click("Import")
    assert "No folder is named." in dialog.words
    dialog.app.text_input[1].set_value("/no/such_folder")
    dialog.again().click("Import")
    assert "The data set has no name." in dialog.words
    dialog.app.text_input[0].set_value("My Data")
    dialog.again().click("Import")
    assert "'My Data' can't be a data set's name." in dialog.words
    dialog.app.text_input[0].set_value("mine")
    dialog.again().click("Import")
    assert "There is no folder /no/such_folder." in dialog.words
    assert store.jobs(artifacts) == []


def test_drawn_cells_are_queued_as_asked(dialog, artifacts: Artifacts, no_runner: list):
    dialog.app.button_group[0].set_value("Drawn cells")
    dialog.again()
    dialog.app.text_input[0].set_value("drawn")
    fields = {one.label: one for one in dialog.app.number_input}
    fields["Images"].set_value(10)
    dialog.again().click("Draw")
    assert "more than its 10 'images'" in dialog.words
    assert store.jobs(artifacts) == []
    fields = {one.label: one for one in dialog.app.number_input}
    fields["Patients"].set_value(5)
    dialog.again().click("Draw")
    (job,) = store.active(artifacts)
    assert job.spec.params["name"] == "drawn"
    assert (job.spec.params["phantom"]["images"], job.spec.params["phantom"]["patients"]) == (10, 5)
    assert no_runner
