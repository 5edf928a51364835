"""A copy of C-NMC 2019 held against the list of what was published: what is missing, changed or extra."""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.data import official, reading, records
from allcore.data.importers import cnmc
from allcore.data.importers.listing import visible_files
from allcore.data.progress import Progress, silent

_AT_ONCE = 64
_PIECE = 1 << 20


@dataclass(frozen=True)
class Verification:
    """Paths of missing files are as published, those of others as they lie in the copy."""

    root: str
    expected: int
    present: int
    """Files whose content is a published one's, each counted once, wherever they lie."""
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    """Files with a published one's name and another content."""
    extra: tuple[str, ...]
    """Files that were never published, and second copies."""

    @property
    def is_whole(self) -> bool:
        return self.present == self.expected and not self.extra

    def to_dict(self) -> dict[str, Any]:
        return {
            "root": self.root,
            "whole": self.is_whole,
            "expected": self.expected,
            "present": self.present,
            "missing": list(self.missing),
            "changed": list(self.changed),
            "extra": list(self.extra),
        }


def root_of(artifacts: Artifacts, named: str) -> Path:
    """The folder that a path, or a data set's name, stands for. Raises BadInput where it is neither, or holds drawn cells."""
    path = Path(named).expanduser()
    if path.is_dir():
        return path.resolve()
    if path.exists():
        raise BadInput(f"{named} is a file.", "Name the folder of the copy, or import it and name the data set.")
    if "/" in named or "\\" in named:
        raise BadInput(f"There is no folder {named}.", "Check the path.")
    paths = artifacts.dataset(named)
    card = records.read_card(paths)
    if card.synthetic:
        raise BadInput(f"Data set '{named}' was drawn here; it is no copy of C-NMC.", "Name an imported one, or a folder.")
    return records.image_root(paths, card)


def against_official(root: Path, *, progress: Progress = silent) -> Verification:
    """Hash every file below `root` and compare; mirrors may call the folders what they like, hidden files don't count.

    Raises BadInput where nothing there is C-NMC's.
    """
    listing = cnmc.listing(root)
    phases = dict(zip(listing.images["image_id"].tolist(), listing.images["phase"].tolist(), strict=True))
    files = ["/".join(parts) for parts in visible_files(root)]
    hashes = _hashes(root, files, progress)

    # Copies of one content are told apart by their names.
    published, by_hash, by_name = _published()
    there: dict[str, str] = {}
    left = []
    for path in files:
        name = _name(path, phases.get(path, ""))
        same = [one for one in by_hash.get(hashes[path], ()) if one not in there]
        found = by_name.get(name) if by_name.get(name) in same else next(iter(same), None)
        if found is None:
            left.append((path, by_name.get(name)))
        else:
            there[found] = path
    changed = {path: meant for path, meant in left if meant is not None and meant not in there}
    return Verification(
        root=str(root),
        expected=len(published),
        present=len(there),
        missing=tuple(path for path in published if path not in there and path not in changed.values()),
        changed=tuple(changed),
        extra=tuple(path for path, _ in left if path not in changed),
    )


def _published() -> tuple[list[str], dict[str, list[str]], dict[str, str]]:
    """All paths below the published folder; hash -> paths; name, as `_name` gives it -> path."""
    images = official.cnmc()
    paths = [*images["path"].tolist(), official.LABELS.path]
    by_hash: dict[str, list[str]] = {}
    for path, sha256 in zip(paths, [*images["sha256"].tolist(), official.LABELS.sha256], strict=True):
        by_hash.setdefault(sha256, []).append(path)
    by_name = {_name(path, phase): path for path, phase in zip(images["path"], images["phase"], strict=True)}
    by_name |= {_name(name, ""): path for path, name in zip(images["path"], images["name"], strict=True) if name}
    return paths, by_hash, by_name | {_name(official.LABELS.path, ""): official.LABELS.path}


def _name(path: str, phase: str) -> str:
    """A file's name without what mirrors change: folders, case and a picture's ending; a number needs its phase beside it."""
    name = path.rsplit("/", 1)[-1].lower()
    stem = name if name.endswith(".csv") else name.rsplit(".", 1)[0]
    return f"{phase}/{stem}" if re.fullmatch(r"\d+", stem) else stem


def _hashes(root: Path, files: list[str], progress: Progress) -> dict[str, str]:
    found: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=reading.cores()) as pool:
        for start in range(0, len(files), _AT_ONCE):
            some = files[start : start + _AT_ONCE]
            found |= zip(some, pool.map(lambda path: _sha256(root / path), some), strict=True)
            progress(len(found) / len(files), f"Comparing: {len(found):,} of {len(files):,} files")
    return found


def _sha256(path: Path) -> str:
    """'' where the file can't be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
