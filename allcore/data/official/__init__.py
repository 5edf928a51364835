"""C-NMC 2019 as it was published: every file's name, size and SHA-256, and whose cell it shows. Facts alone, no image.

`cnmc.parquet` is made by `python -m allcore.data.official.make` from a listing of The Cancer Imaging Archive's copy
(doi 10.7937/tcia.2019.dc64i46r, CC BY 3.0) and the label table within it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

LIST = Path(__file__).with_name("cnmc.parquet")
TOP = "C-NMC_Leukemia"
"""The folder that the published archive holds; paths in the list are relative to it."""


@dataclass(frozen=True)
class File:
    """One published file that is no image."""

    path: str
    sha256: str
    bytes: int


LABELS = File(
    path="validation_data/C-NMC_test_prelim_phase_data_labels.csv",
    sha256="3f5d770a51017f242db857e178de5341f294e38fff82c266a1a8d292c9fc3d0d",
    bytes=58_692,
)
"""The table that tells the preliminary images' subjects and classes: the 15,115th file."""


def cnmc() -> pd.DataFrame:
    """The 15,114 images, sorted by path, a fresh copy.

    path (below TOP), label ('leukemia', 'healthy', '' in the final phase), subject (as written: '1' and 'H1' are two people, one is
    'h3'; '' in the final phase), phase ('training', 'preliminary', 'final'), fold (0 to 2; -1 but for training), name (the cell's
    name 'UID_57_29_1_all.bmp', also where the file has a number; '' in the final phase), bytes, sha256 (lower-case hexadecimal).
    """
    return _read().copy()


@lru_cache(maxsize=1)
def _read() -> pd.DataFrame:
    import pandas as pd

    table = pd.read_parquet(LIST)
    text = ["path", "label", "subject", "phase", "name"]
    return table.assign(sha256=[digest.hex() for digest in table["sha256"]], fold=table["fold"].astype("int16")).astype(
        dict.fromkeys([*text, "sha256"], "string")
    )
