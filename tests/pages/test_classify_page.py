from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from starlette.formparsers import MultiPartParser

from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing
from allcore.inference import answers, limits, sentence, served, uploads
from allcore.inference.uploads import Upload


def send(page, files):
    page.app.file_uploader(key="uploads").set_value(files)
    return page.again()


def test_an_empty_laboratory_leads_to_the_lesson(artifacts: Artifacts, visit: Callable):
    page = visit("classify")
    assert "there is none yet" in page.words
    assert page.click("Train one in the first lesson").app.title[0].value == "The first lesson"


def test_an_example_gets_an_answer(forest: JobPaths, visit: Callable):
    page = visit("classify")
    assert "For teaching and research, not for diagnosis." in page.words
    page.click("Cell 1")
    assert re.search(r"This model calls the cell (healthy|leukemic), [a-z ]+: [\d.<>]+ %\.", page.words)
    assert "Trained on drawn cells" in page.words


def test_one_picture_gets_the_answer_that_the_model_gives(forest: JobPaths, artifacts: Artifacts, visit: Callable, proper: Callable):
    sent = proper(forest)
    page = send(visit("classify"), [sent])
    adviser = answers.adviser(artifacts, forest)
    (answer,) = uploads.classify(served.load(forest), [Upload(sent[0], sent[1])], adviser=adviser)
    assert sentence.headline(adviser, answer) in page.words
    assert f"This model calls the cell {sentence.word(answer.label)}" in page.words
    assert sent[0] in page.words
    assert "nearest training cells" in page.words


def test_what_is_unlike_all_training_cells_is_not_judged_until_somebody_insists(forest: JobPaths, visit: Callable, pictures: Callable):
    page = send(visit("classify"), pictures(1))
    assert sentence.CANNOT in page.words
    assert "This model calls the cell" not in page.words
    charts = len(page.app.get("plotly_chart"))
    (anyway,) = [one for one in page.app.toggle if one.key.startswith("answer-anyway")]
    anyway.set_value(True)
    assert len(page.again().app.get("plotly_chart")) == charts + 1
    # Who insists on one picture has not insisted on the next.
    assert len(send(page, pictures(2)[1:]).app.get("plotly_chart")) == charts


def test_what_it_looked_at_is_shown_checked_or_withheld_with_the_reason(forest: JobPaths, visit: Callable, proper: Callable):
    page = send(visit("classify"), [proper(forest)])
    charts = len(page.app.get("plotly_chart"))
    page.app.toggle(key="heat-answer").set_value(True)
    page.again()
    withheld = [one.value for one in page.app.info if "No heat map is shown" in one.value]
    assert len(page.app.get("plotly_chart")) == charts + (not withheld)
    assert withheld or "Bright: covered here, the model is less sure of" in page.words
    assert withheld or "rank correlation" in page.words


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "The file is empty."), (b"no picture", "This is not an image that can be read here.")]
)
def test_a_file_that_is_no_picture_is_refused_in_plain_words(forest: JobPaths, visit: Callable, content: bytes, reason: str):
    page = send(visit("classify"), [("![a](http://b/c.png).png", content, "image/png")])
    assert reason in page.words
    assert "](http" not in page.errors[0]


def test_many_files_stand_in_a_table_the_bad_ones_too(forest: JobPaths, visit: Callable, pictures: Callable, proper: Callable):
    sent = [proper(forest), *pictures(4, {"empty.png": b"", "text.png": b"no picture"})]
    page = send(visit("classify"), sent)
    assert "4 not judged" in page.words
    assert "7 files: " in page.words
    assert "2 could not be read" in page.words
    table = page.table("Answers for 7 files")
    assert table["file"].tolist() == [name for name, _, _ in sent]
    assert table["answer"].iloc[0] in ("healthy", "leukemia")
    assert table["answer"].tolist()[1:] == ["not judged"] * 4 + [""] * 2
    assert table["note"].iloc[0] == ""
    assert (table["note"].iloc[1:] != "").all()
    shares = table[["p(healthy)", "p(leukemia)"]].to_numpy(float)
    np.testing.assert_allclose(shares[:1].sum(axis=1), 1, atol=1e-6)
    assert np.isnan(shares[1:]).all()
    assert "Table as CSV" in page.words


def test_what_calls_are_worth_is_told_of_one_picture_and_of_many(forest: JobPaths, visit: Callable, pictures: Callable, proper: Callable):
    def says(page, percent: float) -> str:
        (asked,) = [one for one in page.app.number_input if one.label.startswith("Cells that are leukemic where yours come from")]
        asked.set_value(percent)
        return re.search(r"Where [\d.]+ % of cells are leukemic: .*", page.again().words).group()

    one = send(visit("classify"), [proper(forest)])
    seldom, often = says(one, 1.0), says(one, 50.0)
    assert seldom.startswith("Where 1 % of cells are leukemic: of those called leukemic, ")
    assert "(PPV)" in seldom
    assert "(NPV)" in seldom
    assert seldom != often
    many = send(visit("classify"), [proper(forest), *pictures(2)])
    assert says(many, 50.0) == often


