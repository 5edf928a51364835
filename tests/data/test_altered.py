"""Random changes to images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allcore.data.altered import ANY, FLIPS, NONE, QUARTER, Changes


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (16, 20, 20, 3), dtype=np.uint8)


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_nothing_changes_unless_asked_for(images):
    np.testing.assert_array_equal(Changes().applied(images, dice()), images)


@given(turns=st.sampled_from([NONE, FLIPS, QUARTER, ANY]), stain=st.sampled_from([0.0, 0.2]), light=st.sampled_from([0.0, 0.2]))
def test_the_same_dice_give_the_same_pictures_and_the_input_stays(turns: str, stain: float, light: float):
    images = np.random.default_rng(1).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    before, changes = images.copy(), Changes(turns, stain, light)
    once = changes.applied(images, dice(3))
    np.testing.assert_array_equal(changes.applied(images, dice(3)), once)
    np.testing.assert_array_equal(images, before)
    assert (once.dtype, once.shape) == (np.uint8, images.shape)
    assert (turns == NONE and not stain and not light) or not np.array_equal(changes.applied(images, dice(4)), once)


def test_quarter_turns_and_mirror_images_lose_nothing(images):
    turned = Changes(QUARTER).applied(images, dice())
    seen = set()
    for before, after in zip(images, turned, strict=True):
        ways = [np.rot90(side, times) for side in (before, before[:, ::-1]) for times in range(4)]
        matches = [index for index, way in enumerate(ways) if np.array_equal(way, after)]
        assert len(matches) == 1
        seen.update(matches)
    assert len(seen) >= 6


def test_flips_are_each_as_often_as_not():
    images = np.random.default_rng(0).integers(0, 256, (400, 8, 8, 3), dtype=np.uint8)
    turned = Changes(FLIPS).applied(images, dice())
    counts = [0, 0, 0, 0]
    for before, after in zip(images, turned, strict=True):
        ways = [before, before[:, ::-1], before[::-1], before[::-1, ::-1]]
        (match,) = [index for index, way in enumerate(ways) if np.array_equal(way, after)]
        counts[match] += 1
    assert min(counts) > 70


def test_any_angle_keeps_the_middle_and_fills_the_corners_with_the_edges_colour():
    picture = np.zeros((1, 41, 41, 3), np.uint8)
    picture[0, 15:26, 15:26] = 200
    for seed in range(10):
        turned = Changes(ANY).applied(picture, dice(seed))[0]
        assert turned[20, 20].tolist() == [200] * 3
        assert turned[0, 0].tolist() == [0] * 3
        assert turned.astype(float).sum() == pytest.approx(picture.astype(float).sum(), rel=0.05)
    light = np.full((1, 20, 20, 3), 240, np.uint8)
    np.testing.assert_array_equal(Changes(ANY).applied(light, dice()), light)


def test_another_stain_or_light_leaves_black_black_and_is_as_strong_as_asked(images):
    black = np.zeros((2, 8, 8, 3), np.uint8)
    np.testing.assert_array_equal(Changes(stain=0.3, brightness=0.3).applied(black, dice()), black)
    grey = np.full((4000, 1, 1, 3), 128, np.uint8)
    lit = Changes(brightness=0.1).applied(grey, dice()).astype(float)[:, 0, 0]
    assert np.ptp(lit, axis=1).max() == 0  # one lamp for all colours
    assert np.log(lit[:, 0] / 128).std() == pytest.approx(0.1, abs=0.01)
    stained = Changes(stain=0.1).applied(grey, dice()).astype(float)[:, 0, 0]
    assert np.ptp(stained, axis=1).min() >= 0
    assert np.ptp(stained, axis=1).max() > 5
    densities = np.log(np.log(stained / 255) / np.log(128 / 255))
    assert densities.std() == pytest.approx(0.1, abs=0.01)
