"""Probabilities by one method for all classifiers: temperature scaling on scores of patients held out in turn.

p = softmax(s / T) (Guo, Pleiss, Sun & Weinberger 2017, ICML, section 4). One T > 0 for all classes: it changes how sure the classifier is,
never which class it names. T is fitted by maximum likelihood to scores of images that the classifier which gave them had not seen, whole
patients out at a time, and to Platt's smoothed targets (1999, section 2.2): (n + 1) / (n + K) for the true of K classes with n images,
1 / (n + K) for each other, so that T stays finite where the scores tell the classes apart without an error.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

FOLDS = 3
_WIDEST = 1e3
"""1 / T lies within this factor of the scores' own spread."""


def folds(labels: np.ndarray, groups: np.ndarray | None, *, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Up to FOLDS pairs of rows (to fit, to score), stratified by class, whole groups where there are any; each fit sees every class.

    Empty where no class may be divided so.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    units = groups if groups is not None else np.arange(len(labels))
    classes = np.unique(labels)
    count = min(FOLDS, *(len(np.unique(units[labels == name])) for name in classes))
    if count < 2:
        return []
    folder = (StratifiedKFold if groups is None else StratifiedGroupKFold)(count, shuffle=True, random_state=seed)
    return [(fit, score) for fit, score in folder.split(labels, labels, groups) if len(np.unique(labels[fit])) == len(classes)]


def temperature(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """T for scores (n, classes), labels (n,) as column numbers and weights (n,). 1 where all scores are equal."""
    classes = scores.shape[1]
    spread = float(scores.std(axis=1).mean())
    if not spread:
        return 1.0
    counts = np.bincount(labels, minlength=classes)
    targets = np.repeat(1 / (counts[labels] + classes)[:, None], classes, axis=1)
    targets[np.arange(len(labels)), labels] *= counts[labels] + 1

    def loss(log_sharpness: float) -> float:
        return -float(weights @ (targets * log_softmax(scores * np.exp(log_sharpness), axis=1)).sum(axis=1)) / weights.sum()

    middle = -np.log(spread)
    found = minimize_scalar(loss, bounds=(middle - np.log(_WIDEST), middle + np.log(_WIDEST)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(-found.x))
