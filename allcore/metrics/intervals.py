"""Confidence intervals (95 %) that know that cells of one patient resemble each other.

Sources: Obuchowski (1997), Biometrics 53:567 (AUROC of clustered data); DeLong, DeLong & Clarke-Pearson (1988), Biometrics
44:837; Rao & Scott (1992), Biometrics 48:577 (ratio estimator of a clustered proportion); Wilson (1927); Clopper & Pearson
(1934). With patients, an interval is symmetric on the logit scale and uses a t quantile, since patients are few. Its degrees of
freedom are not simply patients less one: a patient with ten times the cells of the others decides nearly alone, and leaves fewer
(Bell & McCaffrey 2002, Survey Methodology 28:169; Satterthwaite 1946 where two classes add up).

At the edge, where the logit does not exist: an estimate of exactly 0 or 1 shows no spread between patients, and says nothing of how
alike their cells are. The safe reading is that each patient is one observation, so the interval is Clopper and Pearson's
exact one for k of k patients. It is wide on purpose.

Coverage over 2,000 simulated sets of 13 + 15, 47 + 26 and 60 + 41 patients with unequal numbers of cells and an intra-patient
correlation of 0.3 (benchmarks/coverage.py): AUROC 0.96, 0.95, 0.94; sensitivity and specificity 0.94 to 0.97; plain DeLong 0.46 to 0.50.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

LEVEL = 0.95
FEWEST_CLUSTERS = 5
INDEPENDENT = "assumes independent images"
TOO_FEW_PATIENTS = "too few patients for an interval"
TOO_FEW_IMAGES = "too few images for an interval"
NO_RANKING = "all scores are equal: 0.5 whatever the images"
AT_THE_EDGE = "no error seen: exact limits with each patient as one observation"


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % limits.

    `estimate` is None where there is no figure at all, `low` and `high` are None where there is no interval (`note` says why).
    `n` counts the images behind the figure, `clusters` their patients (None without patient ids).
    """

    estimate: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""
    n: int = 0
    clusters: int | None = None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Interval:
        """The inverse of `to_dict`."""
        return cls(**{name: document[name] for name in cls.__dataclass_fields__})


def cluster_codes(subjects: Sequence[str] | None) -> np.ndarray | None:
    """Patient ids (n,) as codes 0, 1, ... (int64); None where there are no ids, or not for every image."""
    import pandas

    if subjects is None:
        return None
    ids = np.asarray(subjects, dtype=object)
    if pandas.isna(ids).any() or (ids == "").any():
        return None
    return np.unique(ids.astype(str), return_inverse=True)[1]


def proportion(successes: np.ndarray, subjects: Sequence[str] | None) -> Interval:
    """The share of `successes` (n,) bool: Rao & Scott's ratio estimator by patient, or Wilson's interval without ids."""
    return share(np.asarray(successes, dtype=bool), cluster_codes(subjects))


def share(successes: np.ndarray, codes: np.ndarray | None, *, fewest: int | None = None) -> Interval:
    """As `proportion`, with patients as codes; `fewest`: patients of the rarest class, where the images are of several."""
    n = len(successes)
    if n == 0:
        return Interval(None, note="no such images")
    estimate = float(successes.mean())
    if codes is None:
        return _wilson(estimate, n)
    clusters = len(np.unique(codes))
    if min(clusters, fewest or clusters) < FEWEST_CLUSTERS:
        return Interval(estimate, n=n, clusters=clusters, note=TOO_FEW_PATIENTS)
    method = "ratio estimator by patient (Rao & Scott 1992), logit scale, t"
    variance = max(ratio_variance(successes, codes), _binomial_variance(estimate, n))
    return _limits(estimate, variance, degrees=degrees(codes), method=method, n=n, clusters=clusters, note="", edge=clusters)


