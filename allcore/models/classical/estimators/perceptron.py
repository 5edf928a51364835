"""scikit-learn's multilayer perceptron, with weights for its classes."""

from __future__ import annotations

import numpy as np
from sklearn.neural_network import MLPClassifier
from sklearn.utils.class_weight import compute_sample_weight


class BalancedPerceptron(MLPClassifier):
    """MLPClassifier has no `class_weight`, but its `fit` weighs images (since scikit-learn 1.7): each by its class's rarity."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> BalancedPerceptron:
        """Train on vectors (n, d) and labels (n,)."""
        return super().fit(X, y, sample_weight=compute_sample_weight("balanced", y))
