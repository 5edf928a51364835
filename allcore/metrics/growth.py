"""What further patients are worth: balanced accuracy by the number of patients trained on, on one test side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from allcore.metrics import compare, intervals
from allcore.metrics.intervals import Interval


@dataclass(frozen=True)
class Step:
    """So many `patients` trained on. Figures are means over the draws; intervals are over the test patients, `spread` is the standard
    deviation over the draws (with all cells), which is none.
    """

    patients: int
    images: float
    """Trained on, with all cells of the patients; mean over the draws."""
    every: Interval
    """Balanced accuracy with all their cells."""
    same: Interval
    """The same with as many cells as the first step has."""
    spread: float


@dataclass(frozen=True)
class Growth:
    """The curve. `gain`: all patients less about half of them (`half`), with all their cells, paired on the same test cells, over test
    patients and draws.
    """

    steps: tuple[Step, ...]
    draws: int
    half: int
    gain: Interval
    p: float | None

    @property
    def rising(self) -> bool:
        """Whether the gain's interval lies above 0."""
        return self.gain.low is not None and self.gain.low > 0

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Growth:
        """The inverse of `to_dict`."""
        steps = tuple(
            Step(**{**one, "every": Interval.from_dict(one["every"]), "same": Interval.from_dict(one["same"])}) for one in document["steps"]
        )
        return cls(steps, document["draws"], document["half"], Interval.from_dict(document["gain"]), document["p"])

    def verdict(self) -> str:
        """What may be concluded, in a sentence."""
        most, gain = self.steps[-1].patients, self.gain
        if gain.low is None or gain.high is None:
            return f"No conclusion: {gain.note}."
        told = f"{gain.estimate:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}, p {compare.shown(self.p)})"
        if self.rising:
            return f"From {self.half} to {most} patients balanced accuracy rose by {told}: this model still gains from further patients."
        return f"From {self.half} to {most} patients no rise is shown: {told}. That is not a proof that further patients would not help."


def concluded(
    every: np.ndarray, same: np.ndarray, *, labels: np.ndarray, subjects: np.ndarray, patients: Sequence[int], images: Sequence[float]
) -> Growth:
    """From the answers to the test cells: `every` and `same` (draws, steps, n) bool, whether the model of a draw and step was right.

    `labels` (n,) int and `subjects` (n,) of the test cells; `patients` and `images` (steps,) trained on.
    """
    codes = np.unique(subjects, return_inverse=True)[1]
    right, alike = every.mean(axis=0), same.mean(axis=0)
    of_draws = np.stack([every[..., labels == one].mean(axis=2) for one in np.unique(labels)]).mean(axis=0)
    steps = tuple(
        Step(
            int(patients[at]),
            float(images[at]),
            intervals.balanced_accuracy(labels, right[at], codes),
            intervals.balanced_accuracy(labels, alike[at], codes),
            float(of_draws[:, at].std(ddof=1)) if len(every) > 1 else 0.0,
        )
        for at in range(len(patients))
    )
    half = int(np.argmin(np.abs(np.asarray(patients[:-1]) - patients[-1] / 2)))
    draws, n = len(every), len(labels)
    gain = compare.balanced_accuracy(
        np.tile(labels, draws),
        every[:, -1].ravel(),
        every[:, half].ravel(),
        np.tile(codes, draws),
        repeats=np.repeat(np.arange(draws), n),
    )
    return Growth(steps, len(every), int(patients[half]), gain.interval, gain.p)
