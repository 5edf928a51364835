"""Curves over all thresholds with 95 % confidence bands: receiver operating characteristic and precision-recall.

Bands are pointwise, from the bootstrap over patients within class: at each false positive rate (or recall) the limits of the true
positive rate (or precision). They say where one point of the curve may lie, not that the whole curve lies inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allcore.metrics import bootstrap, intervals
from allcore.metrics.bootstrap import Ranked
from allcore.metrics.intervals import Interval

GRID = np.linspace(0, 1, 101)
DRAWS = 500
"""Enough for a band; the smallest share of resamples that it looks at is 0.1 %, for five patients."""


@dataclass(frozen=True)
class Band:
    """Limits at 101 even steps of the horizontal axis; `low` and `high` are empty where there are too few patients (`note`)."""

    x: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    note: str = ""


@dataclass(frozen=True)
class PrecisionRecall:
    """The precision-recall curve of the positive class, recall rising; at `threshold[i]` the figures are `recall[i]`, `precision[i]`.

    `prevalence` is the precision of calling every image positive.
    """

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    threshold: tuple[float, ...]
    prevalence: float
    average: Interval


def precision_recall(truth: np.ndarray, scores: np.ndarray, codes: np.ndarray | None, *, times: int = DRAWS) -> PrecisionRecall | None:
    """The curve and its average precision; None without a positive image. Arguments as in `bootstrap.average_precision`."""
    truth = np.asarray(truth, dtype=bool)
    if not truth.any():
        return None
    ranked = Ranked(truth, scores, codes)
    hits, false = (one[0] for one in ranked.counts(np.ones((1, ranked.units))))
    return PrecisionRecall(
        tuple((hits / hits[-1]).tolist()),
        tuple((hits / (hits + false)).tolist()),
        tuple(ranked.thresholds.tolist()),
        float(truth.mean()),
        bootstrap.average_precision(truth, scores, codes, times=times),
    )


def roc_band(truth: np.ndarray, scores: np.ndarray, codes: np.ndarray | None, *, times: int = DRAWS) -> Band:
    """The true positive rate's limits at each false positive rate."""

    def curve(hits: np.ndarray, false: np.ndarray) -> np.ndarray:
        return np.interp(GRID, np.append(0, false / false[-1]), np.append(0, hits / hits[-1]))

    return _band(truth, scores, codes, times, curve)


def precision_band(truth: np.ndarray, scores: np.ndarray, codes: np.ndarray | None, *, times: int = DRAWS) -> Band:
    """The precision's limits at each recall; left of the first threshold that of the first."""

    def curve(hits: np.ndarray, false: np.ndarray) -> np.ndarray:
        called = hits + false
        known = called > 0
        return np.interp(GRID, hits[known] / hits[-1], hits[known] / called[known])

    return _band(truth, scores, codes, times, curve)


def _band(truth, scores, codes, times, curve) -> Band:
    truth = np.asarray(truth, dtype=bool)
    if truth.all() or not truth.any():
        return Band(tuple(GRID.tolist()), (), (), "needs images of both classes")
    ranked = Ranked(truth, scores, codes)
    if ranked.fewest < intervals.FEWEST_CLUSTERS:
        return Band(tuple(GRID.tolist()), (), (), intervals.TOO_FEW_IMAGES if codes is None else intervals.TOO_FEW_PATIENTS)
    drawn = []
    for weights in ranked.resamples(times):
        hits, false = ranked.counts(weights)
        both = (hits[:, -1] > 0) & (false[:, -1] > 0)
        drawn += [curve(*one) for one in zip(hits[both], false[both], strict=True)]
    low, high = bootstrap.limits(np.array(drawn), ranked.fewest)
    return Band(tuple(GRID.tolist()), tuple(low.tolist()), tuple(high.tolist()), intervals.INDEPENDENT if codes is None else "")
