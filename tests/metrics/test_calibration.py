"""Calibration: against what is written out or known beforehand, and what too little data must not do."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from allcore.base.errors import BadInput
from allcore.metrics import calibration


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 200))
def test_figures_equal_those_written_out(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    p = np.append(random.random(n), [0.0, 1.0])
    truth = random.random(n + 2) < p
    truth[:2] = True, False
    found = calibration.evaluate(truth, p, subjects=None)
    ece = 0.0
    for low in range(10):
        mine = [i for i in range(n + 2) if low <= min(9, int(p[i] * 10)) < low + 1]
        if mine:
            ece += len(mine) / (n + 2) * abs(sum(p[mine]) / len(mine) - sum(truth[mine]) / len(mine))
    assert found.ece == pytest.approx(ece)
    assert found.brier == pytest.approx(reference.brier_score_loss(truth, p))
    assert found.log_loss == pytest.approx(reference.log_loss(truth, np.clip(p, 1e-7, 1 - 1e-7)))
    assert sum(one.observed.n for one in found.bins) == found.n == n + 2


def test_the_temperature_undoes_what_was_done() -> None:
    random = np.random.default_rng(0)
    odds = random.normal(0, 1.5, 20_000)
    truth = random.random(20_000) < 1 / (1 + np.exp(-odds))
    for made in (0.4, 1.0, 3.0):
        p = 1 / (1 + np.exp(-odds * made))
        found = calibration.temperature(truth, p, subjects=None)
        assert found.value == pytest.approx(made, rel=0.05)
        mended = found(p)
        assert (np.argsort(mended) == np.argsort(p)).mean() > 0.99
        assert calibration.evaluate(truth, mended, subjects=None).ece < 0.02


def test_the_temperature_of_several_classes_undoes_what_was_done() -> None:
    random = np.random.default_rng(0)
    logs = random.normal(0, 1.5, (20_000, 4))
    true = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    labels = (random.random((20_000, 1)) > true.cumsum(axis=1)).sum(axis=1)
    said = true**2.5 / (true**2.5).sum(axis=1, keepdims=True)
    found = calibration.temperature(labels, said, subjects=None)
    assert found.value == pytest.approx(2.5, rel=0.05)
    np.testing.assert_allclose(found(said), true, atol=0.02)


def test_two_classes_have_one_temperature_however_they_are_told() -> None:
    random = np.random.default_rng(3)
    p = random.random(300)
    truth = random.random(300) < p**2
    one = calibration.temperature(truth, p, subjects=None)
    both = np.column_stack([1 - p, p])
    other = calibration.temperature(truth.astype(int), both, subjects=None)
    assert other == one
    np.testing.assert_allclose(other(both)[:, 1], one(p), atol=1e-12)


def test_a_part_without_an_error_makes_nobody_sure() -> None:
    p = np.array([0.2] * 20 + [0.8] * 20)
    found = calibration.temperature(p > 0.5, p, subjects=None)
    assert found(np.array([0.8]))[0] == pytest.approx(21 / 22, abs=1e-3)


def test_isotonic_regression_mends_what_no_temperature_can() -> None:
    random = np.random.default_rng(1)
    p, subjects = random.random(6000), np.repeat(np.arange(60), 100).astype(str)
    truth = random.random(6000) < np.where(p < 0.5, 0.1, 0.7)
    found = calibration.isotonic(truth, p, subjects=subjects)
    warm = calibration.temperature(truth, p, subjects=subjects)
    assert (found.images, found.patients) == (6000, 60)
    fresh = random.random(6000)
    outcome = random.random(6000) < np.where(fresh < 0.5, 0.1, 0.7)
    errors = [calibration.evaluate(outcome, one(fresh), subjects=None).ece for one in (found, warm)]
    assert errors[0] < 0.04 < errors[1]
    assert (np.diff(found(np.linspace(0, 1, 50))) >= 0).all()


@pytest.mark.parametrize(
    ("images", "patients", "says"), [(900, 60, "1,000 images; the calibrate part has 900"), (2000, 30, "has 15"), (2000, None, "not known")]
)
def test_isotonic_regression_asks_for_enough(images: int, patients: int | None, says: str) -> None:
    truth = np.arange(images) % 2 == 0
    subjects = None if patients is None else [f"{i % patients}" for i in range(images)]
    with pytest.raises(BadInput, match=says):
        calibration.isotonic(truth, np.full(images, 0.5), subjects=subjects)


def test_bins_have_intervals_over_patients() -> None:
    random = np.random.default_rng(2)
    p, who = random.random(900), np.repeat(np.arange(30), 30)
    truth = random.random(900) < p
    found = calibration.evaluate(truth, p, subjects=who.astype(str))
    assert len(found.bins) == 10
    assert all(one.observed.clusters > 5 and one.observed.low < one.observed.high for one in found.bins)
    assert sum(one.observed.low <= one.said <= one.observed.high for one in found.bins) >= 8


def test_one_class_can_not_mend_anything() -> None:
    with pytest.raises(BadInput, match="one class"):
        calibration.temperature(np.ones(5, bool), np.full(5, 0.5), subjects=None)
    with pytest.raises(BadInput, match="no predictions"):
        calibration.evaluate(np.empty(0, bool), np.empty(0), subjects=None)
