"""Labels and probabilities to the figures of a classification."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np

from allcore.base.errors import BadInput
from allcore.metrics import bootstrap, intervals
from allcore.metrics.intervals import Interval
from allcore.metrics.scores import ClassScores, ConstantScores, OperatingPoint, RocCurve, Scores

__all__ = ["ClassScores", "ConstantScores", "OperatingPoint", "RocCurve", "Scores", "at_threshold", "constant", "evaluate", "rates_at"]

ROC_POINTS = 400


def evaluate(
    labels: np.ndarray,
    probabilities: np.ndarray,
    *,
    classes: tuple[str, ...],
    positive: str,
    subjects: Sequence[str] | None,
) -> Scores:
    """All figures of one set of predictions.

    `labels` (n,) int, indices into `classes`; `probabilities` (n, classes) float, rows summing to 1; `subjects` (n,) patient
    ids or None. Where an id is missing (None, NaN or ''), no figure counts patients and intervals assume independent images.

    Raises BadInput where shapes, values or names do not fit each other.
    """
    labels, probabilities = _checked(labels, probabilities, classes, positive, subjects)
    codes = intervals.cluster_codes(subjects)
    predicted = probabilities.argmax(axis=1)
    correct = predicted == labels
    confusion = _confusion(labels, predicted, len(classes))
    truth = labels[:, None] == np.arange(len(classes))
    by_class = tuple(
        _class_scores(name, index, confusion, None if codes is None else len(np.unique(codes[truth[:, index]])), roc)
        for index, name in enumerate(classes)
        for roc in [_roc(truth[:, index], probabilities[:, index])]
    )
    one = classes.index(positive)
    point = _operating_point(confusion, one) if len(classes) == 2 else None
    micro = _roc(truth.ravel(), probabilities.ravel())
    areas = [each.auroc for each in by_class]
    return Scores(
        n=len(labels),
        classes=tuple(classes),
        positive=positive,
        subjects=None if codes is None else len(np.unique(codes)),
        by_class=by_class,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        accuracy=float(correct.mean()),
        balanced_accuracy=_balanced_accuracy(confusion),
        weighted_f1=_weighted_f1(confusion),
        sensitivity=point.sensitivity if point else None,
        specificity=point.specificity if point else None,
        ppv=point.ppv if point else None,
        npv=point.npv if point else None,
        auroc=areas[one],
        auroc_micro=micro.auroc if micro else None,
        auroc_macro=None if None in areas else float(np.mean(areas)),
        roc_micro=micro,
        log_loss=_log_loss(labels, probabilities),
        brier=_brier(truth, probabilities),
        intervals=_intervals(labels, predicted, probabilities[:, one], one, len(classes), codes),
    )


def constant(labels: np.ndarray, training_labels: np.ndarray, *, classes: tuple[str, ...]) -> ConstantScores:
    """What calling every image the majority class of the training side reaches; the first of several equally frequent ones.

    `labels` (n,) int of the side that is judged, `training_labels` (m,) int, both indices into `classes`.
    """
    if not len(labels) or not len(training_labels):
        raise BadInput("There are no labels to compare with.", "Choose a split with images on the training and on the test side.")
    majority = int(np.bincount(training_labels, minlength=len(classes)).argmax())
    labels = np.asarray(labels)
    confusion = _confusion(labels, np.full_like(labels, majority), len(classes))
    accuracy = float(np.trace(confusion) / confusion.sum())
    return ConstantScores(classes[majority], accuracy, _balanced_accuracy(confusion), _weighted_f1(confusion), 0.5)


def at_threshold(labels: np.ndarray, p_positive: np.ndarray, threshold: float) -> OperatingPoint:
    """Counts and rates when every image with a probability of at least `threshold` is called positive.

    `labels` (n,) bool or 0/1, 1 for the positive class; `p_positive` (n,) float. NumPy alone, for live use.
    """
    truth, called = np.asarray(labels, dtype=bool), np.asarray(p_positive) >= threshold
    tp, positives, calls = (int(np.count_nonzero(one)) for one in (truth & called, truth, called))
    return OperatingPoint(float(threshold), tp=tp, fn=positives - tp, fp=calls - tp, tn=len(truth) - positives - calls + tp)


def rates_at(labels: np.ndarray, p_positive: np.ndarray, threshold: float, *, subjects: Sequence[str] | None) -> tuple[Interval, Interval]:
    """Sensitivity and false positive rate at a threshold, with their intervals; arguments as in `at_threshold`."""
    truth, called = np.asarray(labels, dtype=bool), np.asarray(p_positive) >= threshold
    codes = intervals.cluster_codes(subjects)
    mine = [None, None] if codes is None else [codes[truth], codes[~truth]]
    return intervals.share(called[truth], mine[0]), intervals.share(called[~truth], mine[1])


def _operating_point(confusion: np.ndarray, positive: int) -> OperatingPoint:
    """A 2 x 2 confusion matrix (rows true) as an operating point of the class with index `positive`."""
    other = 1 - positive
    tp, fn, fp, tn = (int(confusion[i, j]) for i, j in ((positive, positive), (positive, other), (other, positive), (other, other)))
    return OperatingPoint(0.5, tp=tp, fn=fn, fp=fp, tn=tn)


def _checked(labels, probabilities, classes, positive, subjects) -> tuple[np.ndarray, np.ndarray]:
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    if not len(labels):
        raise BadInput("There are no predictions to evaluate.", "Choose a split with images on the test side.")
    if probabilities.shape != (len(labels), len(classes)):
        raise BadInput(
            f"The probabilities have the shape {probabilities.shape}, but there are {len(labels)} labels and {len(classes)} classes.",
            "Give one row for each image and one column for each class.",
        )
    if labels.min() < 0 or labels.max() >= len(classes):
        raise BadInput(f"Labels run from {labels.min()} to {labels.max()}.", f"Use indices from 0 to {len(classes) - 1}.")
    sums = probabilities.sum(axis=1)
    if not (np.isfinite(sums).all() and (probabilities >= 0).all() and np.allclose(sums, 1, atol=1e-3)):
        raise BadInput("Some rows are no probabilities.", "Values must lie between 0 and 1, and each row must sum to 1.")
    if positive not in classes:
        raise BadInput(f"The positive class '{positive}' is not among the classes.", f"Choose one of: {', '.join(classes)}.")
    if subjects is not None and len(subjects) != len(labels):
        raise BadInput(f"There are {len(subjects)} patient ids for {len(labels)} images.", "Give one for each image, or none at all.")
    return labels.astype(np.int64), probabilities


def _confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def _class_scores(name: str, index: int, confusion: np.ndarray, subjects: int | None, roc: RocCurve | None) -> ClassScores:
    hits, support, called = (int(one) for one in (confusion[index, index], confusion[index].sum(), confusion[:, index].sum()))
    return ClassScores(
        name=name,
        support=support,
        subjects=subjects,
        precision=hits / called if called else None,
        recall=hits / support if support else None,
        f1=2 * hits / (support + called) if support + called else None,
        roc=roc,
    )


def _balanced_accuracy(confusion: np.ndarray) -> float:
    support = confusion.sum(axis=1)
    present = support > 0
    return float((np.diag(confusion)[present] / support[present]).mean())


def _weighted_f1(confusion: np.ndarray) -> float:
    return float(bootstrap.f1_of(confusion))


def _log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    from sklearn.metrics import log_loss

    # Rows of float32 models sum to 1 but for rounding, about which scikit-learn would warn.
    return float(log_loss(labels, probabilities / probabilities.sum(axis=1, keepdims=True), labels=np.arange(probabilities.shape[1])))


def _brier(truth: np.ndarray, probabilities: np.ndarray) -> float:
    squares = ((probabilities - truth) ** 2).sum(axis=1).mean()
    return float(squares / 2 if truth.shape[1] == 2 else squares)


def _intervals(labels, predicted, p_positive, positive, classes, codes) -> dict[str, Interval]:
    correct = predicted == labels
    fewest = None if codes is None else min(len(np.unique(codes[labels == one])) for one in np.unique(labels))
    one = labels == positive
    if classes == 2:
        binary = {
            name: intervals.share(correct[mine], None if codes is None else codes[mine])
            for name, mine in (("sensitivity", one), ("specificity", ~one))
        }
    else:
        binary = dict.fromkeys(("sensitivity", "specificity"), Interval(None, note="defined for two classes only"))
    return {
        "accuracy": intervals.share(correct, codes, fewest=fewest),
        "balanced_accuracy": intervals.balanced_accuracy(labels, correct, codes),
        "weighted_f1": bootstrap.weighted_f1(labels, predicted, codes, classes=classes),
        **binary,
        "auroc": intervals.auroc(one, p_positive, codes),
    }


def _roc(truth: np.ndarray, scores: np.ndarray) -> RocCurve | None:
    """The curve of `truth` (n,) bool against `scores` (n,) float; None where one of the two kinds is missing."""
    from sklearn.metrics import auc, roc_curve

    if truth.all() or not truth.any():
        return None
    fpr, tpr, threshold = roc_curve(truth, scores)
    # The first threshold, at which nothing is called positive, comes as infinity: the next number above the highest score does the same.
    threshold[0] = np.nextafter(scores.max(), np.inf)
    kept = _decimated(fpr, tpr, ROC_POINTS)
    return RocCurve(tuple(fpr[kept].tolist()), tuple(tpr[kept].tolist()), tuple(threshold[kept].tolist()), float(auc(fpr, tpr)))


def _decimated(x: np.ndarray, y: np.ndarray, most: int) -> np.ndarray:
    """Indices of at most `most` points that draw nearly the same line (Douglas & Peucker 1973, the worst segment first)."""

    def worst(first: int, last: int) -> tuple[float, int, int, int]:
        dx, dy = x[last] - x[first], y[last] - y[first]
        inner = slice(first + 1, last)
        away = np.abs(dx * (y[inner] - y[first]) - dy * (x[inner] - x[first])) / (np.hypot(dx, dy) or 1.0)
        at = int(away.argmax())
        return -float(away[at]), first + 1 + at, first, last

    kept, queue = [0, len(x) - 1], []
    if len(x) > 2:
        queue.append(worst(0, len(x) - 1))
    while queue and len(kept) < most:
        away, at, first, last = heapq.heappop(queue)
        if away == 0:
            break
        kept.append(at)
        for left, right in ((first, at), (at, last)):
            if right - left > 1:
                heapq.heappush(queue, worst(left, right))
    return np.sort(kept)
