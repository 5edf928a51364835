"""Sets of classes that hold the true one in a promised share of answers, class by class, over patients.

A class belongs to a picture's set unless its probability is lower than nearly every probability that cells truly of this class got. Cells
of one patient are alike, so one cell is drawn of each patient, and the drawing repeated (Dunn, Wasserman & Ramdas 2022, JASA, for two-layer
data). Averaged over all drawings, the p-value is known without drawing: (1 + sum over patients of the share of their cells that are
at least as strange) / (patients + 1), which refuses a true class of a new patient's cell with at most the promised chance (Lee, Barber &
Willett 2023). For each class on its own (Vovk 2012): leukemic cells are covered, and healthy ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from allcore.base.errors import BadInput

COVERAGE = 0.9
LEAST_PATIENTS = 20
"""In each class. Fewer make either everything belong, or a promise that one odd patient breaks."""
_ROUNDING = 1e-6
"""Probabilities are kept and served in 32 bits: what differs by less is equal."""


@dataclass(frozen=True)
class Sets:
    """What a class's probability must reach to belong, and what that was learnt from."""

    coverage: float
    least: Mapping[str, float]
    """By class, in the model's order."""
    patients: Mapping[str, int]
    images: int

    def of(self, p: np.ndarray) -> tuple[str, ...]:
        """The set of one picture, from its uncalibrated probabilities (classes,); it may be empty, or hold every class."""
        return tuple(name for value, (name, least) in zip(p, self.least.items(), strict=True) if value >= least - _ROUNDING)

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Sets:
        """The inverse of `to_dict`."""
        return cls(**{name: document[name] for name in cls.__dataclass_fields__})


def why_none(labels: np.ndarray, subjects: np.ndarray | None, classes: Sequence[str]) -> str:
    """Why these images can't bear sets; '' where they can. `labels` (n,) int, `subjects` (n,) text or None."""
    if not len(labels):
        return "Sets need a calibrate part, and this run kept none."
    if subjects is None:
        return "Sets are made over patients, and here they are not known."
    counts = {name: len(set(subjects[labels == index])) for index, name in enumerate(classes)}
    fewest = min(counts, key=lambda name: counts[name])
    if counts[fewest] < LEAST_PATIENTS:
        return f"Sets need {LEAST_PATIENTS} patients a class; the calibrate part has {counts[fewest]} of class {fewest}."
    return ""


def fitted(labels: np.ndarray, p: np.ndarray, subjects: np.ndarray | None, classes: Sequence[str], *, coverage: float = COVERAGE) -> Sets:
    """From the calibrate part: `labels` (n,) int, `p` (n, classes), `subjects` (n,) text. Raises BadInput with `why_none`."""
    if reason := why_none(labels, subjects, classes):
        raise BadInput(reason, "Train with a larger calibrate part, or with more patients.")
    least, patients = {}, {}
    for index, name in enumerate(classes):
        mine = labels == index
        own, who = np.asarray(p)[mine, index].astype(np.float64), subjects[mine]
        patients[name] = len(set(who))
        order = np.argsort(own)
        values = p_values(own[order], own, who)
        inside = own[order][values > 1 - coverage]
        least[name] = float(inside[0]) if len(inside) else 2.0
    return Sets(coverage, least, patients, len(labels))


def p_values(new: np.ndarray, own: np.ndarray, subjects: np.ndarray) -> np.ndarray:
    """How usual probabilities `new` (k,) are among those, `own` (n,), of cells truly of the class, of patients `subjects` (n,)."""
    _, codes, sizes = np.unique(subjects, return_inverse=True, return_counts=True)
    order = np.argsort(own)
    stranger = np.concatenate([[0.0], np.cumsum(1 / sizes[codes[order]])])[np.searchsorted(own[order], new, side="right")]
    return (1 + stranger) / (len(sizes) + 1)
