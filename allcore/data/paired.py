"""A design that can bear a conclusion about leakage: the same test cells, and models that did and did not know their patients.

Test patients give half of their cells to the test side. The other half, the familiar cells, go into one of two training sides,
where they take the places of as many cells of other patients. Both training sides have the same size and classes, so that
nothing differs but whose cells they hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allcore.base.errors import BadInput

FEWEST = 5
"""Patients that each class needs: fewer on the test sides give no interval."""
MOST = 3000
"""Images that a training side has at most."""
_TESTED = 1 / 3
_MOST_FAMILIAR = 0.5


@dataclass(frozen=True)
class Design:
    """Row numbers, ascending. `strangers` and `acquainted` are equal in size and classes; `familiar` are the rows only in the latter."""

    test: np.ndarray
    strangers: np.ndarray
    acquainted: np.ndarray
    familiar: np.ndarray


def design(labels: np.ndarray, subjects: np.ndarray, *, seed: int, most: int = MOST) -> Design:
    """One random design. `labels` (n,) int, -1 for none; `subjects` (n,) ids, '' where unknown; `most` images a training side.

    Raises BadInput where patients are unknown, or a class has fewer than FEWEST.
    """
    random = np.random.default_rng(seed)
    labelled = labels >= 0
    if (subjects[labelled] == "").any():
        raise BadInput("Leakage can't be measured where patients are not known.", "Choose a data set with patient ids.")
    classes = np.unique(labels[labelled])
    names, of, cells = patients(labels, subjects)
    tested = []
    for one in range(len(classes)):
        mine = np.flatnonzero((of == one) & (cells >= 2))
        if len(mine) < FEWEST:
            raise BadInput(f"Leakage needs {FEWEST} patients of each class with two cells; one class has {len(mine)}.", "Add patients.")
        tested += names[random.permutation(mine)[: max(2, round(_TESTED * len(mine)))]].tolist()
    test, familiar = _halved(labels, subjects, set(tested), random)
    others = np.flatnonzero(labelled & ~np.isin(subjects, tested))
    strangers, acquainted, known = [], [], []
    for one in classes:
        pool = random.permutation(others[labels[others] == one])
        pool = pool[: max(2, round(most * len(pool) / len(others)))]
        own = random.permutation(familiar[labels[familiar] == one])[: int(_MOST_FAMILIAR * len(pool))]
        strangers.append(pool)
        acquainted += [own, pool[: len(pool) - len(own)]]
        known.append(own)
    return Design(np.sort(test), *(np.sort(np.concatenate(part)) for part in (strangers, acquainted, known)))


def patients(labels: np.ndarray, subjects: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Who there is among the labelled cells: ids (p,), the place (p,) of each one's class among those present, and how many cells (p,).

    A patient belongs to the class of most of their cells.
    """
    labelled = labels >= 0
    classes = np.unique(labels[labelled])
    names, codes = np.unique(subjects[labelled], return_inverse=True)
    counts = np.zeros((len(names), len(classes)), np.int64)
    np.add.at(counts, (codes, np.searchsorted(classes, labels[labelled])), 1)
    return names, counts.argmax(axis=1), counts.sum(axis=1)


def _halved(labels: np.ndarray, subjects: np.ndarray, tested: set[str], random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    test, familiar = [], []
    for name in sorted(tested):
        rows = random.permutation(np.flatnonzero((subjects == name) & (labels >= 0)))
        test.append(rows[: (len(rows) + 1) // 2])
        familiar.append(rows[(len(rows) + 1) // 2 :])
    return np.concatenate(test), np.concatenate(familiar)
