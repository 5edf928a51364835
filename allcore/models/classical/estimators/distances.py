"""Squared distances between many vectors by one matrix product."""

from __future__ import annotations

import numpy as np

LEVELS = 255
"""Pixels as vectors are n / 255, n whole: `exact` undoes it."""
_COLUMNS = 1024
"""Products of whole numbers from -128 to 127 add up exactly in float32 over so many: 1024 x 128 x 128 = 2^24."""
_ROWS = 1024


def levels(vectors: np.ndarray) -> np.ndarray:
    """Pixel vectors in [0, 1] as the uint8 that they were."""
    return np.rint(vectors * np.float32(LEVELS)).astype(np.uint8)


def squared(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances, float64 (n, m), of two sets of vectors (n, d) and (m, d).

    uint8 vectors stand for pixels: they are divided by 255, and the result is exact before that division, so that it depends neither on
    the order of a sum nor on how many are asked at once. Others are computed in float64.
    """
    if left.dtype == right.dtype == np.uint8:
        return _whole(left, right) / LEVELS**2
    left, right = left.astype(np.float64, copy=False), right.astype(np.float64, copy=False)
    found = left @ right.T
    found *= -2
    found += np.einsum("ij,ij->i", left, left)[:, None]
    found += np.einsum("ij,ij->i", right, right)[None]
    return np.maximum(found, 0, out=found)


def _whole(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Of uint8 vectors, in whole numbers: |a|^2 + |b|^2 - 2ab, where single products run in float32 without a rounding."""
    same = left is right
    right_centred = _centred(right)
    left_centred = right_centred if same else _centred(left)
    right_norms = _norms(right_centred)
    left_norms = right_norms if same else _norms(left_centred)
    found = np.empty((len(left), len(right)))
    part = np.empty((_ROWS, len(right)), np.float32)
    for top in range(0, len(left), _ROWS):
        rows = slice(top, min(top + _ROWS, len(left)))
        width = rows.stop if same else len(right)  # the rest of a symmetric matrix is mirrored below
        products = np.zeros((rows.stop - top, width))
        for start in range(0, left.shape[1], _COLUMNS):
            columns = slice(start, start + _COLUMNS)
            into = part.reshape(-1)[: products.size].reshape(products.shape)
            products += np.matmul(left_centred[rows, columns], right_centred[:width, columns].T, out=into)
        products *= -2
        products += left_norms[rows, None]
        products += right_norms[None, :width]
        found[rows, :width] = products
        if same:
            found[:top, rows] = products[:, :top].T
    return found


def _centred(vectors: np.ndarray) -> np.ndarray:
    centred = vectors.astype(np.float32)
    centred -= 128
    return centred


def _norms(centred: np.ndarray) -> np.ndarray:
    """In float64, since they pass what float32 counts exactly."""
    found = np.zeros(len(centred))
    for start in range(0, centred.shape[1], _COLUMNS):
        part = centred[:, start : start + _COLUMNS]
        found += np.einsum("ij,ij->i", part, part)
    return found
