"""k nearest neighbours by one matrix product."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from allcore.models.classical.estimators import distances

_AT_ONCE = 512


class Neighbours(ClassifierMixin, BaseEstimator):
    """As scikit-learn's KNeighborsClassifier by brute force: Euclidean, every vote equal; of equally near ones the first in order votes.

    Where there are fewer vectors than `neighbours`, all vote.

    With `whole`, vectors are pixels / 255 and kept as uint8: a quarter of the memory, and distances without a rounding.
    """

    def __init__(self, neighbours: int = 5, *, whole: bool = False) -> None:
        self.neighbours = neighbours
        self.whole = whole

    def fit(self, X: np.ndarray, y: np.ndarray) -> Neighbours:
        """Keep vectors (n, d) and labels (n,)."""
        self.vectors_ = self._kept(X)
        self.classes_, self.labels_ = np.unique(y, return_inverse=True)
        self.voters_, self.n_features_in_ = min(self.neighbours, len(X)), X.shape[1]
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Shares of the votes, float64 (n, classes)."""
        asked, members = self._kept(X), np.eye(len(self.classes_))[self.labels_]
        votes = np.empty((len(asked), len(self.classes_)))
        for start in range(0, len(asked), _AT_ONCE):
            near = nearest(distances.squared(asked[start : start + _AT_ONCE], self.vectors_), self.voters_)
            votes[start : start + _AT_ONCE] = near.astype(np.float32) @ members
        return votes / self.voters_

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _kept(self, X: np.ndarray) -> np.ndarray:
        return distances.levels(X) if self.whole else X.astype(np.float64)


def nearest(squared: np.ndarray, count: int) -> np.ndarray:
    """Which `count` of each row are smallest, bool as `squared`; of equals the first."""
    last = np.partition(squared, count - 1, axis=1)[:, count - 1 : count]
    near = squared < last
    open_ = count - near.sum(axis=1, keepdims=True)
    equal = squared == last
    several = np.flatnonzero(equal.sum(axis=1) > open_[:, 0])
    equal[several] &= np.cumsum(equal[several], axis=1) <= open_[several]
    return near | equal
