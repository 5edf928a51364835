"""Makes `cnmc.parquet`: `python -m allcore.data.official.make MANIFEST LABELS`.

MANIFEST: tab-separated path, sha256, size of every published file, with a header. LABELS: the label table of the preliminary phase.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from allcore.base import fileio
from allcore.data import official


def _identity(name: str) -> tuple[str, str]:
    """Subject and class of 'UID_57_29_1_all.bmp'."""
    _, subject, _, _, kind = name.removesuffix(".bmp").split("_")
    return subject, {"all": "leukemia", "hem": "healthy"}[kind]


def make(manifest: Path, labels: Path, target: Path) -> None:
    """Write the list to `target`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open(manifest, newline="") as file:
        published = {row["path"].removeprefix(f"{official.TOP}/"): row for row in csv.DictReader(file, delimiter="\t")}
    with open(labels, newline="") as file:
        names = {row["new_names"]: row["Patient_ID"] for row in csv.DictReader(file)}
    columns: dict[str, list] = {name: [] for name in ("path", "label", "subject", "phase", "fold", "name", "bytes", "sha256")}
    for path in sorted(published.keys() - {official.LABELS.path}):
        phase = {"training_data": "training", "validation_data": "preliminary", "testing_data": "final"}[path.split("/")[0]]
        file_name = path.rsplit("/", 1)[-1]
        name = {"training": file_name, "preliminary": names.get(file_name, ""), "final": ""}[phase]
        subject, label = _identity(name) if name else ("", "")
        fold = int(path.split("/")[1].removeprefix("fold_")) if phase == "training" else -1
        digest, size = bytes.fromhex(published[path]["sha256"]), int(published[path]["size"])
        for column, value in zip(columns.values(), (path, label, subject, phase, fold, name, size, digest), strict=True):
            column.append(value)
    types = {"fold": pa.int8(), "bytes": pa.int32(), "sha256": pa.binary(32)}
    table = pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()})
    with fileio.replacing(target) as aside:
        pq.write_table(table, aside, compression="zstd", compression_level=19, use_dictionary=["label", "subject", "phase"])


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]), official.LIST)
