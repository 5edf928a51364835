"""How much better a model answers for cells of patients that it knows: a gap, with its interval over patients and splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from allcore.metrics import compare
from allcore.metrics.intervals import Interval


@dataclass(frozen=True)
class Repeat:
    """One split: balanced accuracy of the model that knew the test patients, and of the one that did not, on the same test cells."""

    acquainted: float
    strangers: float
    images: int
    patients: int


@dataclass(frozen=True)
class Leakage:
    """All splits together. `gap` is acquainted less strangers, over patients and splits; `p` tests that it is 0 (None without interval)."""

    acquainted: float
    strangers: float
    gap: Interval
    p: float | None
    repeats: tuple[Repeat, ...]
    model: str = ""
    """What was trained, in words."""

    @property
    def shown(self) -> bool:
        """Whether the interval lies above 0."""
        return self.gap.low is not None and self.gap.low > 0

    def verdict(self) -> str:
        """What may be concluded, in a sentence."""
        gap = self.gap
        if gap.low is None or gap.high is None:
            return f"The gap is {gap.estimate:+.3f}; {gap.note}: nothing can be concluded."
        what = "Knowing the patients helped" if self.shown else "No help from knowing the patients is shown"
        many = f"{gap.clusters} patients and {len(self.repeats)} splits"
        told = f"{gap.estimate:+.3f} ({gap.low:+.3f} to {gap.high:+.3f}), p {compare.shown(self.p)}"
        return f"{what}: {told}, paired on the same cells, over {many}."

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Leakage:
        """The inverse of `to_dict`."""
        known = {name: document[name] for name in ("acquainted", "strangers", "p")}
        repeats = tuple(Repeat(**one) for one in document["repeats"])
        return cls(gap=Interval.from_dict(document["gap"]), repeats=repeats, model=document.get("model", ""), **known)


def concluded(
    found: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], labels: np.ndarray, subjects: np.ndarray, *, model: str = ""
) -> Leakage:
    """The gap of all splits, paired image by image; a patient's cells of all splits are one cluster, and so are a split's.

    `found`: for each split test rows (n,) int, and (n,) bool whether the model that knew their patients, and the one that did not,
    answered each rightly. `labels` and `subjects` (images,) of the whole data set.
    """
    rows, knew, did_not = (np.concatenate(part) for part in zip(*found, strict=True))
    codes = np.unique(subjects[rows], return_inverse=True)[1]
    split = np.repeat(np.arange(len(found)), [len(test) for test, _, _ in found])
    gap = compare.balanced_accuracy(labels[rows], knew, did_not, codes, repeats=split)
    repeats = tuple(
        Repeat(*(_balanced(labels[test], right) for right in (first, second)), len(test), len(np.unique(subjects[test])))
        for test, first, second in found
    )
    return Leakage(gap.first, gap.second, gap.interval, gap.p, repeats, model)


def _balanced(labels: np.ndarray, right: np.ndarray) -> float:
    return float(np.mean([right[labels == one].mean() for one in np.unique(labels)]))
