"""Figures of the results at one threshold: they draw what was computed, say it in words and give it as a table."""

from __future__ import annotations

import numpy as np
import pytest

from allcore.metrics import bands, calibration, classification, compare, patients
from allcore.metrics.bands import Band
from allcore.metrics.intervals import Interval
from allcore.plots import confusion, cost, det, differences, precision_recall, reliability, roc
from allcore.plots import patients as patient_plots
from allcore.plots.ranking import Ranked

CLASSES = ("healthy", "leukemia")
random = np.random.default_rng(0)
WHO = np.repeat(np.arange(24), 25)
TRUTH = WHO < 12
P = 1 / (1 + np.exp(-(np.where(TRUTH, 0.8, -0.8) + 0.5 * random.normal(size=24)[WHO] + random.normal(size=600))))
SUBJECTS = [f"P{one:02d}" for one in WHO]
SCORES = classification.evaluate(TRUTH.astype(int), np.c_[1 - P, P], classes=CLASSES, positive="leukemia", subjects=SUBJECTS)
POINT = classification.at_threshold(TRUTH, P, 0.4)


def test_precision_recall_is_drawn_with_its_band_and_point() -> None:
    curve, band = bands.precision_recall(TRUTH, P, WHO, times=50), bands.precision_band(TRUTH, P, WHO, times=50)
    figure = precision_recall.precision_recall(curve, colour="#D55E00", band=band, point=POINT)
    shade, line, here = figure.data[1:]
    assert len(shade.x) == 202
    assert len(line.x) <= 401 < len(curve.recall)
    assert set(line.customdata) <= set(curve.threshold)
    assert (line.x[0], line.x[-1]) == (curve.recall[0], 1)
    assert (here.x[0], here.y[0]) == (POINT.sensitivity, POINT.ppv)
    assert f"{curve.average.estimate:.3f}" in precision_recall.describe_precision_recall(curve, point=POINT)
    assert len(precision_recall.precision_recall_table(curve)) == len(curve.recall)
    both = precision_recall.precision_recall_runs({"a": curve, "b": curve})
    assert len({trace.line.color for trace in both.data[1:]}) == 2
    assert len(precision_recall.precision_recall_runs_table({"a": curve, "b": curve})) == 2 * len(curve.recall)


def test_a_line_takes_clicks_and_carries_its_thresholds() -> None:
    figure = roc.roc(SCORES, point=POINT, band=bands.roc_band(TRUTH, P, WHO, times=50))
    line = next(trace for trace in figure.data if trace.name.startswith("leukemia"))
    assert line.mode == "lines+markers"
    assert (line.marker.opacity, line.selected.marker.opacity, line.unselected.marker.opacity) == (0, 0, 0)
    assert line.customdata == SCORES.of("leukemia").roc.threshold
    assert any(trace.fill == "toself" for trace in figure.data)
    nothing = roc.roc(SCORES, band=Band((0.0,), (), (), "too few"))
    assert not any(trace.fill == "toself" for trace in nothing.data)


def test_the_matrix_takes_clicks_on_each_cell() -> None:
    figure = confusion.confusion([[5, 1], [2, 8]], CLASSES)
    targets = figure.data[-1]
    assert [list(one) for one in targets.customdata] == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert [(int(x), int(y)) for x, y in zip(targets.x, targets.y, strict=True)] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert targets.text[1].startswith("1 images of healthy called leukemia")


def test_det_mirrors_the_roc_on_normal_scales() -> None:
    from scipy.stats import norm

    figure, table = det.det({"one": SCORES}, point=POINT), det.det_table({"one": SCORES})
    line = figure.data[1]
    middle = len(table) // 2
    assert table["miss_rate"][middle] == 1 - SCORES.of("leukemia").roc.tpr[middle]
    assert line.y[middle] == pytest.approx(norm.ppf(np.clip(table["miss_rate"][middle], 0.001, 0.999)))
    assert np.isfinite(line.x).all()
    assert figure.data[2].x[0] == pytest.approx(norm.ppf(POINT.false_positive_rate))
    assert "equal error about" in det.describe_det({"one": SCORES})
    assert len(det.det({"one": SCORES, "two": SCORES}).data) == 3


