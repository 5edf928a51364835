"""What a model is trained on: images, labels and sides, ready to index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.data import cache, records, splits
from allcore.data.records import DatasetCard
from allcore.data.splits import Split
from allcore.runs.spec import TrainSpec


@dataclass(frozen=True)
class Cells:
    """Images and their classes, of which some rows are learnt from."""

    pixels: np.ndarray
    """uint8 (images, size, size, 3), in memory or mapped."""
    labels: np.ndarray
    """int64 (images,), from 0; -1 without a label."""
    classes: int

    def images(self, rows: np.ndarray) -> np.ndarray:
        """uint8 (rows, size, size, 3), in memory."""
        return np.asarray(self.pixels[rows])

    def weights(self, rows: np.ndarray) -> np.ndarray:
        """For each class the inverse of its share of `rows`, float64 (classes,), averaging 1 over them (scikit-learn's 'balanced')."""
        counts = np.bincount(self.labels[rows], minlength=self.classes)
        return counts.sum() / (self.classes * counts)


@dataclass(frozen=True)
class Material:
    """A data set under one split."""

    card: DatasetCard
    records: pd.DataFrame
    pixels: np.ndarray
    """uint8 (images, size, size, 3), memory-mapped, rows as in `records`."""
    labels: np.ndarray
    """int64 (images,), index into the card's class names; -1 without a label."""
    split: Split

    def rows(self, side: str) -> np.ndarray:
        return self.split.rows(side)

    @property
    def cells(self) -> Cells:
        return Cells(self.pixels, self.labels, len(self.card.class_names))

    def images(self, rows: np.ndarray) -> np.ndarray:
        """uint8 (rows, size, size, 3), in memory."""
        return self.cells.images(rows)


def gathered(artifacts: Artifacts, spec: TrainSpec) -> Material:
    """The data set that a run names, split as it says.

    Raises BadInput where the data set has changed since the run was submitted.
    """
    paths = artifacts.dataset(spec.data)
    card = records.read_card(paths)
    if card.fingerprint != spec.data_fingerprint:
        raise BadInput(f"Data set '{spec.data}' is not the one this run was submitted for.", "Submit a new run.")
    table = records.read_records(paths)
    index = {name: number for number, name in enumerate(card.class_names)}
    labels = table["label"].map(index).fillna(-1).to_numpy(np.int64)
    pixels = cache.opened(paths, spec.settings["input_size"])
    return Material(card, table, pixels, labels, splits.split(table, card, spec.split, duplicates=splits.duplicate_groups(paths, table)))
