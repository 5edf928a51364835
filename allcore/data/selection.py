"""Which cells of a data set are meant: a filter, and the rows that fit it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

NO_LABEL = "no label"


@dataclass(frozen=True)
class Filter:
    """What a cell must be; what is None asks for nothing."""

    label: str | None = None
    """A class, or NO_LABEL."""
    subject: str | None = None
    part: str | None = None
    """One of `parts`."""
    side: str | None = None
    """A side of the split that is asked for beside this."""
    area: tuple[float, float] | None = None
    """Lowest and highest share of the frame, %, both included."""
    image_ids: frozenset[str] | None = None
    """One of these: picked on a map, or named by a check."""


def rows(table: pd.DataFrame, wanted: Filter, *, sides: np.ndarray | None = None, areas: np.ndarray | None = None) -> np.ndarray:
    """Row numbers of the records that fit, ascending. `sides` (images,) and `areas` (images,) are needed where the filter asks for them."""
    fits = np.ones(len(table), bool)
    if wanted.label is not None:
        fits &= (table["label"] == ("" if wanted.label == NO_LABEL else wanted.label)).to_numpy(bool)
    if wanted.subject is not None:
        fits &= (table["subject"] == wanted.subject).to_numpy(bool)
    if wanted.part is not None:
        fits &= part_of_each(table) == wanted.part
    if wanted.side is not None:
        fits &= sides == wanted.side
    if wanted.area is not None:
        fits &= (areas >= wanted.area[0]) & (areas <= wanted.area[1])
    if wanted.image_ids is not None:
        fits &= table["image_id"].isin(wanted.image_ids).to_numpy(bool)
    return np.flatnonzero(fits)


def part_of_each(table: pd.DataFrame) -> np.ndarray:
    """Phase and fold of each image as one text: 'training, fold 0', 'final', 'fold 2', '' where neither is known."""
    folds = table["fold"].to_numpy()
    phases, codes = np.unique(table["phase"].to_numpy(str), return_inverse=True)
    pairs, place = np.unique(np.column_stack([codes, folds]), axis=0, return_inverse=True)
    names = [", ".join(filter(None, [phases[phase], f"fold {fold}" if fold >= 0 else ""])) for phase, fold in pairs]
    return np.array(names, dtype=object)[place.ravel()]


def parts(table: pd.DataFrame) -> list[str]:
    """The parts that a data set has, '' left out."""
    return sorted(set(part_of_each(table)) - {""})


def subjects(table: pd.DataFrame) -> list[str]:
    """The patients, '2' before '10'."""
    return sorted(set(table["subject"].unique()) - {""}, key=lambda name: (len(name), name))


def mixed(found: np.ndarray) -> np.ndarray:
    """Rows in an order that mixes classes and patients, the same each time."""
    return np.random.default_rng(0).permutation(found)
