"""A folder for each class. The simplest layout, and the one without patients: nothing in it says whose cell is whose."""

from __future__ import annotations

import re
from pathlib import Path

from allcore.base.errors import BadInput
from allcore.data import images, records
from allcore.data.importers.listing import Listing, table

NAME = "folders"


def _classes(source: Path) -> dict[str, list[Path]]:
    """Folder name -> image files anywhere below it, for each folder directly in `source` that holds any."""
    found = {}
    for folder in sorted(path for path in source.iterdir() if path.is_dir() and not path.name.startswith(".")):
        files = [path for path in folder.rglob("*") if _is_image(path)]
        if files:
            found[folder.name] = files
    return found


def _is_image(path: Path) -> bool:
    # A Mac leaves a hidden `._cell.png` beside each `cell.png` of a zip or a memory stick.
    return path.suffix.lower() in images.SUFFIXES and not path.name.startswith(".") and path.is_file()


def recognises(source: Path) -> bool:
    return len(_classes(source)) >= 2


def listing(source: Path) -> Listing:
    """Every image below each class folder; the folder's name, in lower case, is the label.

    Raises BadInput where there are fewer than two such folders, or two names fall together.
    """
    found = _classes(source)
    if len(found) < 2:
        raise BadInput(
            f"{source} has {len(found)} folder(s) with images; a data set needs two classes at least.",
            "Put the images of each class into a folder of its own.",
        )
    labels = {name: re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "class" for name in found}
    if len(set(labels.values())) < len(labels):
        raise BadInput(f"Two folders in {source} differ only in case or punctuation: {', '.join(found)}.", "Rename one.")
    rows = [(path.relative_to(source).as_posix(), labels[name], "", "", -1) for name, files in found.items() for path in files]
    class_names = tuple(sorted(labels.values()))
    return Listing(
        layout=NAME,
        root=source,
        images=table(rows),
        class_names=class_names,
        positive=records.positive_class(class_names),
        about="A folder for each class; patients unknown.",
    )
