"""The curve of a disturbance: filled where a loss is shown, in the order of what it does."""

from __future__ import annotations

import numpy as np

from allcore.metrics import robustness as figures
from allcore.metrics.robustness import Answered
from allcore.plots import robustness

LABELS = np.arange(200) % 2
PATIENTS = np.arange(200) % 40
WRONG = np.where(np.arange(200) // 2 % 3 == 0, 1 - LABELS, LABELS)
(CURVE,) = figures.curves(LABELS, LABELS, [Answered("jpeg", "quality", 100, (100, 10), np.stack([LABELS, WRONG]))], PATIENTS)


def test_a_curve():
    figure = robustness.curve(CURVE, CURVE.points[0].balanced_accuracy, classes=2)
    band, line = figure.data
    assert list(line.x) == [100, 10]
    assert list(line.y) == [one.balanced_accuracy.estimate for one in CURVE.points]
    assert list(line.marker.symbol) == ["circle-open", "circle" if CURVE.points[1].shown else "circle-open"]
    assert len(band.x) == 4
    assert figure.layout.xaxis.autorange == "reversed"
    assert [shape.y0 for shape in figure.layout.shapes] == [1.0, 0.5]


def test_in_words_and_as_a_table():
    assert "Balanced accuracy under jpeg, by quality. 100: 1.000" in robustness.describe_curve(CURVE)
    table = robustness.curve_table(CURVE)
    assert table["strength"].tolist() == [100, 10]
    assert table["images"].tolist() == [200, 200]
    assert table["loss"].iloc[1] == CURVE.points[1].loss.estimate
