"""C-NMC 2019 as The Cancer Imaging Archive and its mirrors lay it out (doi 10.7937/tcia.2019.dc64i46r).

What bites: subjects `1` (leukemic) and `H1` (healthy) are two people; one subject is written lower case (`UID_h3_...`);
the preliminary images are called `1.bmp`, `2.bmp`, ... and only a CSV knows their subjects and labels; the final ones have neither.
Mirrors drop or rename the upper folders, so each image is recognised by its name and its nearest folders.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from allcore.base.errors import BadInput
from allcore.data import images
from allcore.data.importers.listing import Listing, Row, table
from allcore.data.importers.options import AS_FOUND, Options

NAME = "cnmc"
UNDERSTANDS = ()
LICENCE = "CC BY 3.0"
SOURCE = "Gupta & Gupta, The Cancer Imaging Archive, doi 10.7937/tcia.2019.dc64i46r"
CLASSES = ("healthy", "leukemia")
_LABELS = {"hem": "healthy", "all": "leukemia", "0": "healthy", "1": "leukemia"}

# Mirrors have the bitmaps as PNG or JPEG too.
_ENDING = rf"\.({'|'.join(suffix[1:] for suffix in images.SUFFIXES)})"
_CELL = re.compile(rf"(?P<name>UID_(?P<subject>[Hh]?\d+)_\d+_\d+_(?P<kind>all|hem)){_ENDING}", re.IGNORECASE)
_NUMBERED = re.compile(rf"(?P<number>\d+){_ENDING}", re.IGNORECASE)
_FOLD = re.compile(r"(?:.*[_ -])?fold[_ -]?(\d{1,2})", re.IGNORECASE)
_PHASES = (("prelim", "preliminary"), ("final", "final"))
_CSV_COLUMNS = ("Patient_ID", "new_names", "labels")


def _walk(source: Path) -> Iterator[tuple[Path, str]]:
    for folder, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in names:
            yield Path(folder), name


def recognises(source: Path) -> bool:
    # By bitmaps alone: cells drawn here have such names too, as PNG, and are not to pass for real ones unless somebody says so.
    return any(name.lower().endswith(".bmp") and _CELL.fullmatch(name) for _, name in _walk(source))


def listing(source: Path, options: Options = AS_FOUND) -> Listing:
    """Training cells (with fold), preliminary ones (through their CSV) and final ones (without label).

    A mirror may have put the preliminary cells under their cells' names: a folder called so tells the phase.

    Raises BadInput where a CSV is broken, a cell is there twice, or nothing of C-NMC is found.
    """
    numbered: dict[Path, list[str]] = {}
    tables: list[Path] = []
    rows: list[Row] = []
    cells: dict[str, Path] = {}
    for folder, name in _walk(source):
        inside = folder.relative_to(source)
        if cell := _CELL.fullmatch(name):
            if (twin := cells.setdefault(cell["name"].lower(), inside / name)) != inside / name:
                raise BadInput(f"{cell['name']} is there twice, as {twin} and as {inside / name}.", "Name the folder of one copy alone.")
            early = any(_PHASES[0][0] in part.lower() for part in inside.parts)
            fold = next((int(match[1]) for part in reversed(inside.parts) if (match := _FOLD.fullmatch(part))), -1)
            phase, fold = ("preliminary", -1) if early else ("training", fold)
            rows.append(((inside / name).as_posix(), _LABELS[cell["kind"].lower()], cell["subject"], phase, fold))
        elif _NUMBERED.fullmatch(name):
            numbered.setdefault(folder, []).append(name)
        elif name.lower().endswith(".csv"):
            tables.append(folder / name)
    known = _labels_of(sorted(tables))
    phases = _phases(source, numbered, known)
    for folder, names in numbered.items():
        rows += _numbered_rows(folder.relative_to(source), names, phases[folder], known)
    if not rows:
        raise BadInput(f"{source} holds no image named as C-NMC's are.", "Expected names like UID_11_10_1_all.bmp.")
    return Listing(
        layout=NAME,
        root=source,
        images=table(rows),
        class_names=CLASSES,
        positive="leukemia",
        about="C-NMC 2019: segmented lymphoid cells on black, leukemic B-lymphoblasts and healthy B-lymphoid precursors.",
        licence=LICENCE,
        source=SOURCE,
    )


def _phases(source: Path, numbered: Mapping[Path, list[str]], known: Mapping[str, tuple[str, str]]) -> dict[Path, str]:
    """The phase of each folder of numbered images.

    The final phase's names repeat the preliminary ones', so the name of the nearest folder that speaks of a phase decides. Where
    none does, it is the preliminary phase if the CSV knows every name.

    Raises BadInput where that is so of two folders.
    """
    phases, unnamed = {}, []
    for folder, names in sorted(numbered.items()):
        above = [part.lower() for part in reversed((source.name, *folder.relative_to(source).parts))]
        named = next((phase for part in above for word, phase in _PHASES if word in part), None)
        if named is None and known.keys() >= {_number(name) for name in names}:
            unnamed.append(folder)
        phases[folder] = named or ("preliminary" if folder in unnamed else "final")
    if len(unnamed) > 1:
        raise BadInput(
            f"{unnamed[0]} and {unnamed[1]} both look like the preliminary phase.",
            "Rename them so that one has 'prelim' and the other 'final' in its name.",
        )
    return phases


def _number(name: str) -> str:
    """What a label table calls an image, whatever its ending: its number."""
    match = _NUMBERED.fullmatch(name)
    return match["number"] if match else ""


def _numbered_rows(folder: Path, names: list[str], phase: str, known: Mapping[str, tuple[str, str]]) -> Iterator[Row]:
    for name in names:
        subject, label = known.get(_number(name), ("", "")) if phase == "preliminary" else ("", "")
        yield (folder / name).as_posix(), label, subject, phase, -1


def _labels_of(tables: list[Path]) -> dict[str, tuple[str, str]]:
    """number -> (subject, label) of all label CSVs. Raises BadInput where two contradict each other."""
    known: dict[str, tuple[str, str]] = {}
    for path in tables:
        found = _labels_in(path)
        for name in known.keys() & found.keys():
            if known[name] != found[name]:
                raise BadInput(f"{path} contradicts another CSV about {name}.bmp.", "Remove the one that is wrong.")
        known |= found
    return known


def _labels_in(path: Path) -> dict[str, tuple[str, str]]:
    """number -> (subject, label) of a label CSV; empty where the file is another table.

    Raises BadInput, naming the line, where a row can't be understood.
    """
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.DictReader(file)
        try:
            if not set(_CSV_COLUMNS) <= set(reader.fieldnames or ()):
                return {}
            return dict(_understood(row, f"{path.name}, line {reader.line_num}") for row in reader)
        except csv.Error as error:
            where = f"{path.name}, line {reader.line_num}"
            raise BadInput(f"{where}: {error}.", "Correct the file, or remove it if it is no label table.") from error


def _understood(row: Mapping[str, str | None], where: str) -> tuple[str, tuple[str, str]]:
    cell = _CELL.fullmatch((row["Patient_ID"] or "").strip())
    name = (row["new_names"] or "").strip()
    label = _LABELS.get((row["labels"] or "").strip())
    if cell is None or not _NUMBERED.fullmatch(name) or label is None or label != _LABELS[cell["kind"].lower()]:
        raise BadInput(
            f"{where}: '{row['Patient_ID']}' as '{row['new_names']}' with label '{row['labels']}' can't be understood.",
            "Expected UID_57_29_1_all.bmp as 1.bmp with label 1, or UID_H49_35_1_hem.bmp as 2.bmp with label 0.",
        )
    return _number(name), (cell["subject"], label)
