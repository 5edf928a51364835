"""A design that tells what further patients are worth: one test side, and training sides of more and more other patients.

Each draw puts the training patients of each class in an order of its own; a step takes the first few of them, so that the larger side
holds the smaller one. Beside all cells of those patients stands a part as large as the smallest step, drawn from all of them: what
grows there is the number of patients alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allcore.base.errors import BadInput
from allcore.data import paired

FEWEST_TESTED, FEWEST_TRAINED = 5, 4
"""Patients that each class needs: fewer tested give no interval, fewer to train on no curve."""
_TESTED, _FIRST, _STEPS = 1 / 3, 2, 6


@dataclass(frozen=True)
class Growing:
    """`test`: row numbers, ascending. `pools`: for each class the patients to train on. `steps`: how many of each, ascending."""

    test: np.ndarray
    pools: tuple[np.ndarray, ...]
    steps: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Drawn:
    """Row numbers of one training side, ascending: `every` cell of its patients, and as many of them as the first step has (`same`)."""

    every: np.ndarray
    same: np.ndarray


def design(labels: np.ndarray, subjects: np.ndarray, *, seed: int) -> Growing:
    """`labels` (n,) int, -1 for none; `subjects` (n,) ids, '' where unknown.

    A third of each class's patients are tested. Raises BadInput where patients are unknown, or a class has too few.
    """
    random = np.random.default_rng(seed)
    labelled = labels >= 0
    if (subjects[labelled] == "").any():
        raise BadInput("What further patients are worth can't be told where patients are not known.", "Choose a data set with patient ids.")
    names, of, _ = paired.patients(labels, subjects)
    tested, pools = [], []
    for one in np.unique(of):
        mine = random.permutation(names[of == one])
        if len(mine) < FEWEST_TESTED + FEWEST_TRAINED:
            needed = FEWEST_TESTED + FEWEST_TRAINED
            raise BadInput(f"The curve needs {needed} patients of each class; one class has {len(mine)}.", "Add patients.")
        cut = max(FEWEST_TESTED, round(_TESTED * len(mine)))
        tested += mine[:cut].tolist()
        pools.append(np.sort(mine[cut:]))
    sizes = np.array([len(pool) for pool in pools])
    # From two patients of the smallest class on, each step by the same factor.
    shares = (_FIRST / sizes.min()) ** (1 - np.arange(_STEPS) / (_STEPS - 1))
    steps = dict.fromkeys(tuple(np.maximum(_FIRST, np.rint(share * sizes)).astype(int).tolist()) for share in shares)
    return Growing(np.flatnonzero(labelled & np.isin(subjects, tested)), tuple(pools), tuple(steps))


def draw(of: Growing, labels: np.ndarray, subjects: np.ndarray, *, seed: int) -> list[Drawn]:
    """The training sides of one draw, a step each. Arguments as in `design`."""
    random = np.random.default_rng(seed)
    orders = [random.permutation(pool) for pool in of.pools]
    shuffled = random.permutation(np.flatnonzero(labels >= 0))
    found: list[Drawn] = []
    fewest: dict[int, int] = {}
    for step in of.steps:
        chosen = np.concatenate([order[:number] for order, number in zip(orders, step, strict=True)])
        rows = shuffled[np.isin(subjects[shuffled], chosen)]
        by_class = {int(one): rows[labels[rows] == one] for one in np.unique(labels[rows])}
        fewest = fewest or {one: len(mine) for one, mine in by_class.items()}
        same = [mine[: fewest.get(one, 0)] for one, mine in by_class.items()]
        found.append(Drawn(np.sort(rows), np.sort(np.concatenate(same))))
    return found
