"""Vectors of measured cells, computed once for a data set, size and version, and kept beside its pixels."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from allcore.base import fileio
from allcore.base.paths import DatasetPaths
from allcore.data import cache
from allcore.models import cell_features, features

_AT_ONCE = 256


def opened(paths: DatasetPaths, pixels: np.ndarray, progress: Callable[[float], None]) -> np.ndarray:
    """`cell-v1` of all images, float32 (images, d), rows as in `pixels`, uint8 (images, size, size, 3); made where missing, on all cores.

    `progress` hears the share done, 0 to 1, and may raise: what was computed is then lost, and no file is left.
    """
    file = paths.vectors(f"{features.CELL}-{cache.key(pixels.shape[1])}")
    if not file.exists():
        made = _measured(pixels, progress)
        with fileio.replacing(file) as aside, open(aside, "wb") as stream:
            np.save(stream, made)
    return np.load(file, mmap_mode="r")


def _measured(pixels: np.ndarray, progress: Callable[[float], None]) -> np.ndarray:
    from joblib import Parallel, delayed

    starts = range(0, len(pixels), _AT_ONCE)
    # A few images are done before other processes would have come up.
    cores = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, len(starts))
    parts = []
    work = Parallel(n_jobs=cores, return_as="generator")(
        delayed(cell_features.vectors)(np.asarray(pixels[start : start + _AT_ONCE])) for start in starts
    )
    for number, part in enumerate(work, 1):
        parts.append(part)
        progress(number / len(starts))
    return np.concatenate(parts)
