"""How far images lie from those that a run learnt from, in its own embedding."""

from __future__ import annotations

import numpy as np

from allcore.models import features

NEIGHBOURS = 5


def scaled(kind: str, train: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Embeddings ready to be compared, float32: those of `train` first.

    Measures of cells each have a unit of their own and are brought to the training side's standard deviation. All are
    rounded to float16 first, as a run keeps them, so that equal images are at distance 0.
    """
    parts = [one.astype(np.float16).astype(np.float32) for one in (train, *others)]
    if kind == features.CELL:
        mean, spread = parts[0].mean(axis=0), np.maximum(parts[0].std(axis=0), 1e-6)
        parts = [(one - mean) / spread for one in parts]
    return parts


def nearest(train: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mean Euclidean distance of each of `others` (n, d) to its NEIGHBOURS nearest of `train` (m, d), (n,) float64."""
    from sklearn.neighbors import NearestNeighbors

    count = min(NEIGHBOURS, len(train))
    found, _ = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(train).kneighbors(others)
    return found.mean(axis=1).astype(np.float64)
