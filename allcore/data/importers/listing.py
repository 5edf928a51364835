"""What an importer is, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd

FOUND = ("image_id", "label", "subject", "phase", "fold")


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


class Importer(Protocol):
    """A module of this package."""

    NAME: str

    def recognises(self, source: Path) -> bool:
        """Whether the folder looks like this layout; quick, opens no image, raises nothing."""
        ...

    def listing(self, source: Path) -> Listing:
        """The images found. Raises BadInput, naming the file, where the layout is broken."""
        ...


def table(rows: list[tuple[str, str, str, str, int]]) -> pd.DataFrame:
    """Rows of (image_id, label, subject, phase, fold) as a Listing holds them."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(FOUND)).sort_values("image_id", ignore_index=True)
