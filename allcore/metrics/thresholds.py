"""A binary problem at every threshold at once, rules that choose one, and what an answer is worth at another prevalence.

A rule is applied to the calibrate part of a split, never to the test side. The threshold that it gives stands midway between two
observed scores, where the next images are least likely to fall on the edge.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from allcore.base.errors import BadInput
from allcore.metrics.intervals import Interval
from allcore.metrics.scores import OperatingPoint

YOUDEN, SENSITIVITY, EQUAL_ERROR, COST, HAND = "youden", "sensitivity", "equal_error", "cost", "hand"
CALIBRATE, TEST = "calibrate", "test"
DEFAULT = 0.5


@dataclass(frozen=True)
class Chosen:
    """A threshold and where it comes from.

    `rule`: YOUDEN, SENSITIVITY, EQUAL_ERROR, COST or HAND; `value`: the target sensitivity, or what a missed positive costs in
    false alarms; `side`: CALIBRATE, or TEST where a person chose it looking at the figures of the test side; `images` and
    `patients` of that side (None where patients are unknown).
    """

    threshold: float
    rule: str
    side: str
    value: float | None = None
    images: int = 0
    patients: int | None = None

    @property
    def optimistic(self) -> bool:
        """Whether the figures of the test side were used to choose it, which flatters them."""
        return self.side == TEST

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Chosen:
        """The inverse of `to_dict`."""
        return cls(**{name: document[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Sweep:
    """Counts at every threshold that changes anything, thresholds falling; arrays (t,).

    At `thresholds[i]` all images with at least that score are called positive: `tp[i]` rightly, `fp[i]` wrongly. The first calls none.
    """

    thresholds: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    positives: int
    negatives: int

    @classmethod
    def of(cls, truth: np.ndarray, scores: np.ndarray) -> Sweep:
        """`truth` (n,) bool, `scores` (n,) float. Raises BadInput without an image of either class."""
        truth, scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
        if truth.all() or not truth.any():
            raise BadInput("A threshold can't be chosen on images of one class.", "Choose a split whose calibrate part has both.")
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order]
        ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        tp = np.append(0, np.cumsum(truth[order])[ends])
        highest = np.nextafter(ordered[0], np.inf)
        return cls(np.append(highest, ordered[ends]), tp, np.append(0, ends + 1) - tp, int(truth.sum()), int((~truth).sum()))

    @property
    def sensitivity(self) -> np.ndarray:
        return self.tp / self.positives

    @property
    def specificity(self) -> np.ndarray:
        return 1 - self.fp / self.negatives

    def at(self, threshold: float) -> OperatingPoint:
        """Counts at any threshold, in O(log n)."""
        place = int(np.searchsorted(-self.thresholds, -threshold, side="right")) - 1
        tp, fp = (int(self.tp[place]), int(self.fp[place])) if place >= 0 else (0, 0)
        return OperatingPoint(float(threshold), tp=tp, fn=self.positives - tp, fp=fp, tn=self.negatives - fp)

    def between(self, place: int) -> float:
        """A threshold with the counts of `place`, midway to the next score below, within 0 and 1."""
        own = min(1.0, float(self.thresholds[place]))
        below = float(self.thresholds[place + 1]) if place + 1 < len(self.thresholds) else own
        middle = (own + below) / 2
        return middle if below < middle <= own else float(self.thresholds[place])


def youden(sweep: Sweep) -> float:
    """Where sensitivity + specificity - 1 is largest (Youden 1950); of several, the highest sensitivity."""
    return sweep.between(_last_best(sweep.sensitivity + sweep.specificity))


def at_sensitivity(sweep: Sweep, target: float) -> float:
    """The highest threshold whose sensitivity reaches `target`, from above 0 to 1. Raises BadInput outside."""
    if not 0 < target <= 1:
        raise BadInput(f"A sensitivity of {target:g} can't be a target.", "Give one above 0 and up to 1.")
    return sweep.between(int(np.argmax(sweep.sensitivity >= target - 1e-12)))


def equal_error(sweep: Sweep) -> float:
    """Where the share of missed positives is nearest to the share of false alarms; of several, the highest sensitivity."""
    return sweep.between(_last_best(-np.abs(sweep.sensitivity - sweep.specificity)))


def least_cost(sweep: Sweep, *, miss: float, prevalence: float | None = None) -> float:
    """Where errors cost least, a missed positive being worth `miss` false alarms; of several, the highest sensitivity.

    `prevalence` of the place where it is used; None: that of the images. Raises BadInput for a cost that is not positive.
    """
    if not (math.isfinite(miss) and miss > 0):
        raise BadInput(f"A missed cell can't cost {miss:g} false alarms.", "Give a number above 0.")
    share = sweep.positives / (sweep.positives + sweep.negatives) if prevalence is None else prevalence
    return sweep.between(_last_best(-(miss * share * (1 - sweep.sensitivity) + (1 - share) * (1 - sweep.specificity))))


def _last_best(gain: np.ndarray) -> int:
    return int(np.flatnonzero(gain >= gain.max() - 1e-12)[-1])


def chosen(sweep: Sweep, rule: str, *, value: float | None = None, patients: int | None = None) -> Chosen:
    """A threshold by a rule's name, on the calibrate part; `value` as in `Chosen`. Raises BadInput for an unknown rule."""
    if rule == YOUDEN:
        threshold = youden(sweep)
    elif rule == SENSITIVITY:
        value = 0.95 if value is None else value
        threshold = at_sensitivity(sweep, value)
    elif rule == EQUAL_ERROR:
        threshold = equal_error(sweep)
    elif rule == COST:
        value = 5.0 if value is None else value
        threshold = least_cost(sweep, miss=value)
    else:
        raise BadInput(f"There is no rule '{rule}'.", f"Choose one of: {', '.join((YOUDEN, SENSITIVITY, EQUAL_ERROR, COST))}.")
    return Chosen(threshold, rule, CALIBRATE, value, sweep.positives + sweep.negatives, patients)


