"""From what a classifier says to one score a class, whose softmax is a probability once the scores are calibrated."""

from __future__ import annotations

import numpy as np


def margins(decided: np.ndarray) -> np.ndarray:
    """A decision function's values, (n,) positive for the second of two classes or (n, classes), to float64 (n, classes).

    Of two classes each takes half, so that the softmax of the scores is the logistic function of the margin.
    """
    decided = np.asarray(decided, np.float64)
    return np.stack([-decided / 2, decided / 2], axis=1) if decided.ndim == 1 else decided


PARTS = 1024
"""So many parts of a vote are told apart."""


def votes(shares: np.ndarray, voters: int) -> np.ndarray:
    """Shares (n, classes) of `voters` votes to float64 log probabilities by Laplace's rule: (votes + 1) / (voters + classes).

    No share is then 0, whose logarithm no calibration could mend, and the order of classes stays. Votes are rounded to PARTS, so that
    neither the order in which they were added up nor float32 breaks a tie: fifty to fifty is that in the estimator and in its graph.
    """
    counted = np.round(np.asarray(shares, np.float64) * (voters * PARTS)) / PARTS
    return np.log((counted + 1) / (voters + shares.shape[1]))
