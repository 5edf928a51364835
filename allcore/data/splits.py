"""Who stands on which side, decided once, frozen and certified.

Four sides: *train*; *tune* (early stopping, search, choice of model); *calibrate* (temperature, threshold); *test*, on which
nothing is ever chosen. Where patients are known, tune and calibrate share none with train, whatever the level of the split.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from allcore.base.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from allcore.base.paths import DatasetPaths
    from allcore.data.records import DatasetCard

LEVELS = ("image", "patient", "official")
SIDES = ("train", "tune", "calibrate", "test")
MOST_FOLDS = 20
_FOLD_ATTEMPTS = 20
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
    folds: int = 0
    """0: one test side, as `test` says. From 2 on: so many parts, each in turn the test side, and `test` says nothing; of an official
    split, the data set's own folds."""
    fold: int = 0
    """Which part is the test side, 0 to `folds` - 1."""

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise BadInput(f"There is no split '{self.level}'.", f"Choose one of: {', '.join(LEVELS)}.")
        there = 2 <= self.folds <= MOST_FOLDS and 0 <= self.fold < self.folds
        if (self.folds or self.fold) and not there:
            raise BadInput(
                f"There is no fold {self.fold} of {self.folds}.", f"Choose 2 to {MOST_FOLDS} folds, and one of them, counted from 0."
            )
        test = 1 / self.folds if self.folds else self.test
        if not 0 < test < 1 or min(self.tune, self.calibrate) < 0 or test + self.tune + self.calibrate >= 0.95:
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
    folds: int = 0
    fold: int = 0
    """As in the SplitSpec: the part `fold` of `folds` is the test side."""
    near_duplicate_test_images: int | None = None
    """Test images of which a near duplicate stands on another side; None where nobody has looked for them."""
    held_together: int = 0
    """Images that were put on a side with their near duplicates, since their patients are unknown."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Certificate:
        known = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
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


def split(table: pd.DataFrame, card: DatasetCard, spec: SplitSpec, *, duplicates: np.ndarray | None = None) -> Split:
    """Put each labelled image on exactly one side.

    `duplicates` (images,) text names each image's group of near duplicates, '' where it has none (`duplicate_groups` reads them). Where
    patients are unknown, a group is held together on one side.

    Raises BadInput where the data can't bear the split: patients, phases or folds unknown, or too few of them.
    """
    if spec.level in ("patient", "official"):
        _require_subjects(table, spec)
    labelled = (table["label"] != "").to_numpy()
    leaders = _leaders(labelled, duplicates if not card.has_subjects else None)
    rows = np.flatnonzero(labelled & (leaders == np.arange(len(table))))
    test, rest = _test_side(table, rows, card, spec)
    sides = np.full(len(table), UNUSED, dtype="<U9")
    sides[test] = "test"
    grouped = card.has_subjects
    base = len(rows)
    for offset, side in enumerate(("calibrate", "tune"), 1):
        share = getattr(spec, side)
        if share:
            part, rest = _taken(table, rest, share * base / len(rest), spec.seed + offset, grouped=grouped, side=side)
            sides[part] = side
    sides[rest] = "train"
    sides = np.where(labelled, sides[leaders], UNUSED)
    for side in ("train", "test"):
        _require_classes(card.class_names, table["label"].to_numpy()[sides == side], side)
    return Split(
        sides, _certified(table, sides, card, spec, duplicates, held=int((labelled & _of_several(leaders[labelled], leaders)).sum()))
    )


def duplicate_groups(paths: DatasetPaths, table: pd.DataFrame) -> np.ndarray | None:
    """Each image's group of near duplicates, text (images,), '' where it has none; None where nobody has looked for them.

    `table` are the data set's records.
    """
    import pandas as pd

    try:
        found = pd.read_parquet(paths.duplicates, columns=["image_id", "group"])
    except FileNotFoundError:
        return None
    groups = found.drop_duplicates("image_id").set_index("image_id")["group"].astype("string")
    return table["image_id"].map(groups).fillna("").to_numpy(str)


def of_dataset(paths: DatasetPaths, spec: SplitSpec) -> Split:
    """A data set's split. Raises NotFound, and BadInput as `split` does."""
    from allcore.data import records

    card, table = records.read_card(paths), records.read_records(paths)
    return split(table, card, spec, duplicates=duplicate_groups(paths, table))