def test_reliability_draws_every_bin_with_its_interval() -> None:
    kinds = {"as it comes": calibration.evaluate(TRUTH, P, subjects=SUBJECTS)}
    figure = reliability.reliability(kinds, positive="leukemia")
    bins = kinds["as it comes"].bins
    assert figure.data[1].x == tuple(one.said for one in bins)
    assert figure.data[1].y == tuple(one.observed.estimate for one in bins)
    assert figure.data[1].error_y.array[3] == pytest.approx(bins[3].observed.high - bins[3].observed.estimate)
    assert "calibration error" in reliability.describe_reliability(kinds, positive="leukemia")
    assert len(reliability.reliability_table(kinds)) == len(bins)


def test_every_patient_is_a_point_crossed_where_the_vote_is_wrong() -> None:
    found = patients.evaluate(TRUTH, P, subjects=SUBJECTS, threshold=0.5)
    figure = patient_plots.patients(found, CLASSES, positive="leukemia")
    assert sum(len(trace.x) for trace in figure.data) == 24
    crosses = sum(symbol == "x" for trace in figure.data for symbol in trace.marker.symbol)
    wrong = [one.id for one in found.patients if one.by_vote != one.positive]
    assert crosses == len(wrong)
    table = patient_plots.patients_table(found, positive="leukemia", negative="healthy")
    assert table["right"].is_monotonic_increasing
    assert "24 patients" in patient_plots.describe_patients(found, positive="leukemia")


def test_differences_are_drawn_from_zero() -> None:
    other = np.clip(P + random.normal(0, 0.3, 600), 0, 1)
    found = {"other": compare.auroc(TRUTH, other, P, WHO)}
    figure = differences.differences(found, base="mine")
    assert figure.data[0].x[0] == found["other"].interval.estimate
    low, high = figure.layout.xaxis.range
    assert low == -high
    assert "p " in differences.describe_differences(found, base="mine")
    assert differences.differences_table(found)["difference"][0] == found["other"].interval.estimate
    assert "Choose another run" in differences.differences({}, base="mine").layout.annotations[0].text


def test_cost_joins_what_was_stated_to_what_was_computed() -> None:
    models = [cost.Costed("A", "the paper", 14, 82.1, 84.8), cost.Costed("B", "the paper", 28, 81.6, 85.6)]
    figure = cost.cost(models, unit="seconds")
    assert figure.data[0].y == (82.1, 84.8)
    assert cost.cost_table(models, unit="seconds")["seconds"].tolist() == [14, 28]
    assert "82.1 % stated, 84.8 % computed" in cost.describe_cost(models, unit="seconds")


def test_a_run_here_states_nothing_and_is_set_beside_the_paper() -> None:
    models = [cost.Costed("A", "the paper", 14, 82.1, 84.8), cost.Costed("A", "run here", 9, None, 83.5)]
    figure = cost.cost(models, unit="seconds")
    assert [trace.name for trace in figure.data if trace.showlegend is None] == [
        "the paper, from the matrix",
        "the paper, as stated",
        "run here, from the matrix",
    ]
    assert "A (run here): 9 seconds, 83.5 % computed." in cost.describe_cost(models, unit="seconds")
    assert np.isnan(cost.cost_table(models, unit="seconds")["stated_accuracy"][1])


def test_runs_stand_by_what_they_cost_each_with_its_interval() -> None:
    sure, bare = Interval(0.8, 0.7, 0.9, n=100, clusters=12, method="m"), Interval(0.6, n=100, note="too few")
    paid = [(Ranked("dear", sure, 0.5, True), 900.0), (Ranked("cheap", bare, 0.5, False), 30.0), (Ranked("free", sure, 0.5, True), None)]
    how = {"unit": "seconds", "measure": "balanced accuracy"}
    dear, cheap = cost.cost_runs(paid, **how).data
    assert (dear.x, dear.y, dear.error_y.array, dear.error_y.arrayminus) == ((900,), (0.8,), pytest.approx((0.1,)), pytest.approx((0.1,)))
    assert (dear.marker.symbol, cheap.marker.symbol) == ("circle", "square-open")
    words = cost.describe_cost_runs(paid, **how)
    assert words.index("cheap: 30 seconds, 0.600, patients shared") < words.index("dear: 900 seconds, 0.800 (0.70–0.90).")
    assert cost.cost_runs_table(paid, unit="seconds")["seconds"].tolist()[:2] == [900, 30]
    assert "None of these" in cost.describe_cost_runs(paid[2:], **how)
    assert "None of these" in cost.cost_runs(paid[2:], **how).layout.annotations[0].text
