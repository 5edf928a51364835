"""Who stands on which side, decided once, frozen and certified.

Four sides: *train*; *tune* (early stopping, search, choice of model); *calibrate* (temperature, threshold); *test*, on which
nothing is ever chosen. Where patients are known, tune and calibrate share none with train, whatever the level of the split.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from allcore.base.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from allcore.data.records import DatasetCard

LEVELS = ("image", "patient", "official")
SIDES = ("train", "tune", "calibrate", "test")
UNUSED = ""
"""The side of an image without a label, or outside the phases that an official split names."""


@dataclass(frozen=True)
class SplitSpec:
    """How to split. `test`, `tune` and `calibrate` are shares of all images; 0 leaves a side out (test can't be)."""

    level: str
    seed: int = 0
    test: float = 0.2
    tune: float = 0.1
    calibrate: float = 0.1
    stratified: bool = True
    """Whether an image-level test side keeps the classes' shares; the paper's did not (814 / 1,692, where 807 / 1,698 was due)."""

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise BadInput(f"There is no split '{self.level}'.", f"Choose one of: {', '.join(LEVELS)}.")
        if not 0 < self.test < 1 or min(self.tune, self.calibrate) < 0 or self.test + self.tune + self.calibrate >= 0.95:
            raise BadInput("The shares of test, tune and calibrate leave too little to train on.", "Keep their sum below 0.95.")


@dataclass(frozen=True)
class Side:
    """One side, counted."""

    images: int
    subjects: int | None
    """None where patients are unknown."""
    images_by_class: dict[str, int]
    subjects_by_class: dict[str, int]


@dataclass(frozen=True)
class Certificate:
    """What can be said of a split, for anyone who reads the result."""

    level: str
    seed: int
    sides: dict[str, Side]
    unused: int
    overlapping_subjects: int | None
    """Patients with cells both on the test side and on another; None where patients are unknown."""
    overlapping_test_images: int | None
    """Test images whose patient also stands on another side."""
    duplicate_test_images: int
    """Test images whose very bytes also stand on another side."""
    hash: str
    """SHA-256 over every image's id and side."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Certificate:
        known = {name: document[name] for name in cls.__dataclass_fields__}
        return cls(**{**known, "sides": {name: Side(**side) for name, side in known["sides"].items()}})

    def verdict(self) -> str:
        """The split in one sentence that can be read aloud."""
        if self.overlapping_subjects is None:
            return "The patients are not known: cells of one person may stand on both sides, and nobody can tell."
        if self.overlapping_subjects:
            share = self.overlapping_test_images / max(1, self.sides["test"].images)
            return (
                f"Cells of the same patient stand on both sides: {self.overlapping_subjects} patients, "
                f"{share:.0%} of the test images. The figures flatter."
            )
        return f"No patient stands on both sides: tested on {self.sides['test'].subjects} patients that training never saw."


@dataclass(frozen=True)
class Split:
    """Sides in the order of the records, with the certificate."""

    sides: np.ndarray
    """Text, shape (images,): one of SIDES, or UNUSED."""
    certificate: Certificate

    def rows(self, side: str) -> np.ndarray:
        """Row numbers of one side, ascending."""
        return np.flatnonzero(self.sides == side)


def split(table: pd.DataFrame, card: DatasetCard, spec: SplitSpec) -> Split:
    """Put each labelled image on exactly one side.

    Raises BadInput where the data can't bear the split: patients or phases unknown, or too few of them.
    """
    if spec.level in ("patient", "official"):
        _require_subjects(table, spec)
    sides = np.full(len(table), UNUSED, dtype="<U9")
    labelled = np.flatnonzero((table["label"] != "").to_numpy())
    if spec.level == "official":
        phase = table["phase"].to_numpy()[labelled]
        test, rest = labelled[phase == "preliminary"], labelled[phase == "training"]
        if not len(test) or not len(rest):
            raise BadInput(
                f"Data set '{card.id}' has no official split: it needs images of the phases 'training' and 'preliminary'.",
                "Choose the split 'patient'.",
            )
    elif spec.level == "patient":
        test, rest = _taken(table, labelled, spec.test, spec.seed, grouped=True, side="test")
    else:
        test, rest = _taken_by_image(table, labelled, spec)
    sides[test] = "test"
    grouped = card.has_subjects
    base = len(labelled)
    for offset, side in enumerate(("calibrate", "tune"), 1):
        share = getattr(spec, side)
        if share:
            part, rest = _taken(table, rest, share * base / len(rest), spec.seed + offset, grouped=grouped, side=side)
            sides[part] = side
    sides[rest] = "train"
    for side in ("train", "test"):
        _require_classes(card.class_names, table["label"].to_numpy()[sides == side], side)
    return Split(sides, _certified(table, sides, card, spec))


def _require_subjects(table: pd.DataFrame, spec: SplitSpec) -> None:
    unknown = int(((table["label"] != "") & (table["subject"] == "")).sum())
    if unknown:
        raise BadInput(
            f"A split by {spec.level} needs to know whose cell each image is; {unknown:,} labelled images have no patient.",
            "Choose the split 'image', and read its figures as optimistic.",
        )


def _taken_by_image(table: pd.DataFrame, rows: np.ndarray, spec: SplitSpec) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.model_selection import train_test_split

    if not spec.stratified:
        rest, test = train_test_split(rows, test_size=spec.test, random_state=spec.seed)
        return np.sort(test), np.sort(rest)
    return _taken(table, rows, spec.test, spec.seed, grouped=False, side="test")


def _taken(table: pd.DataFrame, rows: np.ndarray, share: float, seed: int, *, grouped: bool, side: str) -> tuple[np.ndarray, np.ndarray]:
    """About `share` of `rows`, stratified by class, whole patients where `grouped`; and what remains."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    labels = table["label"].to_numpy()[rows]
    groups = table["subject"].to_numpy()[rows] if grouped else rows
    classes, counts = np.unique(labels, return_counts=True)
    # A patient may have cells of several classes; a class needs two patients at least to stand on two sides.
    for name in classes:
        members = rows[labels == name]
        holders = len(set(table["subject"].to_numpy()[members])) if grouped else len(members)
        if holders < 2:
            unit = "patient" if grouped else "image"
            raise BadInput(
                f"Too few {unit}s for a {side} side: class '{name}' has {holders} left.",
                f"A class needs 4 {unit}s at least, 2 where tune and calibrate are left out.",
            )
    folds = min(max(2, round(1 / share)), len(np.unique(groups)), int(counts.min()))
    for parts in range(folds, 1, -1):  # with few patients, the parts of the size asked for may lack a class: then larger ones
        folder = (StratifiedGroupKFold if grouped else StratifiedKFold)(n_splits=parts, shuffle=True, random_state=seed)
        fitting = [
            part
            for rest, part in folder.split(rows, labels, groups if grouped else None)
            if len(set(labels[part])) == len(set(labels[rest])) == len(classes)
        ]
        if fitting:
            chosen = min(fitting, key=lambda part: abs(len(part) / len(rows) - share))
            return rows[np.sort(chosen)], np.delete(rows, chosen)
    raise BadInput(
        f"No {side} side with every class can be formed from {len(set(groups))} patients.",
        "Choose the split 'image', or add patients.",
    )


def _require_classes(class_names: tuple[str, ...], labels: np.ndarray, side: str) -> None:
    missing = [name for name in class_names if name not in labels]
    if missing:
        raise BadInput(f"The {side} side has no image of class '{missing[0]}'.", "Choose another split or seed, or add images.")


def _certified(table: pd.DataFrame, sides: np.ndarray, card: DatasetCard, spec: SplitSpec) -> Certificate:
    used = table.assign(side=sides)[sides != UNUSED]
    test, rest = used[used["side"] == "test"], used[used["side"] != "test"]
    overlapping = overlapping_images = None
    if card.has_subjects:
        shared = (set(test["subject"]) & set(rest["subject"])) - {""}
        overlapping, overlapping_images = len(shared), int(test["subject"].isin(shared).sum())
    digest = hashlib.sha256()
    for image_id, side in zip(table["image_id"], sides, strict=True):
        digest.update(f"{image_id}\t{side}\n".encode())
    return Certificate(
        level=spec.level,
        seed=spec.seed,
        sides={side: _counted(used[used["side"] == side], card) for side in SIDES if (used["side"] == side).any()},
        unused=int((sides == UNUSED).sum()),
        overlapping_subjects=overlapping,
        overlapping_test_images=overlapping_images,
        duplicate_test_images=int(test["sha256"].isin(set(rest["sha256"])).sum()),
        hash=digest.hexdigest(),
    )


def _counted(part: pd.DataFrame, card: DatasetCard) -> Side:
    by_class = part["label"].value_counts()
    known = part[part["subject"] != ""]
    subjects = known.groupby("label")["subject"].nunique()
    return Side(
        images=len(part),
        subjects=known["subject"].nunique() if card.has_subjects else None,
        images_by_class={name: int(by_class.get(name, 0)) for name in card.class_names},
        subjects_by_class={name: int(subjects.get(name, 0)) for name in card.class_names} if card.has_subjects else {},
    )
