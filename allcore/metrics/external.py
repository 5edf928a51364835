"""A run on another laboratory's data: its figures beside those of its own test side, how strange the images are to it, and what moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from allcore.metrics import compare, intervals
from allcore.metrics.intervals import Interval
from allcore.metrics.scores import INTERVALS, Scores

MAIN = "balanced_accuracy"
"""The figure that the conclusion is drawn from, fixed beforehand: of six somewhere one differs by chance."""
FAR = 0.95
"""Share of the own test side's distances below the mark that other images are held against."""
BINS = 30


@dataclass(frozen=True)
class Compared:
    """One figure on both sides; `difference` is other less own, of independent images."""

    measure: str
    own: Interval
    other: Interval
    difference: Interval


@dataclass(frozen=True)
class Shift:
    """Distances to the nearest training images in the run's embedding: those of its own test side, and of the other data set."""

    neighbours: int
    auroc: Interval
    """How well the distance tells which data set an image is of: 0.5 not at all, 1 surely farther away."""
    own_median: float
    other_median: float
    edge: float
    """The own test side's 95th percentile."""
    beyond: Interval
    """Share of the other images farther away than `edge`; 0.05 where nothing has moved."""
    edges: tuple[float, ...]
    """Of the histogram's bins; the last bin holds all that is farther."""
    own_counts: tuple[int, ...]
    other_counts: tuple[int, ...]


@dataclass(frozen=True)
class Moved:
    """One measure of the cells' looks. Means over classes of the classes' means, so that another prevalence alone moves nothing."""

    measure: str
    own: float
    other: float
    shift: float
    """Other less own, in standard deviations within the own classes."""
    auroc: Interval
    """How well the measure alone tells which data set an image is of; 0.5 not at all, below 0.5 by being lower."""


@dataclass(frozen=True)
class Prevalence:
    """Share of one class among the images of each side."""

    name: str
    own: Interval
    other: Interval


@dataclass(frozen=True)
class Shared:
    """Images of the other data set that the run had met. None where it could not be looked for (the run's data are gone or changed)."""

    same: int | None
    """Byte for byte on the training, tune or calibrate side; left out of all figures."""
    near: int | None
    """The same picture there, encoded or turned anew; left out too."""
    tested: int | None
    """Byte for byte on the run's own test side; kept."""
    names: int
    """Patient ids that stand in both. Ids are each laboratory's own: it may be chance."""

    @property
    def left_out(self) -> int:
        return (self.same or 0) + (self.near or 0)


@dataclass(frozen=True)
class External:
    """All that was found."""

    run: str
    data: str
    run_data: str
    mapping: Mapping[str, str]
    """Their classes to the run's, '' for one that was left out."""
    unlabelled: int
    """Images without a label, or of a class left out: answered for, in no figure."""
    own: Scores
    other: Scores
    compared: tuple[Compared, ...]
    shift: Shift
    moved: tuple[Moved, ...]
    """Empty where the run's own data are gone."""
    prevalence: tuple[Prevalence, ...]
    shared: Shared
    learnt_drawn: bool
    """The run learnt from drawn cells."""
    judged_drawn: bool
    """The other data set is drawn."""
    own_trusted: bool
    """No patient stands both on the run's training and on its test side."""

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> External:
        """The inverse of `to_dict`."""
        known = {name: document[name] for name in cls.__dataclass_fields__}
        shift = document["shift"]
        return cls(
            **{
                **known,
                "own": Scores.from_dict(document["own"]),
                "other": Scores.from_dict(document["other"]),
                "compared": tuple(Compared(one["measure"], *_intervals(one, "own", "other", "difference")) for one in document["compared"]),
                "shift": Shift(
                    **{
                        **shift,
                        **{name: Interval.from_dict(shift[name]) for name in ("auroc", "beyond")},
                        **{name: tuple(shift[name]) for name in ("edges", "own_counts", "other_counts")},
                    }
                ),
                "moved": tuple(Moved(**{**one, "auroc": Interval.from_dict(one["auroc"])}) for one in document["moved"]),
                "prevalence": tuple(Prevalence(one["name"], *_intervals(one, "own", "other")) for one in document["prevalence"]),
                "shared": Shared(**document["shared"]),
            }
        )

    @property
    def main(self) -> Compared:
        """The figure that the conclusion is drawn from."""
        return next(one for one in self.compared if one.measure == MAIN)


