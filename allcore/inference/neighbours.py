"""The training cells that the model finds most like a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import records
from allcore.inference.guard import Guard
from allcore.runs import spec
from allcore.runs.spec import TrainSpec

COUNT = 5


@dataclass(frozen=True)
class Neighbour:
    """A training cell. `distance` in the embedding, along the directions in which the training side varies most; only its order speaks."""

    row: int
    """In the data set's records."""
    image_id: str
    label: str
    subject: str
    """'' where patients are unknown."""
    distance: float


def nearest(artifacts: Artifacts, paths: JobPaths, guard: Guard, embedding: np.ndarray, *, count: int = COUNT) -> list[Neighbour]:
    """The `count` training cells nearest to a picture's embedding (d,), the nearest first.

    Raises NotFound where the run's data set has gone or changed.
    """
    plan = TrainSpec.from_params(spec.read(paths).params)
    data = artifacts.dataset(plan.data)
    if records.read_card(data).fingerprint != plan.data_fingerprint:
        raise NotFound(f"Data set '{plan.data}' is no longer the one that run '{paths.id}' was trained on.")
    along, _ = guard.placed(np.asarray(embedding)[None])
    away = np.sqrt(((guard.places - along) ** 2).sum(axis=1))
    order = np.argsort(away, kind="stable")[:count]
    table = records.read_records(data).iloc[guard.rows[order]]
    return [
        Neighbour(int(row), one.image_id, one.label, one.subject, float(distance))
        for row, one, distance in zip(guard.rows[order], table.itertuples(), away[order], strict=True)
    ]


def told(found: Sequence[Neighbour]) -> str:
    """'4 of the 5 nearest training cells are leukemia, 1 is healthy; they come from 3 patients.'"""
    counts = Counter(one.label for one in found).most_common()
    first = f"{counts[0][1]} of the {len(found)} nearest training cells {'is' if counts[0][1] == 1 else 'are'} {counts[0][0]}"
    others = "".join(f", {count} {'is' if count == 1 else 'are'} {label}" for label, count in counts[1:])
    people = {one.subject for one in found}
    whose = "" if "" in people else f"; they come from {len(people)} patient{'s' * (len(people) != 1)}"
    return f"{first}{others}{whose}."
