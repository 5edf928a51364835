"""Losses are those of the same images, told only where they are shown."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from allcore.metrics import compare, robustness
from allcore.metrics.robustness import Answered, Robustness

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 400)
PATIENTS = 2 * RNG.integers(0, 20, 400) + LABELS
PLAIN = np.where(RNG.random(400) < 0.9, LABELS, 1 - LABELS)


def made(codes: np.ndarray | None = PATIENTS) -> tuple[robustness.Curve, ...]:
    worse = np.where(np.random.default_rng(1).random(400) < 0.4, 1 - PLAIN, PLAIN)
    light = Answered("light", "light times this", 1.0, (0.5, 1.0, 2.0), np.stack([PLAIN, PLAIN, worse]))
    jpeg = Answered("jpeg", "quality", 100, (100, 10), np.stack([PLAIN, worse]))
    return robustness.curves(LABELS, PLAIN, [light, jpeg], codes)


def test_figures_are_scikit_learns_and_losses_are_paired():
    light, _ = made()
    for point in light.points[:2]:
        assert point.balanced_accuracy.estimate == pytest.approx(balanced_accuracy_score(LABELS, PLAIN))
        assert (point.loss.estimate, point.changed.estimate, point.shown) == (0, 0, False)
    worst = light.points[2]
    assert worst.loss.estimate == pytest.approx(light.points[1].balanced_accuracy.estimate - worst.balanced_accuracy.estimate)
    assert worst.loss.low > 0
    assert worst.shown
    assert worst.changed.estimate == pytest.approx(0.4, abs=0.08)


def test_all_strengths_are_corrected_together():
    light, jpeg = made()
    worse = np.where(np.random.default_rng(1).random(400) < 0.4, 1 - PLAIN, PLAIN)
    alone = compare.balanced_accuracy(LABELS, PLAIN == LABELS, worse == LABELS, PATIENTS).p
    assert (light.points[0].p, light.points[1].p) == (1.0, None)
    assert light.points[2].p == jpeg.points[1].p == pytest.approx(3 * alone)


def test_what_is_told():
    light, jpeg = made()
    base = light.points[1].balanced_accuracy
    assert robustness.told(light, base).startswith("As far as 0.5 no loss is shown (0.")
    assert "which is no proof of none. At 2 a loss is first shown: 0." in robustness.told(light, base)
    assert robustness.told(jpeg, base).startswith("At 10 a loss is first shown")
    few, _ = made(np.arange(400) % 4)
    assert "Nothing can be concluded: too few patients for an interval." in robustness.told(few, base)
    assert not few.points[2].shown


def test_it_survives_json():
    found = Robustness("a", "b", True, 400, 40, ("healthy", "leukemia"), made()[0].points[1].balanced_accuracy, made())
    assert Robustness.from_dict(json.loads(json.dumps(found.to_dict()))) == found
