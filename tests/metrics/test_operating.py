"""The figures at a threshold equal scikit-learn's, at every threshold of random cases."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from allcore.metrics import classification, operating

CASES = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=24)


@settings(max_examples=8, deadline=None)
@given(CASES)
def test_every_figure_equals_scikit_learns_at_every_threshold(cases: list[tuple[bool, int]]) -> None:
    truth = np.array([True, False, *(label for label, _ in cases)])
    p = np.array([1, 2, *(score for _, score in cases)]) / 6
    for threshold in (*np.unique(p), 1.1):
        called = p >= threshold
        expected = {
            "sensitivity": reference.recall_score(truth, called),
            "specificity": reference.recall_score(truth, called, pos_label=False),
            "balanced accuracy": reference.balanced_accuracy_score(truth, called),
            "weighted F1": reference.f1_score(truth, called, average="weighted", zero_division=0),
            "accuracy": reference.accuracy_score(truth, called),
            "PPV": reference.precision_score(truth, called, zero_division=np.nan),
            "NPV": reference.precision_score(truth, called, pos_label=False, zero_division=np.nan),
        }
        found = {
            one.name.partition(" at ")[0]: np.nan if one.interval.estimate is None else one.interval.estimate
            for one in operating.figures(truth, p, None, threshold=threshold, positive="leukemia")
        }
        assert found == pytest.approx(expected, nan_ok=True), threshold


def test_predictive_values_go_by_the_prevalence_that_is_asked_for() -> None:
    truth, p = np.repeat([True, False], 50), np.r_[np.full(40, 0.9), np.full(10, 0.1), np.full(45, 0.1), np.full(5, 0.9)]
    rare = {
        one.name: one.interval.estimate for one in operating.figures(truth, p, None, threshold=0.5, positive="leukemia", prevalence=0.01)
    }
    # Bayes, by hand: 0.8 x 0.01 / (0.8 x 0.01 + 0.1 x 0.99)
    assert rare["PPV at 1 %"] == pytest.approx(0.008 / 0.107)
    assert rare["NPV at 1 %"] == pytest.approx(0.9 * 0.99 / (0.9 * 0.99 + 0.2 * 0.01))


def test_beside_each_figure_stands_what_the_constant_answer_reaches() -> None:
    truth, p = np.repeat([True, False], [60, 40]), np.linspace(0, 1, 100)
    codes = truth.astype(int)
    constant = classification.constant(codes, codes, classes=("healthy", "leukemia"))
    found = operating.figures(truth, p, None, threshold=0.5, positive="leukemia", prevalence=0.3)
    beside = {one.name: one.constant for one in operating.beside_constant(found, constant, positive="leukemia", prevalence=0.3)}
    assert beside["sensitivity"] == 1
    assert beside["specificity"] == 0
    assert beside["balanced accuracy"] == 0.5
    assert beside["accuracy"] == pytest.approx(0.6)
    assert (beside["PPV at 30 %"], beside["NPV at 30 %"]) == (0.3, None)
