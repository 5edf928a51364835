"""From cells to patients: what a model says of a person, by the mean of the cells' probabilities or by their vote.

In a real laboratory the cells of one slide are judged together. A patient is one observation here, so shares of patients have
Wilson's interval, and the area under the curve plain DeLong's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allcore.base.errors import BadInput
from allcore.metrics import intervals
from allcore.metrics.intervals import Interval

STABLE = 0.95


@dataclass(frozen=True)
class Patient:
    """One patient of a problem with two classes.

    `right`: share of cells called rightly; `mean`: of their probabilities; `vote`: share of cells called positive; `by_mean` and
    `by_vote`: whether the patient is called positive (a tied vote is positive: missing leukemia is the worse error);
    `stable_at`: as `cells_for_a_stable_call`.
    """

    id: str
    positive: bool
    cells: int
    right: float
    mean: float
    vote: float
    by_mean: bool
    by_vote: bool
    stable_at: int


@dataclass(frozen=True)
class Patients:
    """All patients, the worst first, with shares of those called rightly. `mixed` counts those whose cells are of both classes."""

    patients: tuple[Patient, ...]
    by_mean: Interval
    by_vote: Interval
    auroc: Interval
    mixed: int

    @property
    def stable_at(self) -> float | None:
        """The number of cells at which nine in ten patients have a stable call; None where there is no patient."""
        return float(np.quantile([one.stable_at for one in self.patients], 0.9, method="higher")) if self.patients else None


def evaluate(truth: np.ndarray, p: np.ndarray, *, subjects: Sequence[str], threshold: float) -> Patients:
    """`truth` (n,) bool, `p` (n,) float, `subjects` (n,) ids. A patient belongs to the class of most of their cells.

    Raises BadInput where an id is missing.
    """
    truth, p = np.asarray(truth, dtype=bool), np.asarray(p, dtype=np.float64)
    codes = intervals.cluster_codes(subjects)
    if codes is None or not len(codes):
        raise BadInput("The patients are not known, so nothing can be said of them.", "Import the data with patient ids.")
    called, cells = p >= threshold, np.bincount(codes)
    names = np.unique(np.asarray(subjects, dtype=object).astype(str))
    share = {name: np.bincount(codes, weights=one) / cells for name, one in (("truth", truth), ("p", p), ("called", called))}
    votes = np.bincount(codes, weights=called).astype(int)
    right = np.bincount(codes, weights=called == truth) / cells
    sick = share["truth"] >= 0.5
    found = [
        Patient(
            id=str(names[one]),
            positive=bool(sick[one]),
            cells=int(cells[one]),
            right=float(right[one]),
            mean=float(share["p"][one]),
            vote=float(share["called"][one]),
            by_mean=bool(share["p"][one] >= threshold),
            by_vote=bool(2 * votes[one] >= cells[one]),
            stable_at=cells_for_a_stable_call(int(votes[one]), int(cells[one])),
        )
        for one in range(len(cells))
    ]
    return Patients(
        patients=tuple(sorted(found, key=lambda one: (one.right, -one.cells))),
        by_mean=_of_patients(np.array([one.by_mean == one.positive for one in found])),
        by_vote=_of_patients(np.array([one.by_vote == one.positive for one in found])),
        auroc=_without_note(intervals.auroc(sick, share["p"], None), len(found)),
        mixed=int(((share["truth"] > 0) & (share["truth"] < 1)).sum()),
    )


def cells_for_a_stable_call(called: int, cells: int, *, sure: float = STABLE) -> int:
    """The fewest cells from which on the vote is that of all `cells`, of which `called` were called positive, at least `sure` often.

    For cells taken at random without return, by the hypergeometric distribution, exactly. Numbers of cells that can tie are
    judged as a tie is: positive.
    """
    from scipy.stats import hypergeom

    sizes = np.arange(1, cells + 1)
    needed = np.ceil(sizes / 2)
    positive = hypergeom.sf(needed - 1, cells, called, sizes)
    agree = positive if 2 * called >= cells else 1 - positive
    unstable = np.flatnonzero(agree < sure - 1e-12)
    return int(unstable[-1] + 2) if len(unstable) else 1


def _of_patients(right: np.ndarray) -> Interval:
    return _without_note(intervals.share(right, None), len(right))


def _without_note(one: Interval, patients: int) -> Interval:
    """Patients are independent, so the note that says of images that this is assumed does not belong here."""
    note = intervals.TOO_FEW_PATIENTS if one.note == intervals.TOO_FEW_IMAGES else one.note.replace(intervals.INDEPENDENT, "").strip("; ")
    return Interval(one.estimate, one.low, one.high, one.method, one.n, patients, note)
