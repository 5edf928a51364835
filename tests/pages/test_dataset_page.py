from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from allcore.base import fileio
from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import looks, records, splits
from allcore.data.splits import SplitSpec
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


def field(dialog, label: str):
    (found,) = [one for one in dialog.app.text_input if one.label == label]
    return found


@pytest.fixture
def open_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder that may be imported from."""
    house = tmp_path / "open"
    house.mkdir()
    monkeypatch.setenv("ALLCORE_IMPORT_ROOTS", str(house))
    return house


def test_a_new_data_set_needs_a_name_and_a_folder(open_house: Path, dialog, artifacts: Artifacts):
    dialog.click("Import")
    assert "No folder is named." in dialog.words
    field(dialog, "Folder or file").set_value(f"{open_house}/not_here")
    dialog.again().click("Import")
    assert "The data set has no name." in dialog.words
    field(dialog, "Name").set_value("My Data")
    dialog.again().click("Import")
    assert "'My Data' can't be a data set's name." in dialog.words
    field(dialog, "Name").set_value("mine")
    dialog.again().click("Import")
    assert f"There is no folder or file {open_house}/not_here." in dialog.words
    for outside in ("/no/such_folder", f"{open_house}/../elsewhere"):
        field(dialog, "Folder or file").set_value(outside)
        dialog.again().click("Import")
        assert f"{outside} lies outside the folders that may be imported from here." in dialog.words
    assert store.jobs(artifacts) == []


def test_a_folder_is_queued_with_what_is_said_of_it(open_house: Path, dialog, artifacts: Artifacts, no_runner: list):
    field(dialog, "Name").set_value("mine")
    field(dialog, "Folder or file").set_value(str(open_house))
    field(dialog, "Patient pattern").set_value("(?P<person>P[0-9]+)")
    dialog.again().click("Import")
    assert "The patient pattern has no group named 'patient'." in dialog.words
    field(dialog, "Patient pattern").set_value("(?P<patient>P[0-9]+)")
    field(dialog, "Columns of a table").set_value("label")
    dialog.again().click("Import")
    assert "'label' maps no column." in dialog.words
    field(dialog, "Columns of a table").set_value("label=diagnosis, path = file")
    dialog.again().click("Import")
    (job,) = store.active(artifacts)
    assert job.spec.params["options"]["columns"] == {"label": "diagnosis", "path": "file"}
    assert job.spec.params["options"]["patient_pattern"] == "(?P<patient>P[0-9]+)"
    assert no_runner


def test_a_zip_that_is_sent_is_kept_for_its_job_under_a_name_of_ours(dialog, artifacts: Artifacts, no_runner: list, do):
    dialog.app.button_group[0].set_value("Upload a zip")
    dialog.again()
    field(dialog, "Name").set_value("sent")
    dialog.again().click("Import")
    assert "No file was sent." in dialog.words
    dialog.app.file_uploader[0].set_value([("bad.zip", b"no zip", "application/zip")])
    dialog.again().click("Import")
    assert "is damaged, or no zip." in dialog.words
    assert store.jobs(artifacts) == []
    dialog.app.file_uploader[0].set_value([("My Cells.zip", zipped_classes(), "application/zip")])
    dialog.again().click("Import")
    (job,) = store.active(artifacts)
    assert [path.name for path in job.paths.upload.iterdir()] == ["my_cells.zip"]
    assert do(artifacts, job.paths) == 0
    card = records.read_card(artifacts.dataset("sent"))
    assert (card.images, card.packed["name"]) == (4, "My Cells.zip")
    assert not job.paths.upload.exists()


def zipped_classes() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in ("ill/1.png", "ill/2.png", "well/1.png", "well/2.png"):
            picture = io.BytesIO()
            Image.new("RGB", (20, 20)).save(picture, "png")
            archive.writestr(name, picture.getvalue())
    return content.getvalue()


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


def test_further_filters_leave_what_fits(tiny: str, artifacts: Artifacts, visit: Callable):
    table = records.read_records(artifacts.dataset(tiny))
    page = visit("dataset")
    page.app.selectbox(key="part").set_value("fold 1")
    assert f"{(table['fold'] == 1).sum()} cells" in page.again().words
    page.app.selectbox(key="part").set_value("any")
    page.app.selectbox(key="side").set_value("test")
    tested = splits.of_dataset(artifacts.dataset(tiny), SplitSpec("patient")).certificate.sides["test"].images
    assert f"{tested} cells" in page.again().words
    page.app.selectbox(key="side").set_value("any")
    page.app.slider(key="area").set_value((0, 1))
    assert "No cell fits these filters." in page.again().words


def test_one_cell_large_tells_all_that_is_known(tiny: str, artifacts: Artifacts, visit: Callable):
    table = records.read_records(artifacts.dataset(tiny))
    page = visit("dataset", order="as stored").click("All about it")
    facts = page.table("Facts about this cell").set_index("what")["value"]
    first = table.iloc[0]
    assert facts["class"] == first["label"]
    assert first["image_id"] in page.words
    assert facts["patient"] == f"{first['subject']} ({(table['subject'] == first['subject']).sum()} cells)"
    assert facts["side, split by patient"] in splits.SIDES
    assert len(page.table("Colours and shape")) == len(looks.MEASURES)


def test_the_map_shows_what_was_picked(tiny: str, artifacts: Artifacts, visit: Callable):
    page = visit("dataset", view="Map")
    assert "Draw a loop or a box" in page.words
    page.app.session_state[f"kept-picked-{tiny}"] = (0, 1, 47)
    assert "3 cells picked: 2 healthy, 1 leukemia, of 2 patients" in page.again().words.replace("**", "")
    page = visit("dataset")
    page.app.session_state[f"kept-picked-{tiny}"] = (0, 1, 47)
    page.again()
    page.app.checkbox(key="on-map").check()
    assert "3 cells." in page.again().words


def test_a_map_of_neighbours_is_asked_for_and_shown(tiny: str, artifacts: Artifacts, visit: Callable, no_runner: list, do: Callable):
    page = visit("dataset", view="Map", map="neighbourhoods")
    page.click("Lay out the map")
    (job,) = store.active(artifacts)
    assert (job.spec.kind, job.spec.params["name"]) == ("map", tiny)
    assert no_runner
    assert "The map of tiny" in page.words
    do(artifacts, job.paths)
    assert store.read(job.paths).state == "done"
    assert "distances between groups, and their sizes, mean nothing" in visit("dataset", view="Map", map="neighbourhoods").words


def test_colour_and_shape_by_class(tiny: str, visit: Callable):
    page = visit("dataset", view="Colour and shape")
    assert "standard deviation of brightness at each pixel" in page.words
    page.app.selectbox(key="measure").set_value("roundness")
    page.again()


def test_two_filters_side_by_side(tiny: str, artifacts: Artifacts, visit: Callable):
    classes = records.read_card(artifacts.dataset(tiny)).classes
    page = visit("dataset", view="Compare")
    assert [page.app.selectbox(key=f"class-{name}").value for name in "AB"] == ["healthy", "leukemia"]
    assert all(f"{count} cells" in page.words for count in classes.values())
    page.app.selectbox(key="class-A").set_value("all classes")
    assert "48 cells" in page.again().words


def test_a_fold_has_its_certificate(tiny: str, artifacts: Artifacts, visit: Callable):
    page = visit("dataset", view="Splits")
    page.app.button_group(key="split-how").set_value("folds")
    page.again()
    page.app.number_input(key="split-folds").set_value(3)
    page.again()
    page.app.number_input(key="split-fold").set_value(2)
    assert "tests on fold 2 of 0 to 2" in page.again().words
    certificate = splits.of_dataset(artifacts.dataset(tiny), SplitSpec("patient", folds=3, fold=2)).certificate
    table = page.table("Images and patients of each side").set_index("side")
    assert table["images"].to_dict() == {name: side.images for name, side in certificate.sides.items()}
    assert table["patients"].to_dict() == {name: side.subjects for name, side in certificate.sides.items()}
    assert f"Hash {certificate.hash[:12]}" in page.words


def test_a_data_set_without_patients_can_be_explored(blood: JobPaths, visit: Callable):
    for view in ("Map", "Colour and shape", "Compare", "Splits"):
        assert not visit("dataset", view=view).errors
    assert "nobody has looked for near duplicates" in visit("dataset", view="Splits").words
