"""Who is in the twin of C-NMC 2019: the published names, phases, folds, classes and subjects, each with a cell to be drawn."""

from __future__ import annotations

import csv
import io

import numpy as np

from allcore.data import official
from allcore.data.phantom.cell import HEALTHY, LEUKEMIA, Cell

# Whose cells the final phase shows was never published; the challenge gave its subjects as 9 leukemic and 8 healthy ones.
FINAL = ((LEUKEMIA, 9), (HEALTHY, 8))


def cells(seed: int) -> tuple[Cell, ...]:
    """The 15,114 cells in the order of their paths. `seed` decides who, unseen, stands behind the final phase's."""
    rng = np.random.default_rng([seed, 0])
    hidden = [(label, f"final {label} {number}") for label, count in FINAL for number in range(1, count + 1)]
    found = []
    for row in official.cnmc().itertuples(index=False):
        told = bool(row.label)
        label, subject = (row.label, row.subject) if told else hidden[rng.integers(len(hidden))]
        found.append(Cell(f"{official.TOP}/{row.path}", label, subject, int(row.fold), row.phase, told))
    return tuple(found)


def labels() -> tuple[str, str]:
    """Path and text of the table that tells the preliminary images' names and classes, in the published one's form."""
    listed = official.cnmc()
    part = listed[listed["phase"] == "preliminary"]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("Patient_ID", "new_names", "labels"))
    for row in part.itertuples(index=False):
        writer.writerow((row.name, row.path.rsplit("/", 1)[-1], int(row.label == LEUKEMIA)))
    return f"{official.TOP}/{official.LABELS.path}", out.getvalue()
