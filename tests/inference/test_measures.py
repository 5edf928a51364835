"""What the guard measures, against the same worked out another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import threshold_otsu

from allcore.data.phantom import PhantomSpec, draw
from allcore.inference import measures
from allcore.models import cell_features

SIDE = 60


def told(image: np.ndarray) -> dict[str, float]:
    return dict(zip(measures.NAMES, measures.of(image), strict=True))


def on_black(mask: np.ndarray, colour: tuple[int, int, int] = (150, 60, 180)) -> np.ndarray:
    return np.where(mask[..., None], np.array(colour, np.uint8), np.uint8(0))


def ellipse(across: float, down: float, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    rows, columns = np.indices((SIDE, SIDE)) + 0.5 - SIDE / 2
    return ((columns - x) / across) ** 2 + ((rows - y) / down) ** 2 <= 1


def speckled(mask: np.ndarray) -> np.ndarray:
    """A cell of many colours, its middle the darkest."""
    rng = np.random.default_rng(5)
    light = rng.integers(90, 256, (*mask.shape, 3))
    light[mask & ellipse(8, 8)] //= 2
    return np.where(mask[..., None], light, 0).astype(np.uint8)


@pytest.mark.parametrize("place", [(0, 0), (7, -4), (-9, 11)])
def test_an_outline_is_told_by_its_moments(place: tuple[int, int]):
    mask = ellipse(18, 11, *place)
    found, places = told(on_black(mask)), np.argwhere(mask)
    around = places - places.mean(axis=0)
    spread = np.cov(around.T, bias=True) + np.eye(2) / 12  # a pixel's own moments
    short, long = np.sqrt(np.linalg.eigvalsh(spread))
    assert found["area"] == pytest.approx(math.log(len(places) / SIDE**2))
    assert found["axes"] == pytest.approx(short / long)
    assert found["fill"] == pytest.approx(len(places) / (4 * math.pi * short * long))
    assert found["offset"] == pytest.approx(math.hypot(*place) / SIDE, abs=1e-9)
    farthest = max(float(one @ np.linalg.inv(spread) @ one) for one in around)
    assert found["wider"] == pytest.approx(math.sqrt(farthest) / 2)
    assert found["rim"] == found["pieces"] == 0


def test_the_smaller_of_two_parts_counts_as_pieces_and_for_nothing_else():
    large, small = ellipse(10, 10, -15, 0), ellipse(5, 5, 15, 0)
    both = told(on_black(large | small))
    assert both.pop("pieces") == pytest.approx(small.sum() / (large | small).sum())
    alone = told(on_black(large))
    assert alone.pop("pieces") == 0
    assert both == pytest.approx(alone)


def test_parts_that_touch_by_their_corners_are_two():
    corners = np.zeros((SIDE, SIDE), bool)
    corners[10:20, 10:20] = corners[20:25, 20:25] = True
    assert told(on_black(corners))["pieces"] == pytest.approx(25 / 125)


def test_the_rim_is_the_share_of_the_outermost_pixels_that_are_lit():
    band = np.zeros((SIDE, SIDE), bool)
    band[20:30] = True
    assert told(on_black(band))["rim"] == pytest.approx(20 / (4 * SIDE - 4))


@pytest.mark.parametrize("corner", [(0, 0), (0, 45), (45, 0), (45, 45), (20, 20)])
def test_of_a_cell_at_the_edge_only_the_outermost_pixels_count_for_the_rim(corner: tuple[int, int]):
    mask = np.zeros((SIDE, SIDE), bool)
    mask[corner[0] : corner[0] + 15, corner[1] : corner[1] + 15] = True
    frame = np.ones_like(mask)
    frame[1:-1, 1:-1] = False
    assert told(on_black(mask))["rim"] == pytest.approx((mask & frame).sum() / frame.sum())


def test_what_the_quick_look_takes_for_one_part_is_one():
    rng, sure = np.random.default_rng(3), 0
    for _ in range(3000):
        mask = rng.random((rng.integers(1, 5), rng.integers(1, 5))) < rng.random()
        if mask.any(axis=0).all() and mask.any(axis=1).all() and measures._is_one(mask):
            sure += 1
            assert ndimage.label(mask)[1] == 1
    assert sure > 300
    assert measures._is_one(ellipse(20, 16)[14:46, 10:50])


def test_the_dark_level_is_scikit_image_s():
    rng = np.random.default_rng(4)
    for _ in range(500):
        some = rng.integers(0, 256, rng.integers(2, 300))
        levels = np.bincount(some, minlength=256)
        if np.count_nonzero(levels) > 1:
            assert measures._otsu(levels) == threshold_otsu(hist=(levels, np.arange(256)))
    assert measures._otsu(np.bincount([90, 90], minlength=256)) == -1


def test_stain_and_light_are_those_of_the_nucleus_and_of_the_rest():
    mask = ellipse(20, 16)
    image = speckled(mask)
    inside = image[mask] / 255
    dark = image[..., 1][mask] <= threshold_otsu(image[..., 1][mask])
    found = told(image)
    for name, part in (("nucleus", inside[dark]), ("rest", inside[~dark])):
        for channel, mean in zip(("red", "green", "blue"), part.mean(axis=0), strict=True):
            assert found[f"{name}_{channel}"] == pytest.approx(math.log(mean))
    assert found["nucleus_share"] == pytest.approx(dark.mean())
    assert found["chroma"] == pytest.approx((inside.max(axis=1) - inside.min(axis=1)).mean())
    assert found["saturated"] == pytest.approx((inside.max(axis=1) == 1).mean())
    assert found["brightness"] == pytest.approx(inside[:, 1].mean())
    assert found["contrast"] == pytest.approx(inside[:, 1].std())


@pytest.mark.parametrize(
    "mask", [ellipse(20, 16), ellipse(27, 6), ellipse(12, 12, 18, -18), ellipse(32, 32)], ids=["round", "flat", "corner", "large"]
)
def test_steps_count_where_the_pixel_beyond_is_the_cell_s_too(mask: np.ndarray):
    image = speckled(mask)
    light, steps, changes = image[..., 1] / 255, [], []
    for values, own in ((light, mask), (light.T, mask.T)):
        for row, column in zip(*np.nonzero(own), strict=True):
            if column + 2 < SIDE and own[row, column + 1] and own[row, column + 2]:
                first, second, third = values[row, column : column + 3]
                steps.append(abs(third - second))
                changes.append(abs(third - 2 * second + first))
    found, least = told(image), 1 / 255
    assert found["sharpness"] == pytest.approx(math.log((np.mean(steps) + least) / (light[mask].std() + least)), abs=1e-6)
    assert found["roughness"] == pytest.approx(math.log((np.mean(changes) + least) / (np.mean(steps) + least)), abs=1e-6)


def test_a_picture_that_is_not_on_black_is_outlined_first():
    image = draw(PhantomSpec(size=SIDE), 0)
    stained = np.where(image.max(axis=2, keepdims=True) > cell_features.BLACK, image, np.uint8(225))
    cell, nucleus = cell_features.outlined(stained)
    found = told(stained)
    assert found["area"] == pytest.approx(math.log(cell.mean()))
    assert found["nucleus_share"] == pytest.approx((nucleus & cell).sum() / cell.sum())
    assert found["rim"] == 1


def dot(row: int, column: int) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[row, column] = True
    return on_black(mask)


ODD = {
    "black": np.zeros((SIDE, SIDE, 3), np.uint8),
    "white": np.full((SIDE, SIDE, 3), 255, np.uint8),
    "grey": np.full((SIDE, SIDE, 3), 90, np.uint8),
    "one pixel": dot(30, 30),
    "a corner's pixel": dot(SIDE - 1, SIDE - 1),
    "a line": on_black(np.arange(SIDE)[:, None] == np.full(SIDE, 7)),
    "a line the other way": on_black(np.arange(SIDE)[:, None] == np.full((1, SIDE), SIDE - 1)),
    "noise": np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8),
    "smallest": np.random.default_rng(2).integers(0, 256, (16, 16, 3), dtype=np.uint8),
    "two pixels in opposite corners": dot(0, 0) + dot(SIDE - 1, SIDE - 1),
}


@pytest.mark.parametrize("image", ODD.values(), ids=ODD)
def test_any_picture_gives_finite_numbers(image: np.ndarray):
    assert np.isfinite(measures.of(image)).all()


def test_many_at_once_are_each_alone():
    images = np.stack([image for image in ODD.values() if len(image) == SIDE])
    assert np.array_equal(measures.of_all(images), np.stack([measures.of(image) for image in images]))
    assert measures.of_all(images[:0]).shape == (0, len(measures.NAMES))


def test_strided_pictures_are_measured_too():
    wide = speckled(ellipse(20, 16))
    assert np.array_equal(measures.of(wide[:, ::-1][:, ::-1]), measures.of(wide))
    assert np.array_equal(measures.of(np.asfortranarray(wide)), measures.of(wide))
