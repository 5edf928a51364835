"""Runs ranked with their intervals."""

from __future__ import annotations

import pytest

from allcore.metrics.intervals import Interval
from allcore.plots.ranking import Ranked, describe_ranking, ranking, ranking_table

RUNS = [
    Ranked("forest", Interval(0.783, 0.70, 0.85, n=1867, clusters=28), 0.5, True),
    Ranked("net by image", Interval(0.962, 0.95, 0.97), 0.5, False),
    Ranked("one class", Interval(None, note="needs images of both classes"), 0.5, True),
    Ranked("few patients", Interval(0.81, note="too few patients for an interval"), 0.5, True),
]


def _drawn(figure) -> dict:
    return {trace.name: trace for trace in figure.data}


def test_dots_whiskers_and_the_constant_predictor() -> None:
    figure = ranking(RUNS, measure="AUROC")
    apart, shared = _drawn(figure)["no patient on both sides"], _drawn(figure)["patients shared or unknown"]
    assert dict(zip(apart.x, apart.y, strict=True)) == {0.81: 1, 0.783: 2}
    assert apart.error_x.array == pytest.approx((0, 0.067))
    assert apart.error_x.arrayminus == pytest.approx((0, 0.083))
    assert (shared.x, shared.y, shared.marker.symbol) == ((0.962,), (0,), "circle-open")
    constant = _drawn(figure)["constant predictor"]
    assert constant.x == (0.5,) * 4
    assert constant.marker.line.color == "#8A8F98"
    low, high = figure.layout.xaxis.range
    assert low < 0.5 < 0.97 < high


def test_each_row_is_named_and_numbered() -> None:
    texts = [note.text for note in ranking(RUNS, measure="AUROC").layout.annotations]
    assert texts == ["net by image", "0.962 (0.95–0.97)", "few patients", "0.810", "forest", "0.783 (0.70–0.85)", "one class", "–"]
    long = ranking([Ranked("x" * 80, Interval(0.5), None, True)], measure="accuracy")
    assert len(long.layout.annotations[0].text) == 30
    assert long.data[0].customdata[0][0] == "x" * 80
    assert "constant predictor" not in _drawn(long)


def test_words_and_table() -> None:
    text = describe_ranking(RUNS, measure="AUROC")
    assert text.startswith("4 runs by AUROC, the best first. 1. net by image: 0.962 (0.95–0.97), constant predictor 0.500, patients shared")
    assert "3. forest: 0.783 (0.70–0.85), constant predictor 0.500. 4. one class: –" in text
    table = ranking_table(RUNS)
    assert table["run"].tolist() == ["net by image", "few patients", "forest", "one class"]
    assert table.loc[2, ["low", "high", "patients"]].tolist() == [0.70, 0.85, 28]


def test_nothing_to_rank() -> None:
    assert ranking([], measure="AUROC").layout.annotations[0].text == describe_ranking([], measure="AUROC") == "No run has ended yet."
    assert ranking_table([]).empty
