"""One cell of a synthetic set, before it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

LEUKEMIA = "leukemia"
HEALTHY = "healthy"


@dataclass(frozen=True)
class Cell:
    """Who a cell is.

    path: of its file, below the set's folder of images. label, subject: what is drawn, also where nobody is told (as in C-NMC's final
    phase). fold: 0 to 2, or -1. phase: as C-NMC's, '' in a set that is no twin of it.
    """

    path: str
    label: str
    subject: str
    fold: int
    phase: str = ""
    told: bool = True

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return PurePosixPath(self.path).stem

    @property
    def row(self) -> tuple[str, str, str, str, int]:
        """image_id, label, subject, phase and fold, as the set's records tell them."""
        return (self.path, self.label if self.told else "", self.subject if self.told else "", self.phase, self.fold)
