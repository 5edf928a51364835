"""Who is in the set: patients, their classes, folds and cells. Nothing is drawn here."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from allcore.data.phantom import twin
from allcore.data.phantom.cell import HEALTHY, LEUKEMIA, Cell
from allcore.data.phantom.spec import PhantomSpec

FOLDS = 3
FEWEST_OF_A_CLASS = 4  # from eight patients on


@lru_cache(maxsize=8)
def plan(spec: PhantomSpec) -> tuple[Cell, ...]:
    """The cells of the set, in the order of their indices: by class (leukemic first), then by patient.

    A patient has one class and lies in one fold; both classes have a patient at least, and four at least from eight patients on.
    A twin's cells are in the order of their paths.
    """
    if spec.like:
        return twin.cells(spec.seed)
    rng = np.random.default_rng([spec.seed, 0])
    leukemic = _leukemic_patients(spec)
    counts = (leukemic, spec.patients - leukemic)
    leukemic_images = int(np.clip(round(spec.images * spec.leukemia_share), counts[0], spec.images - counts[1]))
    cells: list[Cell] = []
    for label, patients, images in zip((LEUKEMIA, HEALTHY), counts, (leukemic_images, spec.images - leukemic_images), strict=True):
        shares = _shares(patients, images, rng)
        for number, (share, fold) in enumerate(zip(shares, _folds(shares), strict=True), start=1):
            subject = str(number) if label == LEUKEMIA else f"H{number}"
            cells.extend(Cell(f"{label}/{name}.png", label, subject, fold) for name in _names(subject, label, share, rng))
    return tuple(cells)


def _leukemic_patients(spec: PhantomSpec) -> int:
    # C-NMC: 68 % of the images come from 59 % of the patients, half way to equal numbers
    wanted = round(spec.patients * (spec.leukemia_share + 0.5) / 2)
    fewest = FEWEST_OF_A_CLASS if spec.patients >= 2 * FEWEST_OF_A_CLASS else 1
    return int(np.clip(wanted, fewest, spec.patients - fewest))


def _shares(patients: int, images: int, rng: np.random.Generator) -> list[int]:
    """Images of each patient, at least one, `images` in all: log-normal weights, rounded by largest remainder."""
    weights = rng.lognormal(0.0, 0.5, patients)
    exact = (images - patients) * weights / weights.sum()
    shares = np.floor(exact).astype(int)
    for patient in np.argsort(shares - exact, kind="stable")[: images - patients - shares.sum()]:
        shares[patient] += 1
    return [int(share) + 1 for share in shares]


def _folds(shares: list[int]) -> list[int]:
    """A fold for each patient: the largest first, each into the fold that holds the fewest images so far."""
    loads = [0] * FOLDS
    folds = [0] * len(shares)
    for patient in sorted(range(len(shares)), key=lambda index: -shares[index]):
        folds[patient] = loads.index(min(loads))
        loads[folds[patient]] += shares[patient]
    return folds


def _names(subject: str, label: str, count: int, rng: np.random.Generator) -> list[str]:
    """`count` names `UID_<subject>_<field>_<cell>_<all|hem>`: one to four cells of each microscopic field."""
    ending = "all" if label == LEUKEMIA else "hem"
    names: list[str] = []
    field = 1
    while len(names) < count:
        cells = min(int(rng.integers(1, 5)), count - len(names))
        names.extend(f"UID_{subject}_{field}_{cell}_{ending}" for cell in range(1, cells + 1))
        field += 1
    return names
