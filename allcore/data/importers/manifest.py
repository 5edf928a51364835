"""A table (CSV or Parquet) with a row an image: path and label; where known, patient, split and fold too."""

from __future__ import annotations

import csv
import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from allcore.base.errors import AllcoreError, BadInput
from allcore.data import records
from allcore.data.importers.listing import Listing, Row, as_label, as_phase, table
from allcore.data.importers.options import AS_FOUND, Options

if TYPE_CHECKING:
    import pandas as pd

NAME = "manifest"
UNDERSTANDS = ("columns",)
SUFFIXES = (".csv", ".tsv", ".parquet")
MOST_BYTES = 200_000_000

# What people call them, in the order in which they are looked for; case and punctuation don't count.
COLUMNS: dict[str, tuple[str, ...]] = {
    "path": ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "image_id"),
    "label": ("label", "labels", "class", "class_name", "target", "diagnosis", "category"),
    "patient": ("patient", "patient_id", "subject", "subject_id", "case", "case_id", "donor"),
    "split": ("split", "phase", "subset", "partition"),
    "fold": ("fold",),
}
NEEDED = ("path", "label")


def recognises(source: Path) -> bool:
    try:
        tables = [source] if source.is_file() and _is_table(source) else _tables(source)
        return len(tables) == 1 and all(name in _mapped(_header(tables[0]), {}) for name in NEEDED)
    except (AllcoreError, OSError):
        return False


def listing(source: Path, options: Options = AS_FOUND) -> Listing:
    """The images that the table names, in its own folder or below. `source` is the table, or a folder that holds one.

    Raises BadInput, with the line, where a column is missing, a path leads elsewhere or to nothing, an image is named twice, or two
    labels fall together.
    """
    path = source if source.is_file() else _only_table(source)
    root = path.parent
    content = _read(path)
    columns = _mapped(list(content.columns), options.columns)
    for name in NEEDED:
        if name not in columns:
            raise BadInput(
                f"{path.name} has no column for the {name}. Its columns: {', '.join(map(str, content.columns))}.",
                f"Name it with --column {name}=..., or call it '{COLUMNS[name][0]}'.",
            )
    rows = list(_rows(path, root, content, columns))
    class_names = tuple(sorted({label for _, label, *_ in rows} - {""}))
    if len(class_names) < 2:
        raise BadInput(f"{path.name} has {len(class_names)} class(es); a data set needs two at least.", "Check the label column.")
    # A table that lies within a folder being imported is relative to its own place there.
    inside = "" if source.is_file() else root.relative_to(source).as_posix()
    if inside not in ("", "."):
        rows = [(f"{inside}/{image_id}", *rest) for image_id, *rest in rows]
    return Listing(
        layout=NAME,
        root=root if source.is_file() else source,
        images=table(rows),
        class_names=class_names,
        positive=records.positive_class(class_names),
        about=f"As {path.name} lists them{'' if any(subject for _, _, subject, *_ in rows) else '; patients unknown'}.",
    )


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _tables(folder: Path) -> list[Path]:
    """The tables directly in a folder, or in the only folder within it that is not hidden."""
    while folder.is_dir():
        here = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.name != "__MACOSX")
        tables = [path for path in here if path.is_file() and _is_table(path)]
        if tables or len(here) != 1:
            return tables
        folder = here[0]
    return []


def _only_table(folder: Path) -> Path:
    tables = _tables(folder)
    if len(tables) != 1:
        raise BadInput(f"{folder} holds {len(tables) or 'no'} tables.", "Name the table itself: a CSV or Parquet file beside the images.")
    return tables[0]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def _mapped(header: list[str], asked: Mapping[str, str]) -> dict[str, str]:
    """Our name -> the table's, for the columns that are there. Raises BadInput where one that was asked for is not."""
    for ours, theirs in asked.items():
        if ours not in COLUMNS:
            raise BadInput(f"There is no column '{ours}' to be mapped.", f"Choose from: {', '.join(COLUMNS)}.")
        if theirs not in header:
            raise BadInput(f"The table has no column '{theirs}'. Its columns: {', '.join(header)}.", "Check the spelling.")
    by_plain = {_plain(name): name for name in reversed(header)}
    found = {ours: next((by_plain[name] for name in names if name in by_plain), None) for ours, names in COLUMNS.items()}
    return {ours: name for ours, name in found.items() if name is not None and name not in asked.values()} | dict(asked)


