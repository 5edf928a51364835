"""C-NMC 2019 as The Cancer Imaging Archive and its mirrors lay it out (doi 10.7937/tcia.2019.dc64i46r).

What bites: subjects `1` (leukemic) and `H1` (healthy) are two people; one subject is written lower case (`UID_h3_...`);
the preliminary images are called `1.bmp`, `2.bmp`, ... and only a CSV knows their subjects and labels; the final ones have neither.
Mirrors drop or rename the upper folders, so each image is recognised by its name and its nearest folders.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path

from allcore.base.errors import BadInput
from allcore.data.importers.listing import Listing, table

NAME = "cnmc"
CLASSES = ("healthy", "leukemia")
_LABELS = {"hem": "healthy", "all": "leukemia", "0": "healthy", "1": "leukemia"}

_CELL = re.compile(r"UID_(?P<subject>[Hh]?\d+)_\d+_\d+_(?P<kind>all|hem)\.bmp", re.IGNORECASE)
_NUMBERED = re.compile(r"\d+\.bmp", re.IGNORECASE)
_FOLD = re.compile(r"fold_(\d+)")
_CSV_COLUMNS = ("Patient_ID", "new_names", "labels")


def _walk(source: Path) -> Iterator[tuple[Path, str]]:
    for folder, _, names in os.walk(source):
        for name in names:
            yield Path(folder), name


def recognises(source: Path) -> bool:
    return any(_CELL.fullmatch(name) for _, name in _walk(source))


def listing(source: Path) -> Listing:
    """Training cells (with fold), preliminary ones (through their CSV) and final ones (without label).

    Raises BadInput where a CSV is broken, or nothing of C-NMC is found.
    """
    numbered: dict[Path, list[str]] = {}
    tables: list[Path] = []
    rows: list[tuple[str, str, str, str, int]] = []
    for folder, name in _walk(source):
        inside = folder.relative_to(source)
        if cell := _CELL.fullmatch(name):
            fold = next((int(match[1]) for part in reversed(inside.parts) if (match := _FOLD.fullmatch(part))), -1)
            rows.append(((inside / name).as_posix(), _LABELS[cell["kind"].lower()], cell["subject"], "training", fold))
        elif _NUMBERED.fullmatch(name):
            numbered.setdefault(folder, []).append(name)
        elif name.lower().endswith(".csv"):
            tables.append(folder / name)
    known = {name: answer for path in sorted(tables) for name, answer in _labels_in(path).items()}
    for folder, names in numbered.items():
        rows += _numbered_rows(folder.relative_to(source), names, known)
    if not rows:
        raise BadInput(f"{source} holds no image named as C-NMC's are.", "Expected names like UID_11_10_1_all.bmp.")
    return Listing(
        layout=NAME,
        root=source,
        images=table(rows),
        class_names=CLASSES,
        positive="leukemia",
        about="C-NMC 2019: segmented lymphoid cells on black, leukemic B-lymphoblasts and healthy B-lymphoid precursors.",
        licence="CC BY 3.0",
        source="Gupta & Gupta, The Cancer Imaging Archive, doi 10.7937/tcia.2019.dc64i46r",
    )


def _numbered_rows(folder: Path, names: list[str], known: dict[str, tuple[str, str]]) -> Iterator[tuple[str, str, str, str, int]]:
    # The final phase's names repeat the preliminary ones', so the folder decides: only 'final' in its name tells them apart.
    final = "final" in folder.as_posix().lower() or not known
    for name in names:
        subject, label = ("", "") if final else known.get(name, ("", ""))
        yield (folder / name).as_posix(), label, subject, "final" if final else "preliminary", -1


def _labels_in(path: Path) -> dict[str, tuple[str, str]]:
    """name -> (subject, label) of a label CSV; empty where the file is another table.

    Raises BadInput, naming the line, where a row can't be understood.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if not set(_CSV_COLUMNS) <= set(reader.fieldnames or ()):
            return {}
        found = {}
        for row in reader:
            cell = _CELL.fullmatch(row["Patient_ID"] or "")
            label = _LABELS.get((row["labels"] or "").strip())
            if cell is None or label is None or label != _LABELS[cell["kind"].lower()]:
                raise BadInput(
                    f"{path.name}, line {reader.line_num}: '{row['Patient_ID']}' with label '{row['labels']}' can't be understood.",
                    "Expected UID_57_29_1_all.bmp with label 1, or UID_H49_35_1_hem.bmp with label 0.",
                )
            found[row["new_names"]] = (cell["subject"], label)
        return found
