"""Two runs on the same test images: the difference of their figures, with its interval over patients.

Cells that are hard for one model are mostly hard for the other, so a difference is paired: far narrower than two
intervals side by side suggest, and judged by its own. Areas: DeLong's components subtracted image by image, summed by patient
(DeLong et al. 1988; Obuchowski 1997). Shares: the ratio estimator on differences of right and wrong. Both with a t quantile, degrees
of freedom as in `intervals`. Without patients: plain DeLong, and for shares McNemar's exact test. Several comparisons are
corrected by Holm (1979), Scandinavian Journal of Statistics 6:65.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from allcore.base.errors import BadInput
from allcore.metrics import intervals
from allcore.metrics.intervals import Interval

SAME = "both runs answer alike"
AUROC, BALANCED, SENSITIVITY, SPECIFICITY, ACCURACY = "AUROC", "balanced accuracy", "sensitivity", "specificity", "accuracy"


@dataclass(frozen=True)
class Difference:
    """`interval` is that of (first - second), from -1 to 1; `p` tests that it is 0 (two-sided), `p_holm` after correction."""

    measure: str
    first: float | None
    second: float | None
    interval: Interval
    p: float | None
    p_holm: float | None = None

    def verdict(self, first: str, second: str) -> str:
        """What may be concluded, in a sentence."""
        one = self.interval
        if one.estimate is None or one.low is None or one.high is None:
            return f"No conclusion on {self.measure}: {one.note or 'there is no interval'}."
        p = self.p if self.p_holm is None else self.p_holm
        if p is not None and p < 1 - intervals.LEVEL:
            better, worse = (first, second) if one.estimate > 0 else (second, first)
            return f"{better} has the higher {self.measure} than {worse} on this test side (p {shown(p)})."
        return (
            f"No difference in {self.measure} is shown (p {shown(p)}): anything from {one.low:+.2f} to {one.high:+.2f} fits these images. "
            "That is not a proof that they are equal."
        )


def shown(p: float | None) -> str:
    """A p-value as people read it: '0.03', '0.004', '<0.001'."""
    if p is None:
        return "not known"
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.01 else f"{p:.2f}"


def paired(
    truth: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    *,
    thresholds: tuple[float, float],
    subjects: Sequence[str] | None,
) -> tuple[Difference, ...]:
    """Differences of AUROC, balanced accuracy, sensitivity, specificity and accuracy of two runs with two classes.

    `truth` (n,) bool, `first` and `second` (n,) float: probabilities of the positive class for the same images in the same order;
    `thresholds`: an image is called positive from them upwards. Raises BadInput where shapes differ.
    """
    truth, first, second = np.asarray(truth, dtype=bool), np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if not truth.shape == first.shape == second.shape or not len(truth):
        raise BadInput("The two runs were not tested on the same images.", "Compare runs of one test side.")
    codes = intervals.cluster_codes(subjects)
    right = [(scores >= threshold) == truth for scores, threshold in zip((first, second), thresholds, strict=True)]
    everything = np.ones(len(truth), dtype=bool)
    return (
        auroc(truth, first, second, codes),
        balanced_accuracy(truth.astype(np.int64), *right, codes),
        share(SENSITIVITY, *right, codes, where=truth, labels=truth),
        share(SPECIFICITY, *right, codes, where=~truth, labels=truth),
        share(ACCURACY, *right, codes, where=everything, labels=truth),
    )


def of_answers(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray, *, subjects: Sequence[str] | None
) -> tuple[Difference, Difference]:
    """Differences of balanced accuracy and accuracy of two runs with any number of classes.

    `labels` (n,) int, `first` and `second` (n,) bool: whether each run's answer to the same image is right. Raises BadInput.
    """
    if not labels.shape == first.shape == second.shape or not len(labels):
        raise BadInput("The two runs were not tested on the same images.", "Compare runs of one test side.")
    codes = intervals.cluster_codes(subjects)
    everything = np.ones(len(labels), dtype=bool)
    return balanced_accuracy(labels, first, second, codes), share(ACCURACY, first, second, codes, where=everything, labels=labels)


def auroc(truth: np.ndarray, first: np.ndarray, second: np.ndarray, codes: np.ndarray | None) -> Difference:
    """Arguments as in `intervals.auroc`, for two scores."""
    n = len(truth)
    if truth.all() or not truth.any():
        return Difference(AUROC, None, None, Interval(None, n=n, note="needs images of both classes"), None)
    units = np.arange(n) if codes is None else np.unique(codes, return_inverse=True)[1]
    wins = [intervals.placements(one[truth], one[~truth]) for one in (first, second)]
    areas = [float(one[0].mean()) for one in wins]
    positive, negative = wins[0][0] - wins[1][0], wins[0][1] - wins[1][1]
    variance, freedom = intervals.placement_variance(positive, negative, units[truth], units[~truth])
    fewest = min(len(np.unique(units[truth])), len(np.unique(units[~truth])))
    method = ("paired DeLong (1988)" if codes is None else "paired DeLong by patient (Obuchowski 1997)") + ", t"
    return _difference(AUROC, *areas, variance, freedom, fewest, n, codes, method)


def share(
    measure: str, first: np.ndarray, second: np.ndarray, codes: np.ndarray | None, *, where: np.ndarray, labels: np.ndarray
) -> Difference:
    """Difference of two shares of right answers, `first` and `second` (n,) bool, among the images `where` (n,) bool.

    `labels` (n,): their classes, of which the one with the fewest patients decides whether there is an interval.
    """
    one, other, n = first[where], second[where], int(where.sum())
    if not n:
        return Difference(measure, None, None, Interval(None, note="no such images"), None)
    units = np.arange(n) if codes is None else np.unique(codes[where], return_inverse=True)[1]
    change = one.astype(float) - other
    variance, freedom = (intervals.ratio_variance(change, units), intervals.degrees(units)) if units.max() > 0 else (0.0, 1.0)
    fewest = min(len(np.unique(units[labels[where] == each])) for each in np.unique(labels[where]))
    if codes is not None:
        method = "paired ratio estimator by patient (Rao & Scott 1992), t"
        return _difference(measure, float(one.mean()), float(other.mean()), variance, freedom, fewest, n, codes, method)
    method = "paired shares, t; p by McNemar's exact test"
    found = _difference(measure, float(one.mean()), float(other.mean()), variance, freedom, fewest, n, codes, method)
    p = mcnemar(int((one & ~other).sum()), int((other & ~one).sum()))
    return Difference(measure, found.first, found.second, found.interval, p)


def balanced_accuracy(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray, codes: np.ndarray | None, *, repeats: np.ndarray | None = None
) -> Difference:
    """Difference of the mean recalls over classes 0, 1, ...; `first` and `second` (n,) bool: answers that are right.

    `repeats` (n,) int: the split or draw that each answer comes from, where models were trained anew for several. Answers of one pair
    of models share its luck as those on one patient share theirs, so the variance is then clustered both ways (Cameron, Gelbach &
    Miller 2011, Journal of Business & Economic Statistics 29:238), never under that of either way alone; degrees of freedom are the
    fewer of both.
    """
    present, labels = np.unique(labels, return_inverse=True)
    n, counts = len(labels), np.bincount(labels)
    units = np.arange(n) if codes is None else np.unique(codes, return_inverse=True)[1]
    change = first.astype(float) - second
    variance, freedom = _change_variance(labels, change, units)
    by = "image" if codes is None else "patient"
    if repeats is not None and len(np.unique(repeats)) > 1:
        rounds = np.unique(repeats, return_inverse=True)[1]
        of_rounds, free = _change_variance(labels, change, rounds)
        shared, _ = _change_variance(labels, change, units * (rounds.max() + 1) + rounds)
        variance, freedom = max(variance + of_rounds - shared, variance, of_rounds), min(freedom, free)
        by += " and repeat (Cameron, Gelbach & Miller 2011)"
    fewest = min(len(np.unique(units[labels == one])) for one in range(len(present)))
    areas = [float((np.bincount(labels, weights=one) / counts).mean()) for one in (first, second)]
    return _difference(BALANCED, *areas, variance, freedom, fewest, n, codes, f"paired recalls by {by}, t")


def _change_variance(labels: np.ndarray, change: np.ndarray, units: np.ndarray) -> tuple[float, float]:
    """Of the mean over classes of the mean `change` (n,) in each, clustered by `units` (n,), and its degrees of freedom."""
    units = np.unique(units, return_inverse=True)[1]
    counts, total = np.bincount(labels), units.max() + 1
    means = np.bincount(labels, weights=change) / counts
    residuals = np.zeros((len(counts), total))
    np.add.at(residuals, (labels, units), (change - means[labels]) / counts[labels] / len(counts))
    members = [units[labels == one] for one in range(len(counts))]
    clusters = [len(np.unique(mine)) for mine in members]
    within = [k / max(1, k - 1) * float((one**2).sum()) for k, one in zip(clusters, residuals, strict=True)]
    # Clusters with images of several classes: what the classes' residuals share.
    across = float((residuals.sum(axis=0) ** 2).sum() - (residuals**2).sum()) * total / max(1, total - 1)
    freedom = intervals.satterthwaite([(v, intervals.degrees(mine)) for v, mine in zip(within, members, strict=True)])
    return max(0.0, sum(within) + across), freedom


def independent(first: Interval, second: Interval) -> Interval:
    """(first - second) of two figures from different images and patients: limits recovered from their own (MOVER; Zou & Donner 2008).

    Without limits where either has none.
    """
    n = first.n + second.n
    clusters = None if first.clusters is None or second.clusters is None else first.clusters + second.clusters
    if first.estimate is None or second.estimate is None:
        return Interval(None, n=n, clusters=clusters, note=first.note or second.note)
    estimate = first.estimate - second.estimate
    if None in (first.low, first.high, second.low, second.high):
        lacking = first if first.low is None or first.high is None else second
        return Interval(estimate, n=n, clusters=clusters, note=lacking.note)
    low = estimate - math.hypot(first.estimate - first.low, second.high - second.estimate)
    high = estimate + math.hypot(first.high - first.estimate, second.estimate - second.low)
    note = intervals.INDEPENDENT if clusters is None else ""
    return Interval(estimate, max(-1.0, low), min(1.0, high), "MOVER (Zou & Donner 2008)", n, clusters, note)


def mcnemar(first_alone: int, second_alone: int) -> float:
    """Two-sided exact p of McNemar's test: images that the first, and that the second alone got right."""
    from scipy.stats import binomtest

    discordant = first_alone + second_alone
    return float(binomtest(first_alone, discordant, 0.5).pvalue) if discordant else 1.0


