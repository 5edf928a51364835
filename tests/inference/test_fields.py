from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing, phantom, smears
from allcore.data.phantom import PhantomSpec
from allcore.data.smears import Smear, SmearSpec
from allcore.inference import answers, cutting, fields, kinds, placing, served, uploads
from allcore.inference.fields import Field
from allcore.inference.uploads import Refused, Upload


@lru_cache
def smear(**options: int) -> Smear:
    return smears.draw_field(SmearSpec(**options))


def found(**options: int) -> tuple[Smear, Field]:
    drawn = smear(**options)
    return drawn, fields.search(drawn.pixels)


def whole(field: Field, number: int) -> np.ndarray:
    mask = np.zeros((field.height, field.width), bool)
    left, top, right, bottom = field.cell(number).box
    mask[top:bottom, left:right] = field.cell(number).outline.mask
    return mask


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return (one & other).sum() / (one | other).sum()


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


BLANK = png(smear(seed=0, white=0).pixels)


@pytest.mark.parametrize(("seed", "white", "radius"), [(1, 3, 30), (2, 6, 22), (5, 1, 40)])
def test_drawn_white_cells_are_counted_and_outlined(seed: int, white: int, radius: int):
    drawn, field = found(seed=seed, white=white, radius=radius)
    assert len(field.cells) == len(drawn.masks) == white
    assert field.red_radius == pytest.approx(radius, rel=0.25)
    for mask in drawn.masks:
        best = max(field.cells, key=lambda cell: overlap(mask, whole(field, cell.number)))
        assert overlap(mask, whole(field, best.number)) > 0.85
        left, top, right, bottom = best.box
        line = best.polygon()
        assert line.min(axis=0) == pytest.approx((left, top), abs=1)
        assert line.max(axis=0) == pytest.approx((right, bottom), abs=1)


@pytest.mark.parametrize("seed", range(3))
def test_red_cells_and_platelets_alone_give_none(seed: int):
    assert found(seed=seed, white=0, red=50, platelets=12)[1].cells == ()


@pytest.mark.parametrize("pixels", [np.zeros((90, 120, 3), np.uint8), np.full((90, 120, 3), 200, np.uint8)])
def test_a_single_colour_holds_no_cell(pixels: np.ndarray):
    assert fields.search(pixels).cells == ()


def test_a_large_picture_is_searched_small_and_outlined_at_its_own_size():
    drawn = smear(seed=1)
    twice = np.kron(drawn.pixels, np.ones((3, 3, 1), np.uint8))
    field = fields.search(twice)
    assert len(field.cells) == 3
    best = max(overlap(np.kron(drawn.masks[0], np.ones((3, 3), bool)), whole(field, cell.number)) for cell in field.cells)
    assert best > 0.85


