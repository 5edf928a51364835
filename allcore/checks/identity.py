"""Do the cells of one patient give themselves away? What a split by image leaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from allcore.checks.report import GOOD, MOST_PICTURES, NOTE, WARNING, Finding
from allcore.metrics.intervals import LEVEL

if TYPE_CHECKING:
    import pandas as pd

SEEN_BY = ("red", "green", "blue", "contrast", "grain", "cover")
PERMUTATIONS = 999
_NEAR = 16


@dataclass(frozen=True)
class Identity:
    """How often the nearest other image of the class is the same patient's.

    `share` is over the `images` whose patient has another picture in the class; `low`, `high` hold 95 % of the shares when patients are
    dealt out anew within each class, `expected` is their mean. `by_class` has (share, expected) of each class.
    """

    share: float
    expected: float
    low: float
    high: float
    images: int
    patients: int
    by_class: dict[str, tuple[float, float]]
    closest: tuple[tuple[int, int], ...]
    """Rows of the nearest pairs of one patient, the nearest first, each picture once."""

    @property
    def leaks(self) -> bool:
        """Whether more neighbours are the same patient's than chance would bring."""
        return self.share > self.high


def probed(looks: pd.DataFrame, labels: np.ndarray, subjects: np.ndarray, duplicates: np.ndarray, *, seed: int = 0) -> Identity | None:
    """By colour, light, texture and size (`SEEN_BY`, each scaled to a standard deviation of 1), among images of the same class.

    `labels` (n,) text, `subjects` (n,) text, '' for unknown, left out; `duplicates` (n,) int: images of one group are the same picture,
    and none of them is another's neighbour. None where no patient has two pictures beside other patients of the class.
    """
    rng = np.random.default_rng(seed)
    values = looks[list(SEEN_BY)].to_numpy(float)
    values = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-9)
    hits, chance, counted, by_class, pairs = 0, np.zeros(PERMUTATIONS), 0, {}, []
    people: set[str] = set()
    for name in dict.fromkeys(labels[labels != ""].tolist()):
        rows = np.flatnonzero((labels == name) & (subjects != ""))
        codes = np.unique(subjects[rows], return_inverse=True)[1]
        if len(rows) < 3 or codes.max() == 0 or np.bincount(codes).max() < 2:
            continue
        nearest, distance = _nearest(values[rows], duplicates[rows])
        asked = (np.bincount(codes)[codes] > 1) & (nearest >= 0)
        if not asked.any():
            continue
        mine = np.flatnonzero(asked)
        same = codes[mine] == codes[nearest[mine]]
        dealt = np.array([_agreement(rng.permutation(codes), nearest, mine) for _ in range(PERMUTATIONS)])
        hits, counted, chance = hits + int(same.sum()), counted + len(mine), chance + dealt
        by_class[name] = (float(same.mean()), float(dealt.mean() / len(mine)))
        people |= set(subjects[rows[mine]].tolist())
        pairs += [(distance[at], int(rows[at]), int(rows[nearest[at]])) for at in mine[same]]
    if not counted:
        return None
    low, high = np.quantile(chance / counted, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Identity(
        hits / counted, float(chance.mean() / counted), float(low), float(high), counted, len(people), by_class, _each_once(sorted(pairs))
    )


def _nearest(values: np.ndarray, duplicates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest row of another duplicates' group and its distance; -1 where all the near ones are duplicates."""
    from sklearn.neighbors import NearestNeighbors

    near = min(_NEAR, len(values) - 1)
    distances, places = NearestNeighbors(n_neighbors=near).fit(values).kneighbors(n_neighbors=near)
    other = duplicates[places] != duplicates[:, None]
    first = other.argmax(axis=1)
    each = np.arange(len(values))
    return np.where(other.any(axis=1), places[each, first], -1), distances[each, first]


def _agreement(codes: np.ndarray, nearest: np.ndarray, rows: np.ndarray) -> int:
    return int((codes[rows] == codes[nearest[rows]]).sum())


def _each_once(pairs: list[tuple[float, int, int]]) -> tuple[tuple[int, int], ...]:
    seen: set[int] = set()
    kept = []
    for _, one, other in pairs:
        if not {one, other} & seen:
            seen |= {one, other}
            kept.append((one, other))
    return tuple(kept[: MOST_PICTURES // 2])


def finding(found: Identity | None, image_ids: np.ndarray) -> Finding | None:
    """What the probe means; None where it could not be made, which `Report.unknown` tells."""
    if found is None:
        return None
    told = (
        f"The nearest other image of its class is the same patient's for {found.share:.0%} of {found.images:,} images "
        f"({found.patients:,} patients); dealt out at random it would be for {found.expected:.0%} ({found.low:.0%} to {found.high:.0%})."
    )
    numbers = {
        "share": found.share,
        "expected": found.expected,
        "low": found.low,
        "high": found.high,
        "n": found.images,
        "patients": found.patients,
        "by_class": {name: {"share": share, "expected": expected} for name, (share, expected) in found.by_class.items()},
    }
    if not found.leaks:
        title = "Cells of one patient are no more alike than those of different patients."
        return Finding("identity", GOOD, title, f"{told} Judged by colour, light, texture and size.", numbers=numbers)
    return Finding(
        "identity",
        WARNING if found.share > 2 * found.expected else NOTE,
        f"Cells give their patient away: the nearest image is the same patient's for {found.share:.0%}, by chance {found.expected:.0%}.",
        f"{told} Judged by colour, light, texture and size. Where a split by image puts a patient's cells on both sides, a model can "
        "recognise the patient instead of the illness, and its figures flatter.",
        "Split by patient. Below: pairs of one patient that lie nearest to each other.",
        images=tuple(image_ids[row] for pair in found.closest for row in pair),
        numbers=numbers,
    )
