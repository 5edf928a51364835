"""The ROC figures draw the curves of the scores, and say so."""

from __future__ import annotations

import numpy as np
import pytest

from allcore.metrics.classification import Scores, at_threshold, evaluate
from allcore.metrics.text import show
from allcore.plots import roc, theme


def _case(classes: tuple[str, ...], positive: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray, Scores]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(classes), 200)
    p = random.gamma(1, size=(200, len(classes))) + np.eye(len(classes))[labels]
    p /= p.sum(axis=1, keepdims=True)
    subjects = [f"P{i % 20}" for i in range(200)]
    return labels, p, evaluate(labels, p, classes=classes, positive=positive, subjects=subjects)


BINARY = ("healthy", "leukemia")


def test_curves_and_operating_point() -> None:
    labels, p, scores = _case(BINARY, "leukemia")
    point = at_threshold(labels, p[:, 1], 0.4)
    figure = roc.roc(scores, point=point)
    by_name = {trace.name.split(" ")[0]: trace for trace in figure.data}
    assert set(by_name) == {"coin", "healthy", "leukemia", "micro-average", "threshold"}
    mine = by_name["leukemia"]
    assert (mine.x, mine.y, mine.customdata) == (
        scores.of("leukemia").roc.fpr,
        scores.of("leukemia").roc.tpr,
        scores.of("leukemia").roc.threshold,
    )
    assert mine.line.color == "#D55E00"
    assert show(scores.intervals["auroc"]) in mine.name
    assert "threshold %{customdata:.3f}" in mine.hovertemplate
    assert by_name["healthy"].visible == "legendonly"
    assert by_name["micro-average"].line.color == theme.GREY
    marker = by_name["threshold"]
    assert (marker.x[0], marker.y[0], marker.customdata[0]) == (point.false_positive_rate, point.sensitivity, 0.4)


def test_axes_are_square() -> None:
    figure = roc.roc(_case(BINARY, "leukemia")[2])
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.xaxis.range == figure.layout.yaxis.range
    assert (figure.layout.xaxis.constrain, figure.layout.yaxis.constrain) == ("domain", "domain")


def test_three_classes_are_all_shown() -> None:
    names = ("blast", "healthy", "leukemia")
    figure = roc.roc(_case(names, "leukemia")[2])
    shown = [trace for trace in figure.data if trace.showlegend is not False]
    assert [trace.visible for trace in shown] == [None] * 4
    assert [trace.line.color for trace in shown[:3]] == ["#009E73", "#0072B2", "#D55E00"]


def test_runs_are_overlaid_by_name() -> None:
    runs = {"first": _case(BINARY, "leukemia", 1)[2], "second": _case(BINARY, "leukemia", 2)[2]}
    figure = roc.roc_runs(runs)
    assert [trace.name.split(" ")[0] for trace in figure.data[1:]] == ["first", "second"]
    assert figure.data[2].x == runs["second"].of("leukemia").roc.fpr
    assert figure.data[1].line.color != figure.data[2].line.color
    table = roc.roc_runs_table(runs)
    assert table["run"].value_counts().to_dict() == {name: len(one.of("leukemia").roc.fpr) for name, one in runs.items()}
    assert f"first: leukemia {show(runs['first'].intervals['auroc'])}" in roc.describe_roc_runs(runs)


def test_description_and_table() -> None:
    labels, p, scores = _case(BINARY, "leukemia")
    text = roc.describe_roc(scores, point=at_threshold(labels, p[:, 1], 0.4))
    assert text.startswith("ROC curve on 200 images of 20 patients. Area for leukemia: 0.")
    assert "At the threshold 0.40: true positive rate" in text
    table = roc.roc_table(scores)
    assert list(table.columns) == ["curve", "false_positive_rate", "true_positive_rate", "threshold"]
    assert set(table["curve"]) == {"healthy", "leukemia", "micro-average"}
    mine = table[table["curve"] == "leukemia"]
    assert np.trapezoid(mine["true_positive_rate"], mine["false_positive_rate"]) == pytest.approx(scores.auroc)


def test_one_class_alone_has_no_curve() -> None:
    scores = evaluate(np.zeros(5, int), np.tile([0.8, 0.2], (5, 1)), classes=BINARY, positive="leukemia", subjects=None)
    assert roc.describe_roc(scores).startswith("No ROC curve")
    assert set(roc.roc_table(scores)["curve"]) == {"micro-average"}
    assert {trace.name.split(" ")[0] for trace in roc.roc(scores).data} == {"coin", "micro-average"}
    assert len(roc.roc_runs({"a": scores}).data) == 1