def degrees(codes: np.ndarray) -> float:
    """Degrees of freedom of a mean over clusters `codes` (n,) int (Bell & McCaffrey 2002), at least 1; for equal sizes clusters - 1.

    Under the working model that cells of one cluster are all alike, so that its sum varies as its size squared: the safe side.
    """
    sizes = np.unique(codes, return_counts=True)[1].astype(np.float64)
    if sizes.min() == sizes.max():
        return float(max(1, len(sizes) - 1))
    weight, spread = sizes / sizes.sum(), sizes**2
    # The covariance of residuals, whose own mean was taken off, and each scaled up for having been drawn towards it.
    residual = np.diag(spread) - np.outer(weight, spread) - np.outer(spread, weight) + np.outer(weight, weight) * spread.sum()
    scaled = residual / (1 - weight)[:, None]
    return float(max(1.0, np.trace(scaled) ** 2 / (scaled * scaled.T).sum()))


def satterthwaite(parts: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of variances, given as (variance, degrees) each (Satterthwaite 1946); the fewest where all are 0."""
    total = sum(variance for variance, _ in parts)
    if total <= 0:
        return min(own for _, own in parts)
    return total**2 / sum(variance**2 / own for variance, own in parts)


def ratio_variance(successes: np.ndarray, codes: np.ndarray) -> float:
    """Variance of a share whose images come in clusters (Rao & Scott 1992): k/(k-1) sum_i (x_i - p m_i)^2 / n^2."""
    _, codes = np.unique(codes, return_inverse=True)
    clusters = codes.max() + 1
    residuals = np.bincount(codes, weights=successes - successes.mean())
    return float(clusters / (clusters - 1) * (residuals**2).sum() / len(successes) ** 2)


def balanced_accuracy(labels: np.ndarray, correct: np.ndarray, codes: np.ndarray | None) -> Interval:
    """The mean recall of the classes present. `labels` (n,) int, `correct` (n,) bool, `codes` patients (n,) int or None.

    Limits recovered from those of each class's recall (MOVER; Zou & Donner 2008), so that a class without a single error, whose
    own limits are wide, widens them by its share and no more. Where one patient has images of several classes, the recalls'
    correlation counts.
    """
    present, labels = np.unique(labels, return_inverse=True)
    classes, n = len(present), len(labels)
    units = np.arange(n) if codes is None else np.unique(codes, return_inverse=True)[1]
    clusters = None if codes is None else int(units.max() + 1)
    members = [labels == one for one in range(classes)]
    recalls = np.array([correct[mine].mean() for mine in members])
    estimate = float(recalls.mean())
    if min(len(np.unique(units[mine])) for mine in members) < FEWEST_CLUSTERS:
        return Interval(estimate, n=n, clusters=clusters, note=TOO_FEW_IMAGES if codes is None else TOO_FEW_PATIENTS)
    shares = [share(correct[mine], None if codes is None else codes[mine]) for mine in members]
    covariance = recalls_covariance(labels, correct, units)
    spread = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(spread, spread)
    below = recalls - [one.low for one in shares]
    above = [one.high for one in shares] - recalls
    low, high = (math.sqrt(max(0.0, reach @ correlation @ reach)) / classes for reach in (below, above))
    method = "class-wise recalls by " + ("image" if codes is None else "patient") + ", MOVER (Zou & Donner 2008)"
    note = INDEPENDENT if codes is None else ""
    return Interval(estimate, max(0.0, estimate - low), min(1.0, estimate + high), method, note=note, n=n, clusters=clusters)


def recalls_covariance(labels: np.ndarray, correct: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Covariance (classes, classes) of the recalls of classes 0, 1, ..., images grouped by `units` 0, 1, ...

    A class's own variance is no smaller than that of independent images; a recall of exactly 0 or 1, which shows no spread,
    takes the binomial variance of (k + 1/2) / (k + 1) over its k units. Between classes: k/(k-1) times the sum of products.
    """
    counts = np.bincount(labels)
    recalls = np.bincount(labels, weights=correct) / counts
    total = units.max() + 1
    residuals = np.zeros((len(counts), total))
    np.add.at(residuals, (labels, units), correct - recalls[labels])
    covariance = total / (total - 1) * (residuals @ residuals.T) / np.outer(counts, counts)
    for one, recall in enumerate(recalls):
        mine = labels == one
        clusters = len(np.unique(units[mine]))
        if 0 < recall < 1:
            covariance[one, one] = max(ratio_variance(correct[mine], units[mine]), _binomial_variance(recall, counts[one]))
        else:
            covariance[one, one] = (clusters + 0.5) * 0.5 / (clusters + 1) ** 2 / clusters
    return covariance


def auroc(positive: np.ndarray, scores: np.ndarray, codes: np.ndarray | None) -> Interval:
    """Area under the ROC curve: Obuchowski's clustered DeLong by patient, plain DeLong without ids.

    `positive` (n,) bool, `scores` (n,) float, `codes` patients (n,) int or None.
    """
    n = len(positive)
    if positive.all() or not positive.any():
        return Interval(None, n=n, note="needs images of both classes")
    units = np.arange(n) if codes is None else codes
    wins = placements(scores[positive], scores[~positive])
    estimate = float(wins[0].mean())
    variance, freedom = placement_variance(*wins, units[positive], units[~positive])
    clusters = None if codes is None else len(np.unique(codes))
    fewest = min(len(np.unique(units[positive])), len(np.unique(units[~positive])))
    if fewest < FEWEST_CLUSTERS:
        return Interval(estimate, n=n, clusters=clusters, note=TOO_FEW_IMAGES if codes is None else TOO_FEW_PATIENTS)
    method = ("DeLong (1988)" if codes is None else "DeLong by patient (Obuchowski 1997)") + ", logit scale, t"
    note = NO_RANKING if scores.min() == scores.max() else INDEPENDENT if codes is None else ""
    return _limits(estimate, variance, degrees=freedom, method=method, n=n, clusters=clusters, note=note, edge=fewest)


def auroc_variance(positive: np.ndarray, scores: np.ndarray, units: np.ndarray) -> tuple[float, float]:
    """Area and its variance over clusters `units` (n,) int (Obuchowski 1997, eqs. 2 to 5); O(n log n).

    With every image a cluster of its own this is DeLong's variance exactly.
    """
    wins_positive, wins_negative = placements(scores[positive], scores[~positive])
    return float(wins_positive.mean()), placement_variance(wins_positive, wins_negative, units[positive], units[~positive])[0]


def placement_variance(
    positive: np.ndarray, negative: np.ndarray, units_positive: np.ndarray, units_negative: np.ndarray
) -> tuple[float, float]:
    """Variance of the mean of `placements`, or of the differences between those of two scores, grouped by units (Obuchowski 1997).

    `positive` (m,) and `negative` (n,) float have the same mean; `units_positive` (m,) and `units_negative` (n,) int. With it the
    degrees of freedom.
    """
    mean, m, n = positive.mean(), len(positive), len(negative)
    units = np.unique(np.concatenate([units_positive, units_negative]), return_inverse=True)[1]
    total = units.max() + 1
    residual_positive = np.bincount(units[:m], weights=positive - mean, minlength=total)
    residual_negative = np.bincount(units[m:], weights=negative - mean, minlength=total)
    k_positive, k_negative = len(np.unique(units[:m])), len(np.unique(units[m:]))
    if min(k_positive, k_negative) < 2:
        return 0.0, 1.0
    s10 = k_positive / (k_positive - 1) / m * (residual_positive**2).sum()
    s01 = k_negative / (k_negative - 1) / n * (residual_negative**2).sum()
    s11 = total / (total - 1) * (residual_positive * residual_negative).sum()
    freedom = satterthwaite([(float(s10 / m), degrees(units_positive)), (float(s01 / n), degrees(units_negative))])
    return float(s10 / m + s01 / n + 2 * s11 / (m * n)), freedom


def macro_auroc(labels: np.ndarray, scores: np.ndarray, codes: np.ndarray | None) -> Interval:
    """The plain mean over classes of each class's area against the rest. `labels` (n,) int, `scores` (n, classes) float.

    Each image's share in the deviation of every class's area is summed first, then by patient, so that the areas' correlation
    counts: the sum over patients of DeLong's and Obuchowski's components. Degrees of freedom: patients of the rarest class less one.
    """
    n, classes = scores.shape
    if len(np.unique(labels)) < max(classes, 2):
        return Interval(None, n=n, note="needs images of every class")
    units = np.arange(n) if codes is None else np.unique(codes, return_inverse=True)[1]
    areas, deviation = [], np.zeros(n)
    for one in range(classes):
        mine = labels == one
        wins, losses = placements(scores[mine, one], scores[~mine, one])
        areas.append(wins.mean())
        deviation[mine] += (wins - wins.mean()) / mine.sum()
        deviation[~mine] += (losses - wins.mean()) / (~mine).sum()
    estimate, clusters = float(np.mean(areas)), None if codes is None else int(units.max() + 1)
    fewest = min(len(np.unique(units[labels == one])) for one in range(classes))
    if fewest < FEWEST_CLUSTERS:
        return Interval(estimate, n=n, clusters=clusters, note=TOO_FEW_IMAGES if codes is None else TOO_FEW_PATIENTS)
    total = units.max() + 1
    variance = total / (total - 1) * float((np.bincount(units, weights=deviation / classes) ** 2).sum())
    method = "mean of one against the rest, DeLong's components by " + ("image" if codes is None else "patient") + ", logit scale, t"
    note = INDEPENDENT if codes is None else ""
    return _limits(estimate, variance, degrees=fewest - 1, method=method, n=n, clusters=clusters, note=note, edge=fewest)


def placements(positive: np.ndarray, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each positive the share of negatives below it, for each negative the share of positives above it; ties are half."""

    def share_below(one: np.ndarray, others: np.ndarray) -> np.ndarray:
        others = np.sort(others)
        return (np.searchsorted(others, one, "left") + np.searchsorted(others, one, "right")) / (2 * len(others))

    return share_below(positive, negative), 1 - share_below(negative, positive)


def _limits(estimate: float, variance: float, *, degrees: float, edge: int, method: str, note: str, **counts: Any) -> Interval:
    """Limits on the logit scale; at 0 or 1 the exact ones of `edge` equal observations."""
    from scipy.special import stdtrit

    if not 0 < estimate < 1:
        bound = ((1 - LEVEL) / 2) ** (1 / edge)
        low, high = (bound, 1.0) if estimate >= 1 else (0.0, 1 - bound)
        note = "; ".join(filter(None, (note, AT_THE_EDGE)))
        return Interval(round(estimate), low, high, "Clopper & Pearson (1934)", note=note, **counts)
    centre = math.log(estimate / (1 - estimate))
    reach = float(stdtrit(degrees, 0.5 + LEVEL / 2)) * math.sqrt(max(variance, 0.0)) / (estimate * (1 - estimate))
    return Interval(estimate, _expit(centre - reach), _expit(centre + reach), method, note=note, **counts)


def _wilson(estimate: float, n: int) -> Interval:
    from scipy.special import ndtri

    z2 = float(ndtri(0.5 + LEVEL / 2)) ** 2
    centre = (estimate + z2 / (2 * n)) / (1 + z2 / n)
    reach = math.sqrt(z2 * (estimate * (1 - estimate) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    # Where no image, or every one, is right, that limit is 0 or 1 exactly, which rounding would miss by a hair.
    low = 0.0 if estimate == 0 else max(0.0, centre - reach)
    high = 1.0 if estimate == 1 else min(1.0, centre + reach)
    return Interval(estimate, low, high, "Wilson (1927)", n=n, note=INDEPENDENT)


def _binomial_variance(estimate: float, n: int) -> float:
    return estimate * (1 - estimate) / n


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0