def _header(path: Path) -> list[str]:
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet

        try:
            return list(pyarrow.parquet.read_schema(path).names)
        except (OSError, ValueError) as error:
            raise BadInput(f"{path.name} is no Parquet file that can be read.", "Write it again.") from error
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        line = file.readline(100_000)
    return [name.strip().strip('"') for name in line.rstrip("\r\n").split(_separator(line))]


def _separator(line: str) -> str:
    return max(",;\t", key=line.count)


def _read(path: Path) -> pd.DataFrame:
    """Every value as text, '' where there is none."""
    import pandas as pd

    if not _is_table(path):
        raise BadInput(f"{path.name} is no table.", "Name a CSV, TSV or Parquet file, or the folder that holds the images.")
    if path.stat().st_size > MOST_BYTES:
        raise BadInput(f"{path.name} has {path.stat().st_size / 1e6:.0f} MB.", f"The limit for a table is {MOST_BYTES / 1e6:.0f} MB.")
    if path.suffix.lower() == ".parquet":
        _header(path)
        content = pd.read_parquet(path)
        whole = {name: content[name].astype("Int64") for name in content.select_dtypes("number") if (content[name].dropna() % 1 == 0).all()}
        return content.assign(**whole).astype("string").fillna("")
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=_separator(file.readline(100_000)), skipinitialspace=True)
            file.seek(0)
            header = [name.strip() for name in next(reader, [])]
            lines = []
            for line in filter(None, reader):
                if len(line) != len(header):
                    raise BadInput(
                        f"{path.name}, line {reader.line_num} has {len(line)} cells, the first {len(header)}.", "Correct the file."
                    )
                lines.append(line)
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name} is not written in UTF-8.", "Save it as 'CSV UTF-8'.") from error
    except csv.Error as error:
        raise BadInput(f"{path.name} can't be read as a table: {error}.", "Correct the file.") from error
    if len(set(header)) < len(header) or "" in header:
        raise BadInput(f"Two columns of {path.name} have one name, or one has none: {', '.join(header)}.", "Name each column.")
    return pd.DataFrame(lines, columns=header, dtype="string")


def _rows(path: Path, root: Path, content: pd.DataFrame, columns: Mapping[str, str]) -> Iterator[Row]:
    values = {ours: content[theirs].str.strip().tolist() for ours, theirs in columns.items()}
    empty = [""] * len(content)
    seen: dict[str, int] = {}
    spelt: dict[str, str] = {}
    gone: list[str] = []
    cells = (values.get(name, empty) for name in COLUMNS)
    for number, (told, label, patient, split, fold) in enumerate(zip(*cells, strict=True), 2):
        where = f"{path.name}, row {number}"
        image_id = _below(root, told, where)
        if seen.setdefault(image_id, number) != number:
            raise BadInput(f"{where}: {told} was named in row {seen[image_id]} already.", "Leave one row for each image.")
        short = as_label(label)
        if label and not short:
            raise BadInput(f"{where}: the label '{label}' has neither letter nor digit.", "Name the class.")
        if label and spelt.setdefault(short, label) != label:
            raise BadInput(f"{where}: the labels '{label}' and '{spelt[short]}' differ only in case or punctuation.", "Write them alike.")
        if not os.path.isfile(root / image_id):
            gone.append(f"{told} (row {number})")
        yield image_id, short, patient, as_phase(split) or split, _fold(fold, where)
    if gone:
        raise BadInput(
            f"{len(gone):,} of the {len(content):,} images that {path.name} names are not there. The first: {gone[0]}.",
            f"Paths are relative to the table's own folder, {root}.",
        )


def _below(root: Path, told: str, where: str) -> str:
    """The path below the root that a table means; links are not followed. Raises BadInput where it leads elsewhere."""
    if not told:
        raise BadInput(f"{where}: the path is empty.", "Each row needs one.")
    path = told.replace("\\", "/")
    if path.startswith("/"):
        path = os.path.relpath(path, root).replace(os.sep, "/")
    path = posixpath.normpath(path)
    if path.split("/")[0] == ".." or re.match(r"[A-Za-z]:", path) or "\0" in path:
        raise BadInput(f"{where}: {told} lies outside the table's folder, {root}.", "Put the table into the folder above all images.")
    return path


def _fold(text: str, where: str) -> int:
    if not text:
        return -1
    if not re.fullmatch(r"\d{1,4}(\.0+)?", text):
        raise BadInput(f"{where}: the fold '{text}' is no number from 0 to 9999.", "Correct it, or leave the column out.")
    return int(float(text))
