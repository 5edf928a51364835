"""An import of what is known already: files that have not changed since another import are not read again.

A file is taken for unchanged where a data set knows it by the same path, size, time of its content and time of its inode (which
nobody can set back). Then what was found in it, its hash and its pixels are taken over. Where a data set's images are all there in its
own order, its pixel files are linked instead of copied: nothing writes into them, and a link outlives the other data set.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from allcore.base.paths import Artifacts, DatasetPaths
from allcore.data import cache, records
from allcore.data.records import DatasetCard

if TYPE_CHECKING:
    import pandas as pd

_YOUNG_NS = 100_000_000
"""A file changed as lately as this may change again within one tick of the clock of its file system."""


@dataclass(frozen=True)
class Known:
    """A data set that knows some of the images."""

    paths: DatasetPaths
    records: pd.DataFrame
    rows: np.ndarray
    """int64, for each image its row there, -1 where it is not known."""

    def covers(self, kept: np.ndarray) -> bool:
        """Whether the kept images (bool, one an image) are the whole of it, in its order."""
        return np.array_equal(self.rows[kept], np.arange(len(self.records)))


def stamps_of(root: Path, image_ids: list[str]) -> np.ndarray:
    """int64 (images, 3): size, and times in ns since 1970 of content and inode; zeros where there is no file, or it is too young."""
    found = np.zeros((len(image_ids), 3), np.int64)
    young = time.time_ns() - _YOUNG_NS
    folder = os.path.join(root, "")
    for row, image_id in enumerate(image_ids):
        try:
            facts = os.stat(folder + image_id)
        except OSError:
            continue
        if max(facts.st_mtime_ns, facts.st_ctime_ns) < young:
            found[row] = facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns
    return found


def known(artifacts: Artifacts, root: Path, image_ids: list[str], stamps: np.ndarray) -> Known | None:
    """The data set that knows most of these files, with its pixels of the present transform; None where none knows any."""
    best, most = None, 0
    folder = os.path.join(root, "")
    for card in records.all_cards(artifacts):
        paths = artifacts.dataset(card.id)
        if not card.root or not _may_share(Path(card.root), root) or not _is_whole(paths):
            continue
        table, theirs = records.read_records(paths), np.load(paths.stamps)
        if len(table) != len(theirs):
            continue
        before = os.path.join(card.root, "")
        places = {before + image_id: row for row, image_id in enumerate(table["image_id"].tolist())}
        rows = np.array([places.get(folder + image_id, -1) for image_id in image_ids], np.int64)
        same = (rows >= 0) & (stamps[:, 1] > 0)
        same[same] = (theirs[rows[same]] == stamps[same]).all(axis=1)
        if same.sum() > most:
            best, most = Known(paths, table, np.where(same, rows, -1)), int(same.sum())
    return best


def known_by_content(paths: DatasetPaths, image_ids: list[str]) -> Known | None:
    """A data set whose own images these are, linked a moment ago; None where its pixels are gone."""
    if not _is_whole(paths):
        return None
    table = records.read_records(paths)
    places = {image_id: row for row, image_id in enumerate(table["image_id"].tolist())}
    return Known(paths, table, np.array([places.get(image_id, -1) for image_id in image_ids], np.int64))


def _may_share(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents


def _is_whole(paths: DatasetPaths) -> bool:
    return paths.stamps.exists() and paths.pixels(cache.key(cache.DEFAULT_SIZE)).exists()


@dataclass(frozen=True)
class Packed:
    """The file that a data set's own images were unpacked from, as its card keeps it."""

    name: str
    path: str
    bytes: int
    mtime_ns: int
    ctime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path, artifacts: Artifacts, *, name: str = "") -> Packed:
        """Reads the whole file for its hash, unless a data set remembers it."""
        facts = path.stat()
        place = (str(path), facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
        for card in records.all_cards(artifacts):
            before = card.packed
            if before and (before["path"], before["bytes"], before["mtime_ns"], before["ctime_ns"]) == place:
                return cls(name or path.name, *place, before["sha256"])
        with open(path, "rb") as file:
            return cls(name or path.name, *place, hashlib.file_digest(file, "sha256").hexdigest())

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def unpacked_before(artifacts: Artifacts, packed: Packed) -> DatasetCard | None:
    """A data set whose images were unpacked from a file of the same content."""
    return next((card for card in records.all_cards(artifacts) if card.packed.get("sha256") == packed.sha256), None)


def link_tree(source: Path, target: Path) -> None:
    """Every file of a folder under another, as links where the disk allows, else as copies."""
    for here, _, names in os.walk(source):  # shutil.copytree would go on when the disk is full
        folder = target / Path(here).relative_to(source)
        folder.mkdir(parents=True)
        for name in names:
            link(os.path.join(here, name), folder / name)


def link(source: str | Path, target: str | Path) -> None:
    """One file under another name, as a link where the disk allows, else as a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