def _intervals(document: Mapping[str, Any], *names: str) -> list[Interval]:
    return [Interval.from_dict(document[name]) for name in names]


def compared(own: Scores, other: Scores) -> tuple[Compared, ...]:
    """Every figure that both have, the main one first."""
    names = [MAIN, *(name for name in INTERVALS if name != MAIN)]
    pairs = [(name, own.intervals[name], other.intervals[name]) for name in names]
    there = [pair for pair in pairs if pair[1].estimate is not None or pair[2].estimate is not None]
    return tuple(Compared(name, mine, theirs, compare.independent(theirs, mine)) for name, mine, theirs in there)


def which(own: np.ndarray, other: np.ndarray, codes: tuple[np.ndarray | None, np.ndarray | None]) -> Interval:
    """How well a number tells two data sets apart: the AUROC of (other higher than own), clustered by patient.

    `own` (m,) and `other` (n,) float; `codes`: patients of each as int codes, or None.
    """
    together = np.concatenate([own, other])
    mine, theirs = codes
    both = None if mine is None or theirs is None else np.concatenate([mine, theirs + mine.max() + 1])
    return intervals.auroc(np.arange(len(together)) >= len(own), together, both)


def shift(own: np.ndarray, other: np.ndarray, codes: tuple[np.ndarray | None, np.ndarray | None], *, neighbours: int) -> Shift:
    """From the distances of the own test side (m,) and of the other images (n,); `codes` as in `which`."""
    edge = float(np.quantile(own, FAR))
    # A few images far out would take all the room: they are counted in the last bin.
    last = float(max(np.quantile(np.concatenate([own, other]), 0.99), edge)) or 1.0
    edges = np.linspace(0, last, BINS + 1)
    mine, theirs = (np.histogram(np.clip(one, 0, last), edges)[0] for one in (own, other))
    return Shift(
        neighbours=neighbours,
        auroc=which(own, other, codes),
        own_median=float(np.median(own)),
        other_median=float(np.median(other)),
        edge=edge,
        beyond=intervals.share(other > edge, codes[1]),
        edges=tuple(edges.tolist()),
        own_counts=tuple(mine.tolist()),
        other_counts=tuple(theirs.tolist()),
    )


def moved(
    measure: str,
    own: np.ndarray,
    other: np.ndarray,
    labels: tuple[np.ndarray, np.ndarray],
    codes: tuple[np.ndarray | None, np.ndarray | None],
) -> Moved:
    """One measure, (m,) and (n,) float, of images with these `labels` (m,) and (n,) int; `codes` as in `which`."""
    classes = np.intersect1d(*labels)
    means = [float(np.mean([values[mine == one].mean() for one in classes])) for values, mine in zip((own, other), labels, strict=True)]
    spread = float(np.sqrt(np.mean([own[labels[0] == one].var() for one in classes])))
    return Moved(measure, *means, (means[1] - means[0]) / spread if spread > 1e-9 else 0.0, which(own, other, codes))


def prevalence(
    classes: Sequence[str], labels: tuple[np.ndarray, np.ndarray], codes: tuple[np.ndarray | None, np.ndarray | None]
) -> tuple[Prevalence, ...]:
    """Share of each class that is there, on both sides. `labels` index into `classes`."""
    found = []
    for index, name in enumerate(classes):
        mine, theirs = (intervals.share(one == index, code) for one, code in zip(labels, codes, strict=True))
        if mine.estimate or theirs.estimate:
            found.append(Prevalence(name, mine, theirs))
    return tuple(found)