def _leaders(labelled: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """For each image the row that decides its side: the first labelled one of its group, or its own."""
    own = np.arange(len(labelled))
    if groups is None:
        return own
    first: dict[str, int] = {}
    for row in np.flatnonzero(labelled & (groups != "")):
        own[row] = first.setdefault(groups[row], row)
    return own


def _of_several(used: np.ndarray, leaders: np.ndarray) -> np.ndarray:
    """Whether an image shares its leader with another; `used` are the leaders of the labelled ones."""
    return np.bincount(used, minlength=len(leaders))[leaders] > 1


def _test_side(table: pd.DataFrame, rows: np.ndarray, card: DatasetCard, spec: SplitSpec) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the test side, and of all others that are used."""
    if spec.level == "official":
        return _official(table, rows, card, spec)
    if spec.folds:
        return _fold(table, rows, spec)
    if spec.level == "patient":
        return _taken(table, rows, spec.test, spec.seed, grouped=True, side="test")
    return _taken_by_image(table, rows, spec)


def _official(table: pd.DataFrame, rows: np.ndarray, card: DatasetCard, spec: SplitSpec) -> tuple[np.ndarray, np.ndarray]:
    if spec.folds:
        fold = table["fold"].to_numpy()[rows]
        known = sorted(set(fold[fold >= 0].tolist()))
        if known != list(range(spec.folds)):
            has = f"has the folds {', '.join(map(str, known))}" if known else "has no folds of its own"
            raise BadInput(f"Data set '{card.id}' {has}, not {spec.folds}.", "Choose the split 'patient'.")
        return rows[fold == spec.fold], rows[(fold != spec.fold) & (fold >= 0)]
    phase = table["phase"].to_numpy()[rows]
    test, rest = rows[phase == "preliminary"], rows[phase == "training"]
    if not len(test) or not len(rest):
        raise BadInput(
            f"Data set '{card.id}' has no official split: it needs images of the phases 'training' and 'preliminary'.",
            "Choose the split 'patient'.",
        )
    return test, rest


def _fold(table: pd.DataFrame, rows: np.ndarray, spec: SplitSpec) -> tuple[np.ndarray, np.ndarray]:
    """One of `spec.folds` parts; the parts depend on the seed alone, and each has every class."""
    from sklearn.model_selection import KFold, StratifiedGroupKFold, StratifiedKFold

    classes, labels = _codes(table["label"], rows)
    _, subjects = _codes(table["subject"], rows)
    grouped = spec.level == "patient"
    unit = "patient" if grouped else "image"
    for index, name in enumerate(classes):
        holders = len(np.unique(subjects[labels == index])) if grouped else int((labels == index).sum())
        if holders < spec.folds:
            raise BadInput(f"Class '{name}' has {holders} {unit}s: too few for {spec.folds} folds.", "Choose fewer folds.")
    kind = StratifiedGroupKFold if grouped else StratifiedKFold if spec.stratified else KFold
    for attempt in range(_FOLD_ATTEMPTS):  # patients are dealt out one by one, which may leave a fold without a class
        folder = kind(n_splits=spec.folds, shuffle=True, random_state=spec.seed + 1000 * attempt)
        parts = [part for _, part in folder.split(rows, labels, subjects if grouped else None)]
        if all(np.bincount(labels[part], minlength=len(classes)).all() for part in parts):
            test = rows[np.sort(parts[spec.fold])]
            return test, rows[~np.isin(rows, test)]
    raise BadInput(f"No {spec.folds} folds that each have every class were found.", "Choose fewer folds.")


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
        if math.ceil(spec.test * len(rows)) >= len(rows):  # of copies that stay together one stands for all
            raise BadInput(f"Too few different images for a test side: {len(rows)}.", "Add images.")
        rest, test = train_test_split(rows, test_size=spec.test, random_state=spec.seed)
        return np.sort(test), np.sort(rest)
    return _taken(table, rows, spec.test, spec.seed, grouped=False, side="test")


def _taken(table: pd.DataFrame, rows: np.ndarray, share: float, seed: int, *, grouped: bool, side: str) -> tuple[np.ndarray, np.ndarray]:
    """About `share` of `rows`, stratified by class, whole patients where `grouped`; and what remains."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if share > 0.5:  # parts of one size are dealt, and one is taken: of more than half, what is left over is one
        left, taken = _taken(table, rows, 1 - share, seed, grouped=grouped, side=side)
        return taken, left
    classes, labels = _codes(table["label"], rows)
    people, subjects = _codes(table["subject"], rows)
    groups = subjects if grouped else rows
    counts = np.bincount(labels)
    # A patient may have cells of several classes; a class needs two patients at least to stand on two sides.
    for index, name in enumerate(classes):
        holders = len(np.unique(subjects[labels == index])) if grouped else counts[index]
        if holders < 2:
            unit = "patient" if grouped else "image"
            raise BadInput(
                f"Too few {unit}s for a {side} side: class '{name}' has {holders} left.",
                f"A class needs 4 {unit}s at least, 2 where tune and calibrate are left out.",
            )
    folds = min(max(2, round(1 / share)), len(people) if grouped else len(rows), int(counts.min()))
    for parts in range(folds, 1, -1):  # with few patients, the parts of the size asked for may lack a class: then larger ones
        folder = (StratifiedGroupKFold if grouped else StratifiedKFold)(n_splits=parts, shuffle=True, random_state=seed)
        fitting = []
        for _, part in folder.split(rows, labels, groups if grouped else None):
            within = np.bincount(labels[part], minlength=len(classes))
            if within.all() and (counts - within).all():
                fitting.append(part)
        if fitting:
            chosen = min(fitting, key=lambda part: abs(len(part) / len(rows) - share))
            return rows[np.sort(chosen)], np.delete(rows, chosen)
    units = f"{len(people)} patients" if grouped else f"{len(rows)} images"
    raise BadInput(
        f"No {side} side with every class can be formed from {units}.",
        "Choose the split 'image', or add patients.",
    )


def _codes(column: pd.Series, rows: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The different values of a column's rows, sorted, and each row's place among them."""
    import pandas as pd

    codes, values = pd.factorize(column.to_numpy()[rows], sort=True)  # numbers: scikit-learn looks at them often
    return list(values), codes


def _require_classes(class_names: tuple[str, ...], labels: np.ndarray, side: str) -> None:
    missing = [name for name in class_names if name not in labels]
    if missing:
        raise BadInput(f"The {side} side has no image of class '{missing[0]}'.", "Choose another split or seed, or add images.")


def _certified(
    table: pd.DataFrame, sides: np.ndarray, card: DatasetCard, spec: SplitSpec, duplicates: np.ndarray | None, *, held: int
) -> Certificate:
    used = sides != UNUSED
    tested, others = sides == "test", used & (sides != "test")
    everything = np.arange(len(table))
    subjects, contents = table["subject"].to_numpy(), _codes(table["sha256"], everything)[1]
    overlapping = overlapping_images = None
    if card.has_subjects:
        shared = (set(subjects[tested]) & set(subjects[others])) - {""}
        overlapping, overlapping_images = len(shared), sum(one in shared for one in subjects[tested])
    near = None
    if duplicates is not None:
        elsewhere = set(duplicates[others]) - {""}
        near = int(np.isin(duplicates[tested], list(elsewhere)).sum())
    listed = "".join(f"{image_id}\t{side}\n" for image_id, side in zip(table["image_id"].tolist(), sides.tolist(), strict=True))
    by_label = {name: (table["label"] == name).to_numpy(bool) for name in card.class_names}
    return Certificate(
        level=spec.level,
        seed=spec.seed,
        sides={side: _counted(sides == side, subjects, by_label, card) for side in SIDES if (sides == side).any()},
        unused=int((~used).sum()),
        overlapping_subjects=overlapping,
        overlapping_test_images=overlapping_images,
        duplicate_test_images=int(np.isin(contents[tested], contents[others]).sum()),
        hash=hashlib.sha256(listed.encode()).hexdigest(),
        folds=spec.folds,
        fold=spec.fold,
        near_duplicate_test_images=near,
        held_together=held,
    )


def _counted(mine: np.ndarray, subjects: np.ndarray, by_label: dict[str, np.ndarray], card: DatasetCard) -> Side:
    """One side; `mine` (images,) says who stands on it."""
    people = {name: set(subjects[mine & has]) - {""} for name, has in by_label.items()}
    return Side(
        images=int(mine.sum()),
        subjects=len(set().union(*people.values())) if card.has_subjects else None,
        images_by_class={name: int((mine & has).sum()) for name, has in by_label.items()},
        subjects_by_class={name: len(found) for name, found in people.items()} if card.has_subjects else {},
    )
