"""The bootstrap over patients within class, for figures that have no interval of their own in `intervals`.

Percentile limits of few patients are too narrow, for two reasons: a resample of k patients spreads by (k - 1) / k too little, and
a normal quantile stands where a t quantile belongs. Hesterberg (2015), The American Statistician 69:371, mends both by taking
outer percentiles, those of probability Phi(-sqrt(k / (k - 1)) t): the expanded percentile interval. k is the number of
patients in the smaller class. It keeps within the range of the figure, and does not change with its scale.
"""

from __future__ import annotations

import numpy as np

from allcore.metrics import intervals
from allcore.metrics.intervals import Interval

DRAWS = 2000
SEED = 0
METHOD = "bootstrap over {units} within class, expanded percentiles (Hesterberg 2015)"
_AT_ONCE = 250
"""Resamples of a curve that are in memory together."""


def strata(labels: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The class (units,) of each unit 0, 1, ...: the one that most of its images have, the first of several equals.

    `labels` (n,) int from 0, `codes` (n,) int from 0, none left out.
    """
    table = np.zeros((codes.max() + 1, labels.max() + 1), np.int64)
    np.add.at(table, (codes, labels), 1)
    return table.argmax(axis=1)


def draws(of: np.ndarray, *, times: int, seed: int = SEED) -> np.ndarray:
    """How often each unit stands in each resample: int (times, units). `of` (units,) int: the stratum of each, kept in size."""
    random = np.random.default_rng(seed)
    counts = np.zeros((times, len(of)), np.int64)
    for stratum in np.unique(of):
        mine = np.flatnonzero(of == stratum)
        counts[:, mine] = random.multinomial(len(mine), np.full(len(mine), 1 / len(mine)), size=times)
    return counts


def levels(fewest: int) -> tuple[float, float]:
    """The two probabilities at which percentiles of resamples are taken for a 95 % interval, from `fewest` units in the smaller class."""
    from scipy.special import ndtr, stdtrit

    low = float(ndtr(-np.sqrt(fewest / (fewest - 1)) * stdtrit(fewest - 1, 0.5 + intervals.LEVEL / 2)))
    return low, 1 - low


def limits(values: np.ndarray, fewest: int) -> np.ndarray:
    """Lower and upper limit, (2, ...), of resampled `values` (times, ...); resamples without a value (NaN) are left out."""
    return np.nanquantile(values, levels(fewest), axis=0)


def weighted_f1(labels: np.ndarray, predicted: np.ndarray, codes: np.ndarray | None, *, classes: int) -> Interval:
    """F1 of each class, weighted by its images. `labels` and `predicted` (n,) int from 0, `codes` patients (n,) int or None."""
    n = len(labels)
    if not n:
        return Interval(None, note="no such images")
    whole = np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)
    estimate = float(f1_of(whole))
    present = np.unique(labels)
    if codes is None:
        fewest, clusters = int(whole.sum(axis=1)[present].min()), None
    else:
        codes = np.unique(codes, return_inverse=True)[1]
        fewest = min(len(np.unique(codes[labels == one])) for one in present)
        clusters = int(codes.max() + 1)
    kept = _unless_too_few(estimate, fewest, n, clusters)
    if kept is not None:
        return kept
    if codes is None:
        random = np.random.default_rng(SEED)
        tables = np.stack([random.multinomial(row.sum(), row / max(1, row.sum()), size=DRAWS) for row in whole], axis=1)
    else:
        by_unit = np.zeros((clusters, classes, classes), np.int64)
        np.add.at(by_unit, (codes, labels, predicted), 1)
        tables = (draws(strata(labels, codes), times=DRAWS) @ by_unit.reshape(clusters, -1)).reshape(-1, classes, classes)
    low, high = limits(f1_of(tables), fewest)
    return _found(estimate, low, high, n, clusters)


def f1_of(tables: np.ndarray) -> np.ndarray:
    """Weighted F1 (...,) of confusion matrices (..., classes, classes), rows true."""
    support, called = tables.sum(axis=-1), tables.sum(axis=-2)
    hits = np.diagonal(tables, axis1=-2, axis2=-1)
    f1 = 2 * hits / np.maximum(support + called, 1)
    return (f1 * support).sum(axis=-1) / support.sum(axis=-1)


def average_precision(truth: np.ndarray, scores: np.ndarray, codes: np.ndarray | None, *, times: int = DRAWS) -> Interval:
    """Area under the precision-recall curve as scikit-learn counts it: the mean of precision over the steps of recall.

    `truth` (n,) bool, `scores` (n,) float, `codes` patients (n,) int or None (then resampled by image).
    """
    n = len(truth)
    if not truth.any():
        return Interval(None, n=n, note="needs images of the positive class")
    ranked = Ranked(truth, scores, codes)
    estimate = float(ranked.average_precision(np.ones((1, ranked.units)))[0])
    clusters = None if codes is None else ranked.units
    kept = _unless_too_few(estimate, ranked.fewest, n, clusters)
    if kept is not None:
        return kept
    values = np.concatenate([ranked.average_precision(part) for part in ranked.resamples(times)])
    low, high = limits(values, ranked.fewest)
    return _found(estimate, low, high, n, clusters)


class Ranked:
    """Images from the highest score to the lowest, with the unit (patient or image) that each belongs to; for whole curves at once."""

    def __init__(self, truth: np.ndarray, scores: np.ndarray, codes: np.ndarray | None) -> None:
        order = np.argsort(-np.asarray(scores), kind="stable")
        self._truth = np.asarray(truth, dtype=bool)[order]
        inverse = np.arange(len(truth)) if codes is None else np.unique(codes, return_inverse=True)[1]
        self._codes = inverse[order]
        ordered = np.asarray(scores)[order]
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        """The last image of each run of equal scores: a threshold stands behind it, never between equals."""
        self.thresholds = ordered[self._ends]
        self.units = int(inverse.max() + 1)
        self._of = strata(np.asarray(truth).astype(np.int64), inverse)
        self.fewest = min(
            (len(np.unique(inverse[side])) for side in (np.asarray(truth, bool), ~np.asarray(truth, bool)) if side.any()), default=0
        )

    def resamples(self, times: int):
        """Weights of units, (part, units) at a time, `times` in all."""
        for start in range(0, times, _AT_ONCE):
            yield draws(self._of, times=min(_AT_ONCE, times - start), seed=SEED + start)

    def counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """True and false positives (part, thresholds) where each unit counts `weights` (part, units) times."""
        each = weights.astype(np.float32, copy=False)[:, self._codes]
        hits = np.cumsum(each * self._truth, axis=1, dtype=np.float64)[:, self._ends]
        return hits, np.cumsum(each, axis=1, dtype=np.float64)[:, self._ends] - hits

    def average_precision(self, weights: np.ndarray) -> np.ndarray:
        """(part,); NaN where a resample has no positive image."""
        hits, false = self.counts(weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.nan_to_num(hits / (hits + false))
            return (np.diff(hits, axis=1, prepend=0) * precision).sum(axis=1) / hits[:, -1]


def _unless_too_few(estimate: float, fewest: int, n: int, clusters: int | None) -> Interval | None:
    """The answer where nothing need be drawn: too few units, or a figure without an error, of which resamples show no spread."""
    if fewest < intervals.FEWEST_CLUSTERS:
        note = intervals.TOO_FEW_IMAGES if clusters is None else intervals.TOO_FEW_PATIENTS
        return Interval(estimate, n=n, clusters=clusters, note=note)
    if 0 < estimate < 1:
        return None
    bound = ((1 - intervals.LEVEL) / 2) ** (1 / fewest)
    low, high = (bound, 1.0) if estimate >= 1 else (0.0, 1 - bound)
    return Interval(float(round(estimate)), low, high, "Clopper & Pearson (1934)", n=n, clusters=clusters, note=intervals.AT_THE_EDGE)


def _found(estimate: float, low: float, high: float, n: int, clusters: int | None) -> Interval:
    method = METHOD.format(units="images" if clusters is None else "patients")
    note = intervals.INDEPENDENT if clusters is None else ""
    return Interval(estimate, float(low), float(high), method, n=n, clusters=clusters, note=note)
