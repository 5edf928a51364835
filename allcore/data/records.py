"""What is known of each image of a data set, and of the data set as a whole."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allcore.base import fileio
from allcore.base.errors import AllcoreError, NotFound
from allcore.base.paths import Artifacts, DatasetPaths

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# image_id is the path below the data set's root, with forward slashes. Unknown text is '', an unknown fold -1.
COLUMNS = {
    "image_id": "string",
    "label": "string",
    "subject": "string",
    "phase": "string",
    "fold": "int16",
    "width": "int32",
    "height": "int32",
    "bytes": "int64",
    "format": "string",
    "mode": "string",
    "sha256": "string",
}
# The paper's tables take healthy as positive; here it is the illness, wherever one of these names it.
ILLNESS = ("leukemia", "leukaemia", "all", "blast", "blasts", "malignant", "cancer")


@dataclass(frozen=True)
class DatasetCard:
    """A data set as `dataset.json` keeps it."""

    id: str
    layout: str
    root: str
    """Folder that the image ids are relative to; '' is the data set's own `images` folder."""
    class_names: tuple[str, ...]
    """In the order of the class indices."""
    positive: str
    images: int
    classes: dict[str, int]
    """Images by class; those without a label are not counted here."""
    subjects: dict[str, int]
    """Subjects by class."""
    phases: dict[str, int]
    folds: dict[str, int]
    fingerprint: str
    synthetic: bool
    created: str
    about: str = ""
    licence: str = ""
    source: str = ""
    drawn_with: dict[str, Any] = field(default_factory=dict)
    """The phantom's settings, for a synthetic data set."""
    job: str = ""
    """Id of the job that made it; '' where none did."""
    packed: dict[str, Any] = field(default_factory=dict)
    """Of the zip or `.npz` file that its own images were unpacked from: name, path, bytes, mtime_ns, ctime_ns, sha256."""
    unreadable: tuple[dict[str, str], ...] = ()
    """Files left out: path and reason."""

    @property
    def has_subjects(self) -> bool:
        return bool(self.subjects)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> DatasetCard:
        known = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        return cls(**{**known, "class_names": tuple(known["class_names"]), "unreadable": tuple(known.get("unreadable", ()))})


def counted(records: pd.DataFrame, class_names: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """Images by class, subjects by class, images by phase and by fold of a table of records."""
    labelled = records[records["label"] != ""]
    known = labelled[labelled["subject"] != ""]
    by_class = labelled["label"].value_counts()
    by_subject = known.groupby("label")["subject"].nunique()
    phases = records.loc[records["phase"] != "", "phase"].value_counts(sort=False)
    folds = records.loc[records["fold"] >= 0, "fold"].value_counts().sort_index()
    return {
        "classes": {name: int(by_class.get(name, 0)) for name in class_names},
        "subjects": {name: int(by_subject[name]) for name in class_names if name in by_subject.index},
        "phases": {str(name): int(count) for name, count in phases.items()},
        "folds": {str(name): int(count) for name, count in folds.items()},
    }


def fingerprint(records: pd.DataFrame) -> str:
    """SHA-256 over every image's id, content, label, subject, phase and fold: equal for equal data, whatever the order of rows."""
    columns = ["image_id", "sha256", "label", "subject", "phase", "fold"]
    digest = hashlib.sha256()
    for row in records[columns].sort_values("image_id").itertuples(index=False):
        digest.update("\t".join(map(str, row)).encode() + b"\n")
    return digest.hexdigest()


def positive_class(class_names: tuple[str, ...]) -> str:
    """The class that names an illness, else the last by name."""
    for name in class_names:
        if name.lower() in ILLNESS:
            return name
    return class_names[-1]


def typed(records: pd.DataFrame) -> pd.DataFrame:
    """The table with exactly our columns and their types, sorted by image id."""
    return records[list(COLUMNS)].astype(COLUMNS).sort_values("image_id", ignore_index=True)


def read_card(paths: DatasetPaths) -> DatasetCard:
    """Raises NotFound where there is no such data set."""
    try:
        return DatasetCard.from_dict(fileio.read_json(paths.card))
    except FileNotFoundError:
        raise NotFound(f"There is no data set '{paths.id}'.", "`data list` shows what there is.") from None


def read_records(paths: DatasetPaths) -> pd.DataFrame:
    """The table of a data set's images, a row an image, in the order of the pixel cache."""
    import pandas as pd

    read_card(paths)
    return pd.read_parquet(paths.records)


def labels_and_subjects(table: pd.DataFrame, card: DatasetCard) -> tuple[np.ndarray, np.ndarray]:
    """Of each image the index of its class (n,) int64, -1 for none, and its patient (n,) text, '' where unknown."""
    index = {name: number for number, name in enumerate(card.class_names)}
    return table["label"].map(index).fillna(-1).to_numpy("int64"), table["subject"].to_numpy(dtype=object).astype(str)


def all_cards(artifacts: Artifacts) -> list[DatasetCard]:
    """Every data set that can be read, oldest first."""
    cards = []
    for file in artifacts.datasets.glob("*/dataset.json"):
        if file.parent.name.startswith("."):
            continue
        with suppress(AllcoreError, FileNotFoundError):  # damaged, or deleted under our eyes: reading that one alone says so
            cards.append(read_card(DatasetPaths(file.parent)))
    return sorted(cards, key=lambda card: card.created)


def image_root(paths: DatasetPaths, card: DatasetCard) -> Path:
    """The folder below which `image_id` is a path."""
    return Path(card.root) if card.root else paths.images
