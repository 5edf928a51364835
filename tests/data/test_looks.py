"""Colours and shapes that are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.data import cache, cellmap, importing, looks, records
from allcore.data.looks import Looks

SIZE = cache.DEFAULT_SIZE
Y, X = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2


def picture(inside: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (inside[..., None] * np.array(colour)).astype(np.uint8)


DRAWN = {
    "a/disc": picture(np.hypot(X, Y) <= 20, (100, 50, 150)),
    "a/small": picture(np.hypot(X, Y) <= 10, (100, 50, 150)),
    "b/ellipse": picture((X / 28) ** 2 + (Y / 14) ** 2 <= 1, (200, 0, 40)),
    "b/bar": picture((np.abs(X) <= 30) & (np.abs(Y) <= 2), (30, 30, 30)),
    "b/black": picture(np.zeros((SIZE, SIZE)), (0, 0, 0)),
}


@pytest.fixture
def shapes(artifacts: Artifacts, tmp_path) -> str:
    for name, pixels in DRAWN.items():
        file = tmp_path / f"{name}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(file)
    importing.import_folder(artifacts, tmp_path, "shapes")
    return "shapes"


@pytest.fixture
def found(artifacts: Artifacts, shapes: str) -> Looks:
    return looks.of(artifacts.dataset(shapes))


def row(found: Looks, name: str):
    return found.table.set_index("image_id").loc[f"{name}.png"]


def test_area_and_colour_are_of_what_is_not_black(found: Looks):
    disc = row(found, "a/disc")
    assert disc["area"] == pytest.approx(100 * np.pi * 20**2 / SIZE**2, rel=0.02)
    assert disc[["red", "green", "blue", "brightness"]].tolist() == pytest.approx([100, 50, 150, 100], rel=1e-4)
    assert disc["contrast"] == pytest.approx(0, abs=0.1)
    assert row(found, "a/small")["area"] < disc["area"] / 3


def test_shape_is_that_of_geometry(found: Looks):
    disc, ellipse, bar = (row(found, name) for name in ("a/disc", "b/ellipse", "b/bar"))
    assert disc["eccentricity"] < 0.1
    assert ellipse["eccentricity"] == pytest.approx(np.sqrt(1 - (14 / 28) ** 2), abs=0.02)
    assert bar["eccentricity"] > 0.98
    assert disc["roundness"] > 0.95 > ellipse["roundness"] > bar["roundness"]


def test_a_black_image_breaks_nothing(found: Looks):
    assert row(found, "b/black")["area"] == 0
    assert np.isfinite(found.table.drop(columns="image_id").to_numpy(float)).all()


def test_a_classs_mean_and_spread(found: Looks):
    mean = np.rint((DRAWN["a/disc"].astype(float) + DRAWN["a/small"]) / 2)
    assert np.abs(found.means["a"] - mean).max() <= 1
    spread = np.std([one.mean(axis=2) for one in (DRAWN["a/disc"], DRAWN["a/small"])], axis=0)
    assert found.spreads["a"] == pytest.approx(spread, abs=0.01)


def test_pieces_make_no_difference(artifacts: Artifacts, tiny: str, monkeypatch: pytest.MonkeyPatch):
    paths = artifacts.dataset(tiny)
    whole = looks.of(paths)
    for file in paths.folder.glob("looks-*"):
        file.unlink()
    monkeypatch.setattr(looks, "_AT_ONCE", 7)
    pieces = looks.of(paths)
    assert np.allclose(whole.table.drop(columns="image_id"), pieces.table.drop(columns="image_id"), atol=1e-3)
    assert all(np.array_equal(whole.means[name], pieces.means[name]) for name in whole.means)


def test_it_is_measured_once(artifacts: Artifacts, tiny: str, monkeypatch: pytest.MonkeyPatch):
    paths = artifacts.dataset(tiny)
    first = looks.of(paths)
    monkeypatch.setattr(looks, "_pieces", lambda _: pytest.fail("measured again"))
    assert looks.of(paths).table.equals(first.table)


def test_a_turned_cell_keeps_its_place(artifacts: Artifacts, tiny: str):
    pixels = np.array(cache.opened(artifacts.dataset(tiny)))
    _, one = looks._measured(pixels)
    _, turned = looks._measured(np.ascontiguousarray(np.rot90(pixels[:, ::-1], axes=(1, 2))))
    assert np.allclose(one, turned, atol=1e-2)


def test_where_a_cell_stands_in_its_class(artifacts: Artifacts, found: Looks, shapes: str):
    table = records.read_records(artifacts.dataset(shapes))
    at = int(np.flatnonzero(table["image_id"] == "a/small.png")[0])
    value, share = looks.standing(found, table["label"].to_numpy(), at)["area"]
    assert (value, share) == (pytest.approx(row(found, "a/small")["area"]), 0.5)


def test_a_map_puts_like_beside_like(artifacts: Artifacts):
    from allcore.data.phantom import PhantomSpec

    importing.make_phantom(artifacts, "apart", PhantomSpec(images=90, patients=8, difficulty=0.0, habits=0.0, size=70))
    paths = artifacts.dataset("apart")
    assert cellmap.read(paths) is None
    told = []
    cellmap.made(paths, progress=lambda share, what: told.append(share))
    placed, table = cellmap.read(paths), records.read_records(paths)
    assert placed["image_id"].tolist() == table["image_id"].tolist()
    assert told == sorted(told)
    points = placed[["x", "y"]].to_numpy()
    distances = np.linalg.norm(points[:, None] - points[None], axis=2) + np.eye(90) * 1e9
    labels = table["label"].to_numpy()
    agreement = (labels[distances.argmin(axis=1)] == labels).mean()
    assert agreement > 0.7
    again = cellmap.read(paths)
    cellmap.made(paths)
    assert cellmap.read(paths).equals(again)


def test_too_few_cells_have_no_map(artifacts: Artifacts, shapes: str):
    with pytest.raises(BadInput, match="5 cells are too few"):
        cellmap.made(artifacts.dataset(shapes))
