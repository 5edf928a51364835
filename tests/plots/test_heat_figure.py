"""The heat map: what is drawn is what was found, and the picture stays visible under it."""

from __future__ import annotations

import numpy as np
import pytest

from allcore.plots import heat

PICTURE = np.full((9, 9, 3), 100, np.uint8)
VALUES = np.zeros((9, 9), np.float32)
VALUES[1, 7], VALUES[4, 4], VALUES[8, 0] = 3.0, 1.0, -2.0


def test_heat_lies_over_the_picture():
    figure = heat.heat(PICTURE, VALUES)
    picture, laid = figure.data
    np.testing.assert_array_equal(picture.z, PICTURE)
    np.testing.assert_array_equal(laid.z, np.maximum(VALUES, 0))
    assert (laid.zmin, laid.zmax) == (0, 3)
    assert laid.colorbar.title.text
    opacity = [float(colour.rstrip(")").rpartition(",")[2]) for _, colour in laid.colorscale]
    assert opacity == sorted(opacity)
    assert 0 < opacity[0] < 0.2 < opacity[-1] < 1
    assert figure.layout.yaxis.range == (8.5, -0.5)


def test_heat_in_words():
    assert heat.describe_heat(VALUES, of="leukemia", share_on_cell=0.71) == (
        "Heat map of what speaks for leukemia: strongest in the upper right, where 75% of its weight lies. "
        "71% of the weight lies on the cell."
    )
    assert "the middle," in heat.describe_heat(np.eye(9) * (np.indices((9, 9))[0] == 4), of="a", share_on_cell=None)
    assert (
        heat.describe_heat(-np.ones((9, 9)), of="leukemia", share_on_cell=None) == "Heat map: no place of the picture speaks for leukemia."
    )


def test_heat_as_a_table():
    table = heat.heat_table(VALUES)
    assert table.columns.tolist() == ["x", "y", "weight"]
    assert len(table) == 81
    assert table.query("x == 7 and y == 1")["weight"].item() == 3
    assert table["weight"].min() == -2


def test_heat_as_pixels():
    drawn = heat.overlay(PICTURE, VALUES)
    assert (drawn.shape, drawn.dtype) == ((9, 9, 3), np.uint8)
    red, green, blue = drawn[1, 7].tolist()
    assert min(red, green) > blue + 80  # the bright end of the scale is yellow
    assert drawn[0, 0].astype(int) == pytest.approx(PICTURE[0, 0].astype(int), abs=12)
    np.testing.assert_array_equal(drawn[8, 0], drawn[0, 0])
