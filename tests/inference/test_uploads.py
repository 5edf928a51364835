"""Files of strangers: every one answered or refused, in order, and none harms another."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from allcore.base.errors import BadInput, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import records
from allcore.inference import served, uploads
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
    monkeypatch.setattr(uploads, "MOST_FILES", 5)
    assert len(classify(model, cells[:5])) == 5
    with pytest.raises(BadInput, match="More than 5 files"):
        classify(model, cells[:6])


def test_a_run_that_has_not_finished_can_not_be_asked(artifacts: Artifacts, forest: JobPaths):
    forest.model_card.unlink()
    with pytest.raises(NotFound, match="no model to answer with"):
        served.load(forest)
    with pytest.raises(NotFound, match="no model to answer with"):
        served.load(artifacts.run("none"))
