"""How a run's balanced accuracy falls as its test images are disturbed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from allcore.metrics import compare, intervals
from allcore.metrics.intervals import LEVEL, Interval
from allcore.metrics.text import percentage, show


@dataclass(frozen=True)
class Point:
    """The same test images at one strength."""

    strength: float
    balanced_accuracy: Interval
    loss: Interval
    """Of balanced accuracy as the images are, less that at this strength: paired, by patient."""
    p: float | None
    """That the loss is 0, after Holm's correction over all strengths of all kinds; None where there is no interval."""
    changed: Interval
    """Share of the images that get another answer than undisturbed."""

    @property
    def shown(self) -> bool:
        """Whether a loss is shown at this strength."""
        return self.p is not None and self.p < 1 - LEVEL and (self.loss.estimate or 0) > 0


@dataclass(frozen=True)
class Curve:
    """One kind of disturbance, its strengths in order."""

    kind: str
    strength: str
    """What the strength is."""
    none: float
    """The strength at which the images are as they are; it is among the points."""
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Robustness:
    """All that was found."""

    run: str
    data: str
    synthetic: bool
    """The test images are drawn cells."""
    n: int
    subjects: int | None
    classes: tuple[str, ...]
    base: Interval
    """Balanced accuracy of the test side as it is: the leaderboard's."""
    curves: tuple[Curve, ...]

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Robustness:
        """The inverse of `to_dict`."""
        known = {name: document[name] for name in cls.__dataclass_fields__}
        curves = tuple(Curve(**{**one, "points": tuple(_point(point) for point in one["points"])}) for one in document["curves"])
        return cls(**{**known, "classes": tuple(known["classes"]), "base": Interval.from_dict(known["base"]), "curves": curves})


def _point(document: Mapping[str, Any]) -> Point:
    figures = {name: Interval.from_dict(document[name]) for name in ("balanced_accuracy", "loss", "changed")}
    return Point(**{**document, **figures})


@dataclass(frozen=True)
class Answered:
    """A kind's answers: `answers` (strengths, images) int, classes as called."""

    kind: str
    strength: str
    none: float
    strengths: Sequence[float]
    answers: np.ndarray


def curves(labels: np.ndarray, plain: np.ndarray, found: Sequence[Answered], codes: np.ndarray | None) -> tuple[Curve, ...]:
    """Of the test images `labels` (n,) int, which undisturbed are called `plain` (n,) int; `codes` patients (n,) int or None.

    Every loss is a paired difference of the same images; their p-values are corrected together (Holm 1979).
    """
    right = plain == labels
    gaps = [[compare.balanced_accuracy(labels, right, said == labels, codes) for said in one.answers] for one in found]
    disturbed = [(i, j) for i, one in enumerate(found) for j, strength in enumerate(one.strengths) if strength != one.none]
    p = dict(zip(disturbed, compare.holm([gaps[i][j].p for i, j in disturbed]), strict=True))

    def point(i: int, j: int, strength: float, said: np.ndarray) -> Point:
        figure = intervals.balanced_accuracy(labels, said == labels, codes)
        if (i, j) not in p:
            nothing = Interval(0.0, n=figure.n, clusters=figure.clusters, note="undisturbed")
            return Point(strength, figure, nothing, None, nothing)
        return Point(strength, figure, gaps[i][j].interval, p[i, j], intervals.share(said != plain, codes))

    return tuple(
        Curve(
            one.kind,
            one.strength,
            one.none,
            tuple(point(i, j, float(strength), said) for j, (strength, said) in enumerate(zip(one.strengths, one.answers, strict=True))),
        )
        for i, one in enumerate(found)
    )


def told(one: Curve, base: Interval) -> str:
    """What may be concluded from a curve, in sentences; for strengths below and above `none` apart, where there are both."""
    disturbed = [point for point in one.points if point.strength != one.none]
    if all(point.p is None for point in disturbed):
        worst = min(disturbed, key=lambda point: point.balanced_accuracy.estimate)
        note = next((point.loss.note for point in disturbed if point.loss.note), "there is no interval")
        return f"Lowest at {worst.strength:g}: {show(worst.balanced_accuracy)}. Nothing can be concluded: {note}."
    less = sorted((point for point in disturbed if point.strength < one.none), key=lambda point: -point.strength)
    more = [point for point in disturbed if point.strength > one.none]
    return " ".join(_told(side, base) for side in (less, more) if side)


def _told(side: Sequence[Point], base: Interval) -> str:
    """Of points ever farther from undisturbed."""
    first = next((point for point in side if point.shown), None)
    if first is None:
        last = side[-1]
        stood = f"{show(last.balanced_accuracy)} against {show(base)}"
        return f"As far as {last.strength:g} no loss is shown ({stood}), which is no proof of none."
    gap = first.loss
    return (
        f"At {first.strength:g} a loss is first shown: {show(first.balanced_accuracy)}, lower by {gap.estimate:.3f} "
        f"({gap.low:.2f} to {gap.high:.2f}); {percentage(first.changed.estimate)} of the answers change."
    )
