"""Disturbances do what they are called, the more the stronger, and leave what lies around a cell alone."""

from __future__ import annotations

import numpy as np
import pytest

from allcore.data import strained

SIDE = 40


@pytest.fixture
def cells() -> np.ndarray:
    """Three discs of structured purple on black."""
    y, x = np.indices((SIDE, SIDE)) - SIDE / 2
    spots = np.random.default_rng(0).integers(60, 200, (3, SIDE, SIDE, 3), dtype=np.uint8)
    return spots * (np.hypot(x, y) < 14)[None, ..., None].astype(np.uint8)


STRONGER = [kind for kind in strained.KINDS.values() if kind.name != strained.TURN]
"""A turn comes round: a larger one is no stronger."""


@pytest.mark.parametrize("kind", STRONGER, ids=lambda kind: kind.name)
def test_farther_from_undisturbed_is_farther_from_the_picture(kind: strained.Kind, cells: np.ndarray):
    assert kind.none in kind.strengths
    assert list(kind.strengths) in (sorted(kind.strengths), sorted(kind.strengths, reverse=True))
    before = cells.copy()
    moved = {strength: np.abs(kind.applied(cells, strength).astype(int) - cells).mean() for strength in kind.strengths}
    np.testing.assert_array_equal(cells, before)
    assert moved[kind.none] == 0
    for side in (
        sorted((each for each in kind.strengths if each <= kind.none), reverse=True),
        sorted(each for each in kind.strengths if each >= kind.none),
    ):
        assert [moved[each] for each in side] == sorted(moved[each] for each in side)
        assert len({moved[each] for each in side}) == len(side)
    for strength in kind.strengths:
        found = kind.applied(cells, strength)
        assert (found.shape, found.dtype) == (cells.shape, np.uint8)
        if kind.name != strained.JPEG:
            assert (found[cells.max(axis=3) == 0] == 0).all()


def test_each_colour_goes_its_way(cells: np.ndarray):
    inside = cells.max(axis=3) > 0
    red, _, blue = (strained.KINDS[strained.STAIN].applied(cells, 2)[inside].mean(axis=0) - cells[inside].mean(axis=0)).tolist()
    assert red < -10 < 10 < blue  # denser in red, thinner in blue
    brighter = strained.KINDS[strained.BRIGHTNESS].applied(cells, 1.25)[inside]
    np.testing.assert_allclose(brighter, np.minimum(cells[inside] * 1.25, 255), atol=0.51)


def test_a_turn_turns_about_the_middle(cells: np.ndarray):
    turn = strained.KINDS[strained.TURN]
    assert (turn.none, turn.strengths[0], turn.strengths[-1]) == (0, 0, 180)
    before = cells.copy()
    np.testing.assert_array_equal(turn.applied(cells, 90), np.rot90(cells, axes=(1, 2)))
    np.testing.assert_array_equal(turn.applied(cells, 180), cells[:, ::-1, ::-1])
    slanted = turn.applied(cells, 45)
    assert (slanted.shape, slanted.dtype) == (cells.shape, np.uint8)
    assert (slanted[:, [0, -1]] == 0).all()  # what comes in round a cell on black is black
    np.testing.assert_allclose(slanted.mean(), cells.mean(), rtol=0.03)
    np.testing.assert_array_equal(cells, before)


def test_a_blur_does_not_darken_the_rim():
    flat = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    flat[:, 10:30, 10:30] = 120
    np.testing.assert_array_equal(strained.KINDS[strained.BLUR].applied(flat, 2), flat)


def test_a_blur_is_as_wide_in_any_size():
    small, large = (np.zeros((1, side, side, 3), np.uint8) + 10 for side in (70, 140))
    small[0, 35, 35], large[0, 70:72, 70:72] = 250, 250
    spread = [strained.KINDS[strained.BLUR].applied(one, 2).astype(float)[0, ..., 0] - 10 for one in (small, large)]
    assert spread[0].max() == pytest.approx(spread[1].max(), abs=2)


def test_a_strip_shows_each_strength(cells: np.ndarray):
    kind = strained.KINDS[strained.JPEG]
    found = strained.strip(cells[0], kind.name, kind.strengths)
    assert found.shape == (SIDE, SIDE * len(kind.strengths), 3)
    np.testing.assert_array_equal(found[:, :SIDE], cells[0])
