"""Files of strangers: every one answered or refused, in order, and none harms another."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from allcore.base.errors import BadInput, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import reading, records
from allcore.inference import limits, served, uploads
from allcore.inference.served import ServedModel
from allcore.inference.uploads import Classified, Refused, Upload, classify
from allcore.runs import store


@pytest.fixture(scope="module", params=["random_forest", "proposed_cnn"])
def run(request: pytest.FixtureRequest, finished: Callable[[str], JobPaths]) -> JobPaths:
    return finished(request.param)


@pytest.fixture(scope="module")
def model(run: JobPaths) -> ServedModel:
    return served.load(run)


@pytest.fixture(scope="module")
def cells(tiny_laboratory: Artifacts) -> list[Upload]:
    folder = tiny_laboratory.dataset("tiny")
    return [Upload(image_id, (folder.images / image_id).read_bytes()) for image_id in records.read_records(folder)["image_id"]]


def encoded(image: Image.Image, form: str) -> bytes:
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def shares(found: list[Classified | Refused]) -> np.ndarray:
    return np.array([list(one.probabilities.values()) for one in found])


def test_answers_come_in_order_and_a_bad_file_harms_none(model: ServedModel, cells: list[Upload]):
    bad = {3: b"", 17: b"no picture", 35: cells[0].content[:200]}
    mixed = [Upload(f"bad {place}", bad[place]) if place in bad else cell for place, cell in enumerate(cells)]
    found = classify(model, mixed)
    assert [one.name for one in found] == [one.name for one in mixed]
    assert [place for place, one in enumerate(found) if isinstance(one, Refused)] == list(bad)
    assert found[3].error == "The file is empty. Save the picture again, or choose another."
    assert "not an image" in found[17].error
    assert "cut short" in found[35].error
    alone = classify(model, cells)
    for place, one in enumerate(found):
        if place not in bad:
            np.testing.assert_allclose(shares([one]), shares([alone[place]]), atol=1e-6)


def test_a_file_alone_and_in_a_crowd_gets_the_same_answer(model: ServedModel, cells: list[Upload]):
    crowd = shares(classify(model, cells))
    alone = np.concatenate([shares(classify(model, [cell])) for cell in cells[:20]])
    np.testing.assert_allclose(alone, crowd[:20], atol=1e-6)
    np.testing.assert_allclose(shares(classify(model, cells[::-1])), crowd[::-1], atol=1e-6)


def test_an_answer_is_what_the_run_stored_for_that_image(run: JobPaths, model: ServedModel, cells: list[Upload]):
    stored = store.predictions(run).set_index("image_id")
    asked = [cell for cell in cells if cell.name in stored.index]
    assert len(asked) == len(stored) > 0
    columns = [f"p_{name}" for name in model.card.class_names]
    np.testing.assert_allclose(shares(classify(model, asked)), stored.loc[[cell.name for cell in asked], columns], atol=1e-6)


def test_the_label_is_the_likeliest_class(model: ServedModel, cells: list[Upload]):
    for one in classify(model, cells):
        assert set(one.probabilities) == {"healthy", "leukemia"}
        assert one.label == max(one.probabilities, key=one.probabilities.get)
        assert sum(one.probabilities.values()) == pytest.approx(1, abs=1e-6)


def test_one_cell_in_other_formats_gets_nearly_the_same_answer(model: ServedModel, cells: list[Upload]):
    picture = Image.open(io.BytesIO(cells[0].content)).convert("RGB")
    transparent = picture.copy()
    transparent.putalpha(255)
    same = [encoded(picture, "PNG"), encoded(picture, "BMP"), encoded(picture, "TIFF"), encoded(transparent, "PNG")]
    found = shares(classify(model, [Upload("a", content) for content in same]))
    np.testing.assert_allclose(found, np.repeat(found[:1], len(same), axis=0), atol=1e-6)


def test_no_files_no_answers(model: ServedModel):
    assert classify(model, []) == []


def test_too_many_files_are_refused(model: ServedModel, cells: list[Upload], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "FILES", 5)
    assert len(classify(model, cells[:5])) == 5
    with pytest.raises(BadInput, match="More than 5 files"):
        classify(model, cells[:6])


def test_a_run_that_has_not_finished_can_not_be_asked(artifacts: Artifacts, forest: JobPaths):
    forest.model_card.unlink()
    with pytest.raises(NotFound, match="no model to answer with"):
        served.load(forest)
    with pytest.raises(NotFound, match="no model to answer with"):
        served.load(artifacts.run("none"))


def zipped(*entries: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def test_a_zip_is_its_pictures(cells: list[Upload]):
    packed = zipped(("a/one.png", cells[0].content), ("note.txt", b"no picture"), ("b.png", cells[1].content))
    found = list(uploads.opened(Upload("cells.zip", packed)))
    assert [(one.name, one.content) for one in found] == [("cells.zip/a/one.png", cells[0].content), ("cells.zip/b.png", cells[1].content)]
    assert list(uploads.opened(Upload("hidden", packed))) == [Upload(one.name.replace("cells.zip", "hidden"), one.content) for one in found]
    assert list(uploads.opened(cells[0])) == [cells[0]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped(("../up.png", b"x")), "outside the data set"),
        (zipped(("zeros.bmp", bytes(200_000_000))), "as no pictures do"),
        (zipped(*((f"{number}.png", b"x") for number in range(5001))), "5,001 entries"),
        (zipped(("note.txt", b"x")), "holds no picture"),
        (b"PK\3\4 and no more", "damaged, or no zip"),
    ],
    ids=["leads out", "bomb", "too many", "no picture", "damaged"],
)
def test_a_zip_that_means_harm_is_refused_whole(content: bytes, reason: str):
    (refused,) = uploads.opened(Upload("bad.zip", content))
    assert isinstance(refused, Refused)
    assert reason in refused.error


def test_what_the_time_does_not_allow_is_said(model: ServedModel, cells: list[Upload]):
    seconds = iter([0.0] * 11 + [100.0] * 100)
    found = list(uploads.answered(model, cells[:20], seconds=60, clock=lambda: next(seconds)))
    assert [isinstance(one, Classified) for one in found] == [True] * 10 + [False] * 10
    assert "were over" in found[-1].error


def test_answers_come_while_files_are_still_being_read(model: ServedModel, cells: list[Upload]):
    many, read = cells * 10, []
    found = uploads.answered(model, (read.append(cell.name) or cell for cell in many))
    next(found)
    parts = 1 + reading.cores() * (model.card.model == "proposed_cnn" and reading.cores() > 1)  # only the network is heavy enough
    assert len(read) == parts * uploads.BATCH < len(many)


def test_no_more_is_begun_than_is_asked_for_and_a_part(model: ServedModel, cells: list[Upload], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "HEAVY", 0)
    monkeypatch.setattr(reading, "cores", lambda: 2)
    begun, before = [], threading.active_count()
    judged = uploads._looked_and_judged
    monkeypatch.setattr(uploads, "_looked_and_judged", lambda *given: begun.append(1) or judged(*given))
    found = uploads.answered(model, cells * 20)
    next(found)
    found.close()
    assert len(begun) <= 3 < len(cells) * 20 / uploads.BATCH
    assert threading.active_count() == before


def test_a_model_of_another_version_still_answers(model: ServedModel, cells: list[Upload], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(model, "card", replace(model.card, model="of-another-version"))
    assert len(classify(model, cells[:3])) == 3


def test_parts_judged_side_by_side_give_the_same_answers_in_order(model: ServedModel, cells: list[Upload], monkeypatch: pytest.MonkeyPatch):
    many = [Upload(f"{number}", b"" if number % 37 == 5 else cells[number % len(cells)].content) for number in range(150)]
    found = []
    for cores in (1, 3):
        monkeypatch.setattr(reading, "cores", lambda cores=cores: cores)
        found.append(list(uploads.answered(model, many)))
    assert [one.name for one in found[1]] == [one.name for one in many]
    for one, other in zip(*found, strict=True):
        assert type(one) is type(other)
        if isinstance(one, Classified):
            assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)
