"""The map and the distributions: what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pytest

from allcore.plots import cells

X, Y = np.arange(6.0), np.arange(6.0) ** 2
GROUPS = ["a", "b", "", "a", "b", "a"]
COLOURS = {"a": "#0072B2", "b": "#D55E00"}


def test_each_cell_is_drawn_once_and_knows_its_row():
    figure = cells.cell_map(X, Y, GROUPS, COLOURS, axes=("first", "second"))
    names = [trace.name for trace in figure.data]
    assert names == ["no label (1)", "a (3)", "b (2)"]
    rows = np.concatenate([trace.customdata for trace in figure.data])
    assert sorted(rows.tolist()) == list(range(6))
    for trace in figure.data:
        assert np.array_equal(trace.y, Y[np.asarray(trace.customdata)])
    assert figure.layout.dragmode == "lasso"
    assert cells.cell_map(X, Y, GROUPS, COLOURS, axes=("", "")).layout.xaxis.showticklabels is False


def test_the_map_in_words_and_as_a_table():
    assert cells.describe_cell_map(GROUPS) == "A map of 6 cells, near ones alike: 3 a, 2 b, 1 no label."
    table = cells.cell_map_table([str(n) for n in range(6)], X, Y, GROUPS)
    assert table.columns.tolist() == ["image", "x", "y", "group"]
    assert table["y"].tolist() == Y.tolist()


def test_a_distribution_is_of_shares():
    values = {"a": np.array([1.0, 1, 2, 9]), "b": np.array([5.0, 5]), "none": np.array([])}
    table = cells.distribution_table(values)
    assert table.columns.tolist() == ["from", "to", "a", "b"]
    assert table[["a", "b"]].sum().tolist() == pytest.approx([1, 1])
    assert (table["from"].iloc[0], table["to"].iloc[-1]) == (1, 9)
    figure = cells.distribution(values, COLOURS, label="Area")
    assert [trace.name for trace in figure.data] == ["a (4)", "b (2)"]
    assert "a: median 1.5, half of 4 cells from 1 to 3.75" in cells.describe_distribution(values, label="Area")


def test_no_cells_no_distribution():
    figure = cells.distribution({"a": np.array([])}, COLOURS, label="Area")
    assert figure.layout.annotations[0].text == "No cell to measure."
    assert cells.distribution_table({"a": np.array([])}).empty


def test_heat_runs_from_dark_to_light():
    image = cells.heat(np.array([[0.0, 5.0, 10.0, 99.0]]), most=10.0)
    assert (image.shape, image.dtype) == ((1, 4, 3), np.uint8)
    brightness = image.mean(axis=2)[0]
    assert brightness[0] < brightness[1] < brightness[2] == brightness[3]