def holm(values: Sequence[float | None]) -> tuple[float | None, ...]:
    """p-values corrected for being several (Holm 1979); None stays None and counts as no comparison."""
    known = sorted((value, place) for place, value in enumerate(values) if value is not None)
    corrected: list[float | None] = [None] * len(values)
    least = 0.0
    for rank, (value, place) in enumerate(known):
        least = max(least, min(1.0, (len(known) - rank) * value))
        corrected[place] = least
    return tuple(corrected)


def corrected(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """The same with `p_holm`."""
    return tuple(replace(one, p_holm=p) for one, p in zip(found, holm([one.p for one in found]), strict=True))


def _difference(measure, first, second, variance, degrees, fewest, n, codes, method) -> Difference:
    from scipy.special import stdtr, stdtrit

    estimate, clusters = first - second, None if codes is None else len(np.unique(codes))
    if fewest < intervals.FEWEST_CLUSTERS:
        note = intervals.TOO_FEW_IMAGES if codes is None else intervals.TOO_FEW_PATIENTS
        return Difference(measure, first, second, Interval(estimate, n=n, clusters=clusters, note=note), None)
    note = intervals.INDEPENDENT if codes is None else ""
    if variance <= 1e-18:
        if abs(estimate) > 1e-12:  # the same shift in every patient: no spread to judge it by
            note = "; ".join(filter(None, (note, "no spread between patients to judge the difference by")))
            return Difference(measure, first, second, Interval(estimate, n=n, clusters=clusters, note=note), None)
        note = "; ".join(filter(None, (note, SAME)))
        return Difference(measure, first, second, Interval(0.0, 0.0, 0.0, method, n, clusters, note), 1.0)
    spread = math.sqrt(variance)
    reach = float(stdtrit(degrees, 0.5 + intervals.LEVEL / 2)) * spread
    p = float(2 * stdtr(degrees, -abs(estimate) / spread))
    low, high = max(-1.0, estimate - reach), min(1.0, estimate + reach)
    return Difference(measure, first, second, Interval(estimate, low, high, method, n, clusters, note), p)
