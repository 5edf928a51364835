"""What a study's figures say, in marks, words and rows."""

from __future__ import annotations

import math

import pytest

from allcore.plots import study as plots
from allcore.plots.study import Tried

TRIED = [
    Tried(1, {"strength": 0.001, "features": "cell"}, 0.6),
    Tried(2, {"strength": 0.1, "features": "pixels"}, 0.8),
    Tried(3, {"strength": 10.0, "features": "cell"}, None),
    Tried(4, {"strength": 1.0, "features": "cell"}, 0.7),
]


def test_history_has_a_point_a_figure_and_a_line_that_only_rises():
    line, points = plots.history(TRIED, objective="AUROC").data
    assert (points.x, points.y) == ((1, 2, 4), (0.6, 0.8, 0.7))
    assert line.y == (0.6, 0.8, 0.8)
    assert plots.history(TRIED, objective="log loss", smaller=True).data[0].y == (0.6, 0.6, 0.6)
    words = plots.describe_history(TRIED, objective="AUROC")
    assert words == (
        "3 of 4 combinations have a figure. The best AUROC on the tune part, 0.800, came with combination 2: strength 0.1, features pixels."
    )
    assert "0.600, came with combination 1" in plots.describe_history(TRIED, objective="log loss", smaller=True)


def test_parallel_draws_powers_of_ten_and_categories():
    (lines,) = plots.parallel(TRIED, objective="AUROC").data
    strength, features, objective = lines.dimensions
    assert strength["values"] == pytest.approx([math.log10(value) for value in (0.001, 0.1, 1.0)])
    assert list(strength["ticktext"]) == ["0.001", "0.01", "0.1", "1"]
    assert (list(features["ticktext"]), list(features["values"])) == (["cell", "pixels"], [0, 1, 0])
    assert list(objective["values"]) == [0.6, 0.8, 0.7]
    assert "Best: 0.800 with strength 0.1, features pixels; 0.700" in plots.describe_parallel(TRIED, objective="AUROC")


def test_importance_says_why_there_is_none():
    assert plots.importance({}, why="Too few trials.").layout.annotations[0].text == "Too few trials."
    (bars,) = plots.importance({"strength": 0.75, "features": 0.25}).data
    assert (bars.x, bars.y) == ((0.75, 0.25), ("strength", "features"))
    assert plots.describe_importance({"strength": 0.75, "features": 0.25}).endswith("strength 75%, features 25%")
    assert plots.importance_table({"strength": 1.0}).to_dict("records") == [{"setting": "strength", "share": 1.0}]


def test_before_any_figure_each_says_so():
    none = [Tried(1, {"strength": 1.0}, None)]
    for figure in (plots.history(none, objective="AUROC"), plots.parallel(none, objective="AUROC")):
        assert figure.layout.annotations[0].text == plots.NOTHING_YET
    assert plots.describe_history([], objective="AUROC") == plots.describe_parallel([], objective="AUROC") == plots.NOTHING_YET
    assert plots.tried_table(TRIED, objective="balanced accuracy").columns.tolist() == [
        "combination",
        "strength",
        "features",
        "balanced_accuracy_tune",
    ]
