"""A folder for each class, with or without train, val and test above. Nothing in it says whose cell is whose."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from allcore.base.errors import BadInput
from allcore.data import records
from allcore.data.importers.listing import Listing, Row, as_label, as_phase, is_image, table, visible_files
from allcore.data.importers.options import AS_FOUND, Options

NAME = "folders"
UNDERSTANDS = ()
Parts = tuple[str, ...]


def recognises(source: Path) -> bool:
    try:
        return source.is_dir() and len({label for _, label, *_ in _rows(_pictures(source)) if label}) >= 2
    except BadInput:  # two folders of nearly one name: the listing will say so
        return True


def listing(source: Path, options: Options = AS_FOUND) -> Listing:
    """Every image below each class folder; the folder's name, in lower case, is the label.

    Folders around all of them (`data/cells/...`) are stepped into. Where the class folders stand in folders called train, val or test,
    those become the phases `training`, `validation` and `test`; a picture there that is in no class folder has no label.

    Raises BadInput where there are fewer than two classes, or two names fall together.
    """
    if not source.is_dir():
        raise BadInput(f"{source} is no folder.", "Name the folder that holds a folder of images for each class.")
    pictures = _pictures(source)
    rows = _rows(pictures)
    labels = sorted({label for _, label, *_ in rows if label})
    if len(labels) < 2:
        raise BadInput(
            f"{source} has {len(labels)} folder(s) with images; a data set needs two classes at least.",
            "Put the images of each class into a folder of its own.",
        )
    phases = any(phase for *_, phase, _ in rows)
    return Listing(
        layout=NAME,
        root=source,
        images=table(rows),
        class_names=tuple(labels),
        positive=records.positive_class(tuple(labels)),
        about=f"A folder for each class{', in folders for training and test' if phases else ''}; patients unknown.",
    )


def _pictures(source: Path) -> list[Parts]:
    return [parts for parts in visible_files(source) if is_image(parts[-1])]


def _rows(pictures: list[Parts]) -> list[Row]:
    top = _descended(pictures)
    inside = [parts for parts in pictures if len(parts) > len(top) + 1 and parts[: len(top)] == top]
    folders = {parts[len(top)] for parts in inside}
    if not folders or not all(as_phase(name) for name in folders):
        return _by_class(inside, len(top), phase="")
    rows: list[Row] = []
    for folder in sorted(folders):
        phase = as_phase(folder) or ""
        under = [parts for parts in inside if parts[len(top)] == folder]
        depth = len(top) + 1
        while all(len(parts) > depth + 1 and as_phase(parts[depth]) == phase for parts in under):  # train/train/...
            depth += 1
        rows += _by_class([parts for parts in under if len(parts) > depth + 1], depth, phase=phase)
        rows += [("/".join(parts), "", "", phase, -1) for parts in under if len(parts) == depth + 1]
    return rows


def _descended(pictures: list[Parts]) -> Parts:
    """The folders that stand around all class folders, outermost first."""
    top: Parts = ()
    while True:
        inside = [parts for parts in pictures if len(parts) > len(top) + 1 and parts[: len(top)] == top]
        folders = {parts[len(top)] for parts in inside}
        if len(folders) != 1 or not any(len(parts) > len(top) + 2 for parts in inside):
            return top
        top = (*top, *folders)


def _by_class(pictures: Iterable[Parts], depth: int, *, phase: str) -> list[Row]:
    """A row a picture, the folder at this depth of its path being its class. Raises BadInput where two folders' names fall together."""
    pictures = list(pictures)
    names = sorted({parts[depth] for parts in pictures})
    labels = {name: as_label(name) or "class" for name in names}
    if len(set(labels.values())) < len(labels):
        twice = [name for name in names if list(labels.values()).count(labels[name]) > 1]
        raise BadInput(f"Two folders differ only in case or punctuation: {', '.join(twice)}.", "Rename one.")
    return [("/".join(parts), labels[parts[depth]], "", phase, -1) for parts in pictures]
