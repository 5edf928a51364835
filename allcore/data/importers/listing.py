"""What an importer is, and what it finds."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from allcore.data import images
from allcore.data.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from allcore.data.importers.options import Options

FOUND = ("image_id", "label", "subject", "phase", "fold")
Row = tuple[str, str, str, str, int]
"""image_id, label, subject, phase, fold."""


@dataclass(frozen=True)
class Listing:
    """The images of a folder before any is opened."""

    layout: str
    root: Path
    """Folder that the image ids are relative to."""
    images: pd.DataFrame
    """Columns as in FOUND: image_id, label, subject, phase (text, '' where unknown) and fold (-1 where unknown)."""
    class_names: tuple[str, ...]
    positive: str
    about: str = ""
    licence: str = ""
    source: str = ""
    container: Path | None = None
    """The one file that holds the images, where they are no files of their own yet."""
    extract: Callable[[Path, Progress], None] | None = None
    """Then: writes each as the file `image_id` below a new folder, which is to be the root. Raises BadInput where one can't be read."""


class Importer(Protocol):
    """A module of this package."""

    NAME: str
    UNDERSTANDS: tuple[str, ...]
    """Those of the Options' fields that are for this layout alone."""

    def recognises(self, source: Path) -> bool:
        """Whether the folder, or the file, looks like this layout; quick, opens no image, raises nothing."""
        ...

    def listing(self, source: Path, options: Options) -> Listing:
        """The images found. Raises BadInput, naming the file, where the layout is broken."""
        ...


def table(rows: list[Row]) -> pd.DataFrame:
    """Rows of (image_id, label, subject, phase, fold) as a Listing holds them."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(FOUND)).sort_values("image_id", ignore_index=True)


def visible_files(folder: Path) -> Iterator[tuple[str, ...]]:
    """Every file below a folder, as the parts of its path, in a fixed order; but for hidden ones and what a Mac leaves in a zip.

    A Mac puts a hidden `._cell.png` beside each `cell.png` of a zip or a memory stick.
    """
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        inside = Path(here).relative_to(folder).parts
        yield from ((*inside, name) for name in sorted(names) if not name.startswith("."))


def is_image(name: str) -> bool:
    """Whether a file's name has the ending of a picture."""
    return name.lower().endswith(images.SUFFIXES)


def as_label(text: str) -> str:
    """A class's name as we write it: lower case, letters and digits, the rest underscores. '' where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


_PHASES = {
    **dict.fromkeys(("train", "training"), "training"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def as_phase(text: str) -> str | None:
    """'training', 'validation' or 'test' for what people call them (`train`, `Val`, `test_data`, ...); None for anything else."""
    return _PHASES.get(re.sub(r"_?(data|set|images|split)$", "", as_label(text)))