def test_a_batch_can_be_said_to_show_one_kind(forest: JobPaths, visit: Callable, pictures: Callable):
    page = send(visit("classify"), pictures(3))
    refusal = "No white cell was found in it. Send the cell cut out"
    assert not page.table("Answers for 3")["note"].str.startswith(refusal).any()
    page.app.selectbox(key="batch-kind").set_value("stained")
    assert page.again().table("Answers for 3")["note"].str.startswith(refusal).any()


def test_more_than_fits_in_memory_is_refused(forest: JobPaths, visit: Callable, pictures: Callable, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "TOGETHER_BYTES", 1000)
    assert "All files together have" in send(visit("classify"), pictures(3)).words


def test_what_a_camera_wrote_into_a_file_goes_no_further(forest: JobPaths, visit: Callable):
    taken, exif = io.BytesIO(), Image.Exif()
    exif[0x010F] = "Maker of cameras"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    Image.fromarray(np.random.default_rng(0).integers(0, 200, (64, 64, 3), dtype=np.uint8)).save(
        taken, "JPEG", exif=exif, comment=b"Ward 7"
    )
    assert b"Maker of cameras" in taken.getvalue()
    page = send(visit("classify"), [("a.jpg", taken.getvalue(), "image/jpeg"), ("b.jpg", taken.getvalue(), "image/jpeg")])
    for picture in page.table("Answers for 2 files")["picture"]:
        content = base64.b64decode(picture.partition(",")[2])
        assert not Image.open(io.BytesIO(content)).getexif()
        assert b"Maker of cameras" not in content
        assert b"Ward 7" not in content


def test_what_is_sent_stays_in_memory(forest: JobPaths, visit: Callable, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(MultiPartParser, "spool_max_size", 1024 * 1024)
    visit("classify")
    assert MultiPartParser.spool_max_size > limits.FILE_BYTES


def test_too_many_are_refused_before_the_first_is_judged(
    forest: JobPaths, visit: Callable, pictures: Callable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "FILES", 2)
    page = send(visit("classify"), pictures(3))
    assert "3 pictures are more than the 2 that can be judged at once" in page.words
    assert "Table as CSV" not in page.words


def test_other_models_say_whether_they_judge_it_and_what_they_learned_from(
    forest: JobPaths, artifacts: Artifacts, visit: Callable, proper: Callable, pictures: Callable, copy_of: Callable
):
    other = copy_of(forest, artifacts, 1)
    page = send(visit("classify", run=forest.id), [proper(forest)])
    page.app.multiselect(key="answer-others").set_value([other.id])
    said = page.again().table("Several models on this picture")
    assert said["answer"].tolist()[0] in ("healthy", "leukemia")
    assert said["trained on"].tolist() == ["drawn cells"] * 2
    assert re.search(r"(All 2 models say|Of 2 models|can't judge it)", page.words)
    said = send(page, pictures(1)).table("Several models on this picture")
    assert said["answer"].tolist() == ["not judged"] * 2
    assert said["set"].tolist() == ["–"] * 2


def test_an_example_of_real_cells_gets_an_answer_too(blood: JobPaths, visit: Callable):
    page = visit("classify", run=blood.id)
    assert "Field" not in [one.label for one in page.app.button]  # drawn fields are for models of drawn cells
    page.click("Cell 1")
    assert re.search(r"calls the cell (basophil|eosinophil|monocyte)|I cannot judge this image", page.words)


def test_three_classes(blood: JobPaths, visit: Callable, proper: Callable):
    page = send(visit("classify"), [proper(blood)])
    assert re.search(r"calls the cell (basophil|eosinophil|monocyte)", page.words)
    assert "drawn cells" not in page.words


def test_the_address_names_the_model(forest: JobPaths, blood: JobPaths, visit: Callable):
    assert visit("classify", run=blood.id).app.selectbox[0].value == blood.id
    assert visit("classify").app.selectbox[0].value == forest.id  # the one tested on unseen patients


def test_a_model_outlives_its_data_set(forest: JobPaths, artifacts: Artifacts, visit: Callable, proper: Callable):
    sent = proper(forest)
    importing.delete(artifacts, "tiny")
    page = visit("classify")
    assert "Or try a cell" not in page.words
    assert "This model calls the cell" in send(page, [sent]).words


def test_forty_models_can_be_told_apart(many: Artifacts, visit: Callable):
    options = visit("classify").app.selectbox[0].options
    assert len(set(options)) == 40


def test_a_zip_is_a_batch_that_can_be_filtered(forest: JobPaths, visit: Callable, pictures: Callable):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content, _ in pictures(4, {"text.png": b"no picture"}):
            archive.writestr(name, content)
    page = send(visit("classify"), [("cells.zip", packed.getvalue(), "application/zip")])
    assert "5 files: " in page.words
    assert page.table("Answers for 5 files")["file"].str.startswith("cells.zip/").all()
    page.app.button_group(key="batch-filter").set_value("could not be read")
    assert page.again().table("Answers for 1 files")["note"].tolist() == [
        "This is not an image that can be read here. Use PNG, JPEG, BMP, TIFF or WebP."
    ]
