"""A support vector machine whose kernel is one matrix product; scikit-learn's libsvm solves it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import SVC

from allcore.models.classical.estimators import distances

_AT_ONCE = 1024
_CACHE_MB = 1000


class SupportVectors(ClassifierMixin, BaseEstimator):
    """As scikit-learn's SVC with radial basis functions and gamma 'scale', times `width`; a machine a pair of classes.

    SVC computes its kernel a pair of vectors at a time; computed beforehand by a matrix product, it takes a tenth of the time.
    With `whole`, vectors are pixels / 255 and kept as uint8. `iterations` bounds libsvm's steps; -1 sets no bound.
    """

    def __init__(
        self, *, C: float = 1.0, width: float = 1.0, class_weight: str | None = None, iterations: int = -1, whole: bool = False
    ) -> None:
        self.C = C
        self.width = width
        self.class_weight = class_weight
        self.iterations = iterations
        self.whole = whole

    def fit(self, X: np.ndarray, y: np.ndarray) -> SupportVectors:
        """Solve for vectors (n, d) and labels (n,) of at least two classes. Needs 8 n^2 bytes for the kernel."""
        kept = self._kept(X)
        variance = kept.var(dtype=np.float64) / (distances.LEVELS**2 if self.whole else 1)
        self.gamma_ = self.width / (X.shape[1] * variance) if variance else 1.0
        kernel = distances.squared(kept, kept)
        kernel *= -self.gamma_
        machine = SVC(kernel="precomputed", C=self.C, class_weight=self.class_weight, max_iter=self.iterations, cache_size=_CACHE_MB).fit(
            np.exp(kernel, out=kernel), y
        )
        self.classes_, self.n_features_in_ = machine.classes_, X.shape[1]
        self.n_iter_ = int(machine.n_iter_.max())
        self.converged_ = machine.fit_status_ == 0
        self.vectors_ = kept[machine.support_]
        self.weights_, self.offsets_ = _pairwise(machine)
        return self

    def pairwise(self, X: np.ndarray) -> np.ndarray:
        """Each pair of classes' decision, float64 (n, pairs); positive for the pair's first class."""
        asked = self._kept(X)
        parts = [
            np.exp(-self.gamma_ * distances.squared(asked[start : start + _AT_ONCE], self.vectors_)) @ self.weights_ + self.offsets_
            for start in range(0, max(len(asked), 1), _AT_ONCE)
        ]
        return np.concatenate(parts)

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """For two classes (n,), positive for the second; for more (n, classes): votes, and within equal votes the sum of decisions."""
        decisions = self.pairwise(X)
        if len(self.classes_) == 2:
            return -decisions[:, 0]
        return ranked(decisions, len(self.classes_))

    def predict(self, X: np.ndarray) -> np.ndarray:
        decided = self.decision_function(X)
        return self.classes_[(decided > 0).astype(int) if decided.ndim == 1 else decided.argmax(axis=1)]

    def _kept(self, X: np.ndarray) -> np.ndarray:
        return distances.levels(X) if self.whole else X.astype(np.float64)


def signs(classes: int) -> np.ndarray:
    """(pairs, classes): 1 where a pair's decision speaks for a class, -1 where against."""
    pairs = list(combinations(range(classes), 2))
    found = np.zeros((len(pairs), classes))
    for row, (first, second) in enumerate(pairs):
        found[row, first], found[row, second] = 1, -1
    return found


def ranked(decisions: np.ndarray, classes: int) -> np.ndarray:
    """Decisions of pairs (n, pairs) as one score a class: won pairs, and less than half a pair for the sum of its decisions."""
    sign = signs(classes)
    first = (decisions > 0).astype(np.float64)
    won = first @ (sign > 0) + (1 - first) @ (sign < 0)
    sums = decisions @ sign
    return won + sums / (3 * (np.abs(sums) + 1))


def _pairwise(machine: SVC) -> tuple[np.ndarray, np.ndarray]:
    """libsvm's coefficients, a column a pair of classes (support vectors, pairs), and a constant each."""
    classes = len(machine.classes_)
    ends = np.cumsum(machine.n_support_)
    of_class = [slice(end - count, end) for end, count in zip(ends, machine.n_support_, strict=True)]
    pairs = list(combinations(range(classes), 2))
    weights = np.zeros((len(machine.support_), len(pairs)))
    for column, (first, second) in enumerate(pairs):
        weights[of_class[first], column] = machine.dual_coef_[second - 1, of_class[first]]
        weights[of_class[second], column] = machine.dual_coef_[first, of_class[second]]
    offsets = machine.intercept_.copy()
    return (-weights, -offsets) if classes == 2 else (weights, offsets)  # scikit-learn turns the sign where there is one pair
