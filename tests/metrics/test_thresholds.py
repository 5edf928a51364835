"""Every threshold at once, the rules that choose one, and predictive values: against scikit-learn, brute force and simulation."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from allcore.base.errors import BadInput
from allcore.metrics import classification, thresholds
from allcore.metrics.intervals import Interval
from allcore.metrics.thresholds import Chosen, Sweep


def _case(seed: int, n: int, tied: bool) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = np.append([True, False], random.random(n) < 0.6)
    scores = np.clip(random.normal(0.4 + 0.2 * truth, 0.2), 0, 1)
    return truth, scores.round(1) if tied else scores


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40), st.booleans())
def test_every_figure_at_every_threshold_equals_scikit_learns(seed: int, n: int, tied: bool) -> None:
    truth, scores = _case(seed, n, tied)
    sweep = Sweep.of(truth, scores)
    between = (np.unique(scores)[:-1] + np.unique(scores)[1:]) / 2
    for threshold in [*np.unique(scores), *between, -0.1, 0.0, 1.0, 1.1]:
        point = sweep.at(threshold)
        called = scores >= threshold
        assert point == classification.at_threshold(truth, scores, threshold)
        assert point.sensitivity == pytest.approx(reference.recall_score(truth, called))
        assert point.specificity == pytest.approx(reference.recall_score(truth, called, pos_label=False))
        assert point.balanced_accuracy == pytest.approx(reference.balanced_accuracy_score(truth, called))
        assert point.accuracy == pytest.approx(reference.accuracy_score(truth, called))
        assert point.f1 == pytest.approx(reference.f1_score(truth, called))
        assert point.weighted_f1 == pytest.approx(reference.f1_score(truth, called, average="weighted", zero_division=0))
        precision = (
            reference.precision_score(truth, called, zero_division=np.nan),
            reference.precision_score(truth, called, pos_label=False, zero_division=np.nan),
        )
        assert [np.nan if one is None else one for one in (point.ppv, point.npv)] == pytest.approx(precision, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 60), st.booleans(), st.floats(0.1, 20))
def test_rules_are_as_good_as_trying_every_threshold(seed: int, n: int, tied: bool, miss: float) -> None:
    truth, scores = _case(seed, n, tied)
    sweep = Sweep.of(truth, scores)
    all_points = [classification.at_threshold(truth, scores, t) for t in [2.0, *np.unique(scores)]]

    def at(threshold: float) -> classification.OperatingPoint:
        return classification.at_threshold(truth, scores, threshold)

    def gain(point: classification.OperatingPoint) -> float:
        return point.sensitivity + point.specificity

    assert gain(at(thresholds.youden(sweep))) == pytest.approx(max(map(gain, all_points)))
    reached = at(thresholds.at_sensitivity(sweep, 0.95))
    assert reached.sensitivity >= 0.95
    assert reached.specificity == max(one.specificity for one in all_points if one.sensitivity >= 0.95)
    even = at(thresholds.equal_error(sweep))
    assert abs(even.sensitivity - even.specificity) == pytest.approx(min(abs(one.sensitivity - one.specificity) for one in all_points))

    def cost(point: classification.OperatingPoint) -> float:
        return miss * point.fn + point.fp

    assert cost(at(thresholds.least_cost(sweep, miss=miss))) == pytest.approx(min(map(cost, all_points)))


def test_a_threshold_stands_between_scores() -> None:
    truth, scores = np.array([False, False, True, True]), np.array([0.1, 0.3, 0.7, 0.9])
    assert thresholds.youden(Sweep.of(truth, scores)) == pytest.approx(0.5)


def test_a_dear_miss_lowers_the_threshold() -> None:
    truth, scores = _case(1, 200, False)
    sweep = Sweep.of(truth, scores)
    assert thresholds.least_cost(sweep, miss=20) < thresholds.least_cost(sweep, miss=1) < thresholds.least_cost(sweep, miss=0.05)
    assert thresholds.least_cost(sweep, miss=5, prevalence=0.05) > thresholds.least_cost(sweep, miss=5)


def test_what_was_chosen_survives_json_and_says_where() -> None:
    truth, scores = _case(2, 50, False)
    one = thresholds.chosen(Sweep.of(truth, scores), thresholds.SENSITIVITY, patients=9)
    assert (one.value, one.side, one.optimistic, one.images, one.patients) == (0.95, "calibrate", False, 52, 9)
    assert Chosen.from_dict(json.loads(json.dumps(one.to_dict()))) == one
    assert Chosen(0.4, thresholds.HAND, thresholds.TEST).optimistic


def test_what_can_not_be_chosen_is_refused() -> None:
    sweep = Sweep.of(*_case(3, 20, False))
    for wrong in (
        lambda: Sweep.of(np.ones(4, bool), np.arange(4.0)),
        lambda: thresholds.at_sensitivity(sweep, 0),
        lambda: thresholds.least_cost(sweep, miss=-1),
        lambda: thresholds.chosen(sweep, "best"),
        lambda: thresholds.predictive_values(Interval(0.9), Interval(0.1), 1.0),
    ):
        with pytest.raises(BadInput):
            wrong()


@pytest.mark.parametrize(
    ("sensitivity", "specificity", "prevalence", "ppv", "npv"),
    [(0.9, 0.9, 0.01, 1 / 12, 0.99888), (0.99, 0.995, 0.01, 2 / 3, 0.99990), (0.8, 0.6, 0.5, 2 / 3, 0.75)],
)
def test_predictive_values_follow_bayes(sensitivity: float, specificity: float, prevalence: float, ppv: float, npv: float) -> None:
    found = thresholds.predictive_values(Interval(sensitivity), Interval(1 - specificity), prevalence)
    assert [one.estimate for one in found] == pytest.approx([ppv, npv], abs=1e-5)
    assert found[0].low is None


def test_predictive_values_hold_the_truth_as_often_as_they_say() -> None:
    random, held = np.random.default_rng(0), [0, 0]
    truth = np.repeat([True, False], [120, 200])
    true = 0.1 * 0.85 / (0.1 * 0.85 + 0.9 * 0.2), 0.9 * 0.8 / (0.9 * 0.8 + 0.1 * 0.15)
    for _ in range(300):
        scores = (random.random(320) < np.where(truth, 0.85, 0.2)).astype(float)
        found = thresholds.predictive_values(*classification.rates_at(truth, scores, 0.5, subjects=None), 0.1)
        for place, one in enumerate(found):
            held[place] += one.low <= true[place] <= one.high
    assert all(0.91 <= one / 300 <= 0.99 for one in held), held


def test_predictive_values_without_a_false_alarm() -> None:
    found, _ = thresholds.predictive_values(Interval(0.9, 0.8, 0.95), Interval(0.0, 0.0, 0.1), 0.5)
    assert (found.estimate, found.high) == (1, 1)
    assert found.low == pytest.approx(0.8 / 0.9)
    nothing, _ = thresholds.predictive_values(Interval(0.0, 0.0, 0.1), Interval(0.0, 0.0, 0.1), 0.5)
    assert nothing.estimate is None
