"""Every figure equals scikit-learn's on random cases, survives JSON, and is None where it does not exist."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from allcore.base.errors import BadInput
from allcore.metrics import classification
from allcore.metrics.classification import RocCurve, Scores, at_threshold, constant, evaluate, rates_at
from allcore.metrics.scores import INTERVALS

NAMES = ("healthy", "leukemia", "blast", "debris")
BINARY = NAMES[:2]


def _case(seed: int, n: int, classes: int, tied: bool) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, n - classes)])
    weights = random.gamma(1, size=(n, classes)) + 0.7 * np.eye(classes)[labels]
    weights = np.ceil(weights * 2) if tied else weights
    return labels, weights / weights.sum(1, keepdims=True)


def _same_line(curve: RocCurve, fpr: np.ndarray, tpr: np.ndarray, threshold: np.ndarray, *, away: float) -> None:
    """Compared along the falling diagonal, where a step has a single height; thresholds are those of the whole curve."""
    heights = np.interp(fpr + tpr, np.add(curve.fpr, curve.tpr), np.subtract(curve.tpr, curve.fpr))
    assert np.abs(heights - (tpr - fpr)).max() <= away
    assert set(curve.threshold[1:]) <= set(threshold)
    assert (curve.fpr[0], curve.tpr[0], curve.fpr[-1], curve.tpr[-1]) == (0, 0, 1, 1)
    assert threshold[1] < curve.threshold[0] < threshold[1] + 1e-9
    assert (np.diff(curve.threshold) < 0).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(8, 80), st.integers(2, 4), st.booleans())
def test_every_figure_equals_scikit_learns(seed: int, n: int, classes: int, tied: bool) -> None:
    labels, p = _case(seed, n, classes, tied)
    names = NAMES[:classes]
    found = evaluate(labels, p, classes=names, positive="leukemia", subjects=None)
    predicted, onehot, rows = p.argmax(1), np.eye(classes, dtype=int)[labels], range(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, f1, support = reference.precision_recall_fscore_support(
            labels, predicted, labels=rows, zero_division=np.nan, average=None
        )
    assert found.confusion == tuple(map(tuple, reference.confusion_matrix(labels, predicted, labels=rows).tolist()))
    assert found.accuracy == pytest.approx(reference.accuracy_score(labels, predicted))
    assert found.balanced_accuracy == pytest.approx(reference.balanced_accuracy_score(labels, predicted))
    assert found.weighted_f1 == pytest.approx(reference.f1_score(labels, predicted, average="weighted", zero_division=0))
    assert found.log_loss == pytest.approx(reference.log_loss(labels, p))
    assert found.brier == pytest.approx(reference.brier_score_loss(labels, p if classes > 2 else p[:, 1], labels=rows))
    assert found.auroc_micro == pytest.approx(reference.roc_auc_score(onehot, p, average="micro"))
    assert found.auroc_macro == pytest.approx(reference.roc_auc_score(onehot, p, average="macro"))
    for index, one in enumerate(found.by_class):
        expected = (precision[index], recall[index], f1[index], reference.roc_auc_score(onehot[:, index], p[:, index]))
        assert [np.nan if value is None else value for value in (one.precision, one.recall, one.f1, one.auroc)] == pytest.approx(
            expected, nan_ok=True
        )
        assert one.support == support[index]
        _same_line(one.roc, *reference.roc_curve(onehot[:, index], p[:, index]), away=1e-12)
    assert found.auroc == found.by_class[1].auroc
    assert found.intervals["auroc"].estimate == pytest.approx(found.auroc)
    if classes == 2:
        assert found.sensitivity == pytest.approx(reference.recall_score(labels, predicted))
        assert found.specificity == pytest.approx(reference.recall_score(labels, predicted, pos_label=0))
        assert (found.ppv, found.npv) == (found.by_class[1].precision, found.by_class[0].precision)
    else:
        assert (found.sensitivity, found.specificity, found.ppv, found.npv) == (None,) * 4


def test_scores_survive_json_whole() -> None:
    labels, p = _case(1, 90, 2, False)
    found = evaluate(labels, p, classes=BINARY, positive="leukemia", subjects=[f"P{i % 12}" for i in range(90)])
    text = json.dumps({"schema_version": 1, **found.to_dict()}, allow_nan=False)
    assert Scores.from_dict(json.loads(text)) == found
    assert set(found.intervals) == set(INTERVALS)


def test_patients_are_counted_by_class() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    p = np.tile([0.5, 0.5], (6, 1))
    found = evaluate(labels, p, classes=BINARY, positive="leukemia", subjects=list("aabbcd"))
    assert found.subjects == 4
    assert found.subjects_by_class == {"healthy": 2, "leukemia": 3}
    assert found.n_by_class == {"healthy": 3, "leukemia": 3}
    assert evaluate(labels, p, classes=BINARY, positive="leukemia", subjects=None).subjects_by_class is None
    assert evaluate(labels, p, classes=BINARY, positive="leukemia", subjects=["a", None, *"bbcd"]).subjects is None


def test_the_positive_class_may_be_the_first() -> None:
    labels, p = _case(4, 60, 2, False)
    one = evaluate(labels, p, classes=BINARY, positive="leukemia", subjects=None)
    other = evaluate(labels, p, classes=BINARY, positive="healthy", subjects=None)
    assert (other.sensitivity, other.ppv) == (one.specificity, one.npv)
    assert other.intervals["sensitivity"] == one.intervals["specificity"]
    assert other.auroc == one.by_class[0].auroc


def test_a_side_of_one_class_has_no_curve_but_a_result() -> None:
    found = evaluate(np.ones(6, int), np.tile([0.3, 0.7], (6, 1)), classes=BINARY, positive="leukemia", subjects=None)
    assert (found.accuracy, found.balanced_accuracy, found.sensitivity) == (1.0, 1.0, 1.0)
    assert (found.specificity, found.npv, found.auroc, found.auroc_macro, found.by_class[0].roc) == (None,) * 5
    assert (found.by_class[0].recall, found.by_class[0].precision, found.by_class[0].f1) == (None,) * 3
    assert found.intervals["specificity"].estimate is None
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_long_curve_is_thinned_without_changing_its_shape() -> None:
    random = np.random.default_rng(5)
    labels = random.integers(0, 2, 12_000)
    score = 1 / (1 + np.exp(-random.normal(labels, 1)))
    found = evaluate(labels, np.c_[1 - score, score], classes=BINARY, positive="leukemia", subjects=None)
    curve = found.by_class[1].roc
    assert len(reference.roc_curve(labels, score)[0]) > 2_000
    assert len(curve.fpr) == len(curve.tpr) == len(curve.threshold) == classification.ROC_POINTS
    _same_line(curve, *reference.roc_curve(labels, score), away=1 / 400)  # half a pixel of a plot 400 pixels high, either way
    assert curve.auroc == pytest.approx(reference.roc_auc_score(labels, score))
    point = at_threshold(labels, score, curve.threshold[200])
    assert (point.false_positive_rate, point.sensitivity) == pytest.approx((curve.fpr[200], curve.tpr[200]))


def test_constant_predictor_takes_the_majority_of_the_training_side() -> None:
    labels = np.array([0] * 7 + [1] * 3)
    found = constant(labels, np.array([1, 1, 0]), classes=BINARY)
    assert (found.predicted, found.accuracy, found.balanced_accuracy, found.auroc) == ("leukemia", 0.3, 0.5, 0.5)
    assert found.weighted_f1 == pytest.approx(reference.f1_score(labels, np.ones(10), average="weighted"))
    assert classification.ConstantScores.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(-0.1, 1.1))
def test_at_threshold_equals_scikit_learns_confusion(seed: int, threshold: float) -> None:
    random = np.random.default_rng(seed)
    labels, p = random.integers(0, 2, 30), random.random(30).round(1)
    point = at_threshold(labels, p, threshold)
    expected = reference.confusion_matrix(labels, p >= threshold, labels=[0, 1])
    assert [[point.tn, point.fp], [point.fn, point.tp]] == expected.tolist()
    assert point.n == 30
    assert point.accuracy == pytest.approx(np.trace(expected) / 30)


def test_rates_at_threshold_carry_intervals_over_patients() -> None:
    random = np.random.default_rng(8)
    subjects = np.repeat([f"P{i}" for i in range(14)], 15)
    labels = np.repeat([1] * 6 + [0] * 8, 15)
    p = random.random(210) * 0.6 + 0.4 * labels
    point = at_threshold(labels, p, 0.45)
    sensitivity, false_positives = rates_at(labels, p, 0.45, subjects=subjects)
    assert sensitivity.estimate == pytest.approx(point.sensitivity)
    assert false_positives.estimate == pytest.approx(point.false_positive_rate)
    assert (sensitivity.clusters, false_positives.clusters) == (6, 8)
    assert sensitivity.low < sensitivity.estimate < sensitivity.high


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"labels": np.array([], int), "probabilities": np.empty((0, 2))}, "no predictions"),
        ({"probabilities": np.ones((2, 3)) / 3}, "shape"),
        ({"labels": np.array([0, 2])}, "Labels run from 0 to 2"),
        ({"probabilities": np.array([[0.5, 0.5], [np.nan, 0.5]])}, "no probabilities"),
        ({"probabilities": np.array([[0.5, 0.5], [-0.5, 1.5]])}, "no probabilities"),
        ({"probabilities": np.array([[0.5, 0.5], [0.5, 0.9]])}, "no probabilities"),
        ({"positive": "blast"}, "'blast'"),
        ({"subjects": ["a"]}, "1 patient ids for 2 images"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict, says: str) -> None:
    good = {
        "labels": np.array([0, 1]),
        "probabilities": np.array([[0.5, 0.5], [0.5, 0.5]]),
        "classes": BINARY,
        "positive": "leukemia",
        "subjects": None,
    }
    with pytest.raises(BadInput, match=says):
        evaluate(**{**good, **change})