def predictive_values(sensitivity: Interval, false_positive_rate: Interval, prevalence: float) -> tuple[Interval, Interval]:
    """Positive and negative predictive value at a prevalence, with limits, from rates that do not depend on one.

    The odds of a positive answer are prevalence odds times sensitivity / false positive rate. Limits of that ratio's logarithm are
    recovered from those of the two rates (MOVER; Zou & Donner 2008), taken as independent. Raises BadInput unless 0 < prevalence < 1.
    """
    if not 0 < prevalence < 1:
        raise BadInput(f"A prevalence of {prevalence:g} leaves one class only.", "Give one above 0 and below 1.")
    odds = prevalence / (1 - prevalence)
    ppv = _from_ratio(sensitivity, false_positive_rate, odds)
    npv = _from_ratio(complement(false_positive_rate), complement(sensitivity), 1 / odds)
    return ppv, npv


def complement(one: Interval) -> Interval:
    """The interval of 1 - x: a specificity from a false positive rate."""
    estimate, low, high = (None if value is None else 1 - value for value in (one.estimate, one.high, one.low))
    return Interval(estimate, low, high, one.method, one.n, one.clusters, one.note)


def _from_ratio(top: Interval, bottom: Interval, odds: float) -> Interval:
    """The share odds * top / (1 + odds * top) with `top / bottom` as ratio."""
    n, clusters = top.n + bottom.n, None if top.clusters is None or bottom.clusters is None else top.clusters + bottom.clusters
    note = "; ".join(dict.fromkeys(filter(None, (top.note, bottom.note))))
    if not top.estimate and not bottom.estimate:
        return Interval(None, n=n, clusters=clusters, note=note or "no image is called so")

    def share(numerator: float, denominator: float) -> float:
        return odds * numerator / (odds * numerator + denominator) if numerator or denominator else 0.0

    estimate = share(top.estimate, bottom.estimate)
    if None in (top.low, bottom.low):
        return Interval(estimate, n=n, clusters=clusters, note=note)
    method = "from the two rates, MOVER (Zou & Donner 2008)"
    if not (top.estimate and bottom.estimate and top.low and bottom.low):
        # A logarithm of 0: the outermost corners instead, which are wider.
        return Interval(estimate, share(top.low, bottom.high), share(top.high, bottom.low), method, n, clusters, note)
    ratio = math.log(top.estimate / bottom.estimate)
    below = math.hypot(math.log(top.estimate / top.low), math.log(bottom.high / bottom.estimate))
    above = math.hypot(math.log(top.high / top.estimate), math.log(bottom.estimate / bottom.low))
    low, high = (1 / (1 + math.exp(-value) / odds) for value in (ratio - below, ratio + above))
    return Interval(estimate, low, high, method, n, clusters, note)
