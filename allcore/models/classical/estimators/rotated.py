"""Linear classifiers with fewer images than features, fitted in as many dimensions as there are images."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from allcore.models.classical.estimators import distances

_MOST = 0.5
"""Images for each feature up to which the products and their factor cost less than they save."""
_JITTER = 1e-10
"""Added to the inner products' diagonal, as a share of its mean: equal images would make them singular."""


class Rotated(ClassifierMixin, BaseEstimator):
    """What `estimator` finds on vectors (n, d), found on n x n numbers where n < d / 2.

    A linear classifier with a squared penalty that starts at 0 sees its vectors through their inner products alone. So it may have L, with
    L L' = X X' (Cholesky), for X; its weights w on L are X' inv(L') w on X. With `centred` the mean is taken off first, which changes where
    an unpenalised constant lies and no answer, and lets L-BFGS arrive in fewer steps. With `whole`, vectors are pixels / 255.
    """

    def __init__(self, estimator: Any, *, centred: bool = False, whole: bool = False) -> None:
        self.estimator = estimator
        self.centred = centred
        self.whole = whole

    def fit(self, X: np.ndarray, y: np.ndarray) -> Rotated:
        """Fit to vectors (n, d) and labels (n,)."""
        mean = X.mean(axis=0, dtype=np.float64) if self.centred else np.zeros(X.shape[1])
        if len(X) < _MOST * X.shape[1]:
            factor = _factor(distances.levels(X) if self.whole else X, centred=self.centred)
            fitted = clone(self.estimator).fit(factor.astype(X.dtype), y)
            shares = solve_triangular(factor, fitted.coef_.T.astype(np.float64), lower=True, trans="T")
            self.coef_ = shares.T.astype(X.dtype) @ X - shares.sum(axis=0)[:, None] * mean
        else:
            fitted = clone(self.estimator).fit(X - mean.astype(X.dtype) if self.centred else X, y)
            self.coef_ = fitted.coef_
        self.intercept_ = fitted.intercept_ - self.coef_ @ mean
        self.classes_, self.n_iter_, self.n_features_in_ = fitted.classes_, int(np.max(fitted.n_iter_)), X.shape[1]
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """(n,) for two classes, positive for the second; (n, classes) for more."""
        decided = X @ self.coef_.T + self.intercept_
        return decided[:, 0] if decided.shape[1] == 1 else decided

    def predict(self, X: np.ndarray) -> np.ndarray:
        decided = self.decision_function(X)
        return self.classes_[(decided > 0).astype(int) if decided.ndim == 1 else decided.argmax(axis=1)]


def _factor(vectors: np.ndarray, *, centred: bool) -> np.ndarray:
    """L, float64 (n, n), lower, whose L L' are the vectors' inner products, about their mean where `centred`."""
    products = distances.squared(vectors, vectors)
    if centred:  # -1/2 J D J, J = I - 1/n (Torgerson 1952)
        mean = products.mean(axis=0)
        products -= mean
        products -= mean[:, None]
        products += mean.mean()
    else:
        scaled = vectors.astype(np.float64) / (distances.LEVELS if vectors.dtype == np.uint8 else 1)
        norms = np.einsum("ij,ij->i", scaled, scaled)
        products -= norms
        products -= norms[:, None]
    products *= -0.5
    products[np.diag_indices_from(products)] += _JITTER * np.trace(products) / len(products)
    return cholesky(products, lower=True, overwrite_a=True, check_finite=False)