def test_a_cell_cut_by_the_border_says_so():
    drawn, field = found(seed=1)
    left, _, right, _ = field.cell(1).box
    cut = fields.search(np.ascontiguousarray(drawn.pixels[:, (left + right) // 2 :]))
    assert not any(cell.at_border for cell in field.cells)
    assert any(cell.at_border for cell in cut.cells)


def test_a_cell_is_deleted_and_added_again_by_a_box_or_a_click():
    drawn, field = found(seed=1)
    left, top, right, bottom = field.cell(2).box
    less = fields.without(field, 2)
    assert [cell.number for cell in less.cells] == [1, 3]
    boxed = fields.with_box(less, drawn.pixels, (left - 9, top - 9, right + 9, bottom + 9))
    clicked = fields.with_click(less, drawn.pixels, (left + right) / 2, (top + bottom) / 2)
    for again in (boxed, clicked):
        assert [cell.number for cell in again.cells] == [1, 3, 4]
        assert again.cell(4).by_hand
        assert overlap(whole(again, 4), whole(field, 2)) > 0.9
    assert fields.at(field, (left + right) / 2, (top + bottom) / 2) is field.cell(2)
    assert fields.at(less, (left + right) / 2, (top + bottom) / 2) is None


def test_what_holds_no_cell_is_not_added():
    drawn, field = found(seed=1)
    empty = smear(seed=0, white=0)
    with pytest.raises(BadInput, match="stained as a white cell"):
        fields.with_box(fields.search(empty.pixels), empty.pixels, (100, 100, 260, 260))
    with pytest.raises(BadInput, match="stained as a white cell"):  # it is there already
        fields.with_box(field, drawn.pixels, field.cell(1).box)
    with pytest.raises(BadInput, match="too small"):
        fields.with_box(field, drawn.pixels, (-50, -50, -10, -10))
    with pytest.raises(BadInput, match="no cell 9"):
        fields.without(field, 9)


def test_kinds_are_told_apart():
    cell = phantom.draw(PhantomSpec(images=8, patients=4, size=200), 0)
    drawn, field = found(seed=5, white=1, radius=40)
    left, top, right, bottom = field.cell(1).box
    crop = drawn.pixels[max(0, top - 40) : bottom + 40, max(0, left - 40) : right + 40]
    seen = [kinds.of(picture).kind for picture in (cell, crop, smear(seed=1).pixels, smear(seed=0, white=0).pixels)]
    assert seen == [kinds.CELL, kinds.STAINED, kinds.FIELD, kinds.FIELD]
    down, across = np.mgrid[:480, :640]
    round_view = smear(seed=1).pixels * (np.hypot(across - 320, down - 240) < 235)[..., None].astype(np.uint8)
    assert kinds.of(round_view).kind == kinds.FIELD  # what a microscope's eyepiece shows is black around as well


def test_a_cell_is_placed_alone_on_black_in_its_middle_and_to_scale():
    drawn, field = found(seed=1)
    placed = placing.placed(drawn.pixels, field, field.cell(1))
    side = len(placed.pixels)
    assert side == pytest.approx(placing.FRAME_IN_RED_CELLS * 2 * field.red_radius, abs=1)
    lit = placed.pixels.max(axis=2) > 0
    assert lit.sum() == pytest.approx(field.cell(1).area, rel=0.01)
    assert np.argwhere(lit).mean(axis=0) == pytest.approx((side / 2, side / 2), abs=1.5)
    around = placing.placed(drawn.pixels, field, field.cell(1), ground=placing.PHOTOGRAPHED)
    assert (around.pixels.max(axis=2) > 0).mean() > 0.9


def test_each_cell_of_a_field_gets_an_answer_or_a_doubt(artifacts: Artifacts, forest: JobPaths):
    model, adviser = served.load(forest), answers.adviser(artifacts, forest)
    assert adviser.ground == placing.BLACK
    cell = Upload("cell.png", png(phantom.draw(PhantomSpec(images=8, patients=4, size=120), 0)))
    drawn = smear(seed=1)
    sent = [cell, Upload("field.png", png(drawn.pixels)), Upload("bad.png", b"no"), Refused("gone", "Gone."), Upload("x.png", BLANK), cell]
    one, field, bad, gone, blank, again = uploads.classify(model, sent, adviser=adviser)
    assert (one.kind, one.cut, again) == (kinds.CELL, None, one)
    assert isinstance(bad, Refused)
    assert gone == sent[3]
    assert (blank.cells, blank.field.cells) == ((), ())
    assert [answer.cut.cell.number for answer in field.cells] == [1, 2, 3]
    for answer in field.cells:
        # As the same cell sent by itself, cut out by the truth: what is shown to the model is that cell, and nothing else.
        content = cutting.file_of(drawn.pixels, field.field, answer.cut.cell, ground=adviser.ground)
        (alone,) = uploads.classify(model, [Upload("alone.png", content)], adviser=adviser)
        assert (alone.probabilities, alone.judged, alone.reasons) == (answer.probabilities, answer.judged, answer.reasons)
    told = uploads.document(adviser, [one, field, bad, blank])
    assert [result["kind"] for result in told["results"]] == [kinds.CELL, kinds.FIELD, kinds.FIELD]
    first = told["results"][1]["cells"][0]
    assert {"number", "box", "label", "probabilities", "judged", "reasons"} <= set(first)
    assert first["box"] == list(field.field.cell(1).box)


def test_what_a_person_says_a_picture_is_holds(forest: JobPaths, artifacts: Artifacts):
    model, adviser = served.load(forest), answers.adviser(artifacts, forest)
    drawn = Upload("field.png", png(smear(seed=1).pixels))
    (whole,), (single,), (field,) = (uploads.classify(model, [drawn], adviser=adviser, kind=kind) for kind in kinds.KINDS)
    assert (whole.kind, whole.cut) == (kinds.CELL, None)
    assert single.cut.cell.number == 1
    assert single.to_dict()["box"] in [list(cell.box) for cell in field.field.cells]
    (refused,) = uploads.classify(model, [Upload("x.png", BLANK)], adviser=adviser, kind=kinds.STAINED)
    assert "No white cell" in refused.error
    less = uploads.recounted(model, "field.png", smear(seed=1).pixels, fields.without(field.field, 2), adviser)
    assert [one.probabilities for one in less.cells] == [one.probabilities for one in field.cells if one.cut.cell.number != 2]


def test_a_model_of_uncut_pictures_is_shown_them_as_they_are(forest: JobPaths, artifacts: Artifacts):
    model, adviser = served.load(forest), answers.adviser(artifacts, forest)
    drawn = smear(seed=1).pixels
    crop = Upload("crop.png", png(drawn[100:260, 80:240]))
    (cut,) = uploads.classify(model, [crop], adviser=adviser)
    (uncut,) = uploads.classify(model, [crop], adviser=replace(adviser, ground=placing.PHOTOGRAPHED))
    (field,) = uploads.classify(model, [Upload("f.png", png(drawn))], adviser=replace(adviser, ground=placing.PHOTOGRAPHED))
    assert (cut.kind, uncut.kind, uncut.cut) == (kinds.STAINED, kinds.STAINED, None)
    assert (cut.cut.shown.max(axis=2) == 0).mean() > 0.5
    assert all((one.cut.shown.max(axis=2) > 0).mean() > 0.9 for one in field.cells)


def test_how_the_training_cells_stand(forest: JobPaths, artifacts: Artifacts, tmp_path: Path):
    for kind, radius in (("crop", 40), ("field", 30)):
        for number in range(2):
            drawn = smear(seed=number, white=1 if kind == "crop" else 3, radius=radius, red=20)
            (tmp_path / kind / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
            left, top, right, bottom = fields.search(drawn.pixels).cells[0].box
            picture = drawn.pixels[max(0, top - 30) : bottom + 30, max(0, left - 30) : right + 30] if kind == "crop" else drawn.pixels
            Image.fromarray(np.ascontiguousarray(picture)).save(tmp_path / kind / "ab"[number % 2] / f"{number}.png")
        importing.import_folder(artifacts, tmp_path / kind, kind)
    found = [placing.of_data(artifacts.dataset(name).card) for name in ("tiny", "crop", "field")]
    assert found == [placing.BLACK, placing.PHOTOGRAPHED, placing.FIELDS]


@pytest.mark.parametrize(("name", "count"), [("BloodImage_00011", 1), ("BloodImage_00014", 1), ("BloodImage_00113", 1)])
def test_real_fields(real_data: Path, name: str, count: int):
    file = real_data / "bccd" / "JPEGImages" / f"{name}.jpg"
    if not file.is_file():
        pytest.skip("no BCCD in the folder of real images")
    field = fields.search(np.asarray(Image.open(file).convert("RGB")))
    assert len(field.cells) == count
    assert field.red_radius == pytest.approx(45, rel=0.4)


def test_real_cells_on_black_and_crops(real_data: Path):
    picture: Callable[[Path], np.ndarray] = lambda file: np.asarray(Image.open(file).convert("RGB"))  # noqa: E731
    cells, crops = sorted((real_data / "cnmc").rglob("*.bmp"))[:3], sorted((real_data / "pbc" / "lymphocyte").glob("*"))[:3]
    if not cells or not crops:
        pytest.skip("no C-NMC or PBC in the folder of real images")
    assert [kinds.of(picture(file)).kind for file in (*cells, *crops)] == [kinds.CELL] * 3 + [kinds.STAINED] * 3
