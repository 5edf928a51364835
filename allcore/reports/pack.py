"""The evidence pack: a zip of the report and of all that it says, which needs nothing of ours to be opened.

Equal runs give equal packs, byte for byte: no moment of making stands in it, and files come in a fixed order with a fixed time.
Files go in piece by piece, so that a pack is never held in memory.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.inference import calibrated
from allcore.metrics import text
from allcore.models import features
from allcore.reports import comparison, evidence, figures, modelcard, page, words
from allcore.reports.evidence import Evidence

REPORT, SUMS, CONTENTS = "report.html", "SHA256SUMS", "README.md"
_MOMENT = (1980, 1, 1, 0, 0, 0)
_PIECE, _ROWS = 1 << 20, 5000
_PACKED = (".onnx", ".npz")
"""Weights shrink by a few per cent at best: they are stored as they are."""


@dataclass(frozen=True)
class Packed:
    """One file of a pack."""

    name: str
    bytes: int
    sha256: str


@dataclass
class _Zip:
    archive: zipfile.ZipFile
    done: list[Packed] = field(default_factory=list)

    def add(self, name: str, pieces: Iterable[str | bytes], *, expected: int = 0) -> None:
        """`expected`: bytes, where they are known to be many."""
        info = zipfile.ZipInfo(name, _MOMENT)
        info.create_system, info.external_attr, info.file_size = 3, 0o644 << 16, expected
        info.compress_type = zipfile.ZIP_STORED if name.endswith(_PACKED) else zipfile.ZIP_DEFLATED
        digest, size = hashlib.sha256(), 0
        with self.archive.open(info, "w") as inside:
            for piece in pieces:
                content = piece.encode() if isinstance(piece, str) else piece
                inside.write(content)
                digest.update(content)
                size += len(content)
        self.done.append(Packed(name, size, digest.hexdigest()))

    def copy(self, name: str, path: Path) -> None:
        self.add(name, _pieces(path), expected=path.stat().st_size)

    def table(self, name: str, table: pd.DataFrame) -> None:
        self.add(name, _lines(table))


def gathered(artifacts: Artifacts, runs: Sequence[str]) -> list[Evidence]:
    """What a report of these runs needs, each run once. Raises BadInput and NotFound, as `evidence.of`, and for too many of them."""
    wanted = list(dict.fromkeys(runs))
    if not wanted:
        raise BadInput("A report needs a run.", "`runs list` shows what there is.")
    if len(wanted) > evidence.MOST_RUNS:
        raise BadInput(f"{len(wanted)} runs are too many for one report.", f"Choose up to {evidence.MOST_RUNS}.")
    return [evidence.of(artifacts, run) for run in wanted]


def file_name(runs: Sequence[str]) -> str:
    """What the pack of runs with these ids is called, unless somebody says otherwise."""
    return f"{runs[0]}-evidence.zip" if len(runs) == 1 else f"{runs[0]}-and-{len(runs) - 1}-more-evidence.zip"


def write(runs: Sequence[Evidence], to: Path | BinaryIO) -> list[Packed]:
    """Write the pack to a path or a file open for writing; what stands in it, in its order."""
    differences, apart = comparison.to_first(runs) if len(runs) > 1 else ({}, [])
    with zipfile.ZipFile(to, "w") as archive:
        made = _Zip(archive)
        made.add(REPORT, page.written(runs, differences, apart))
        made.add(CONTENTS, [_contents(runs)])
        if len(runs) > 1:
            for chart in figures.of_runs(runs, differences):
                made.table(f"comparison/{chart.key}.csv", chart.table)
        for one in runs:
            _add(made, one)
        listed = sorted(made.done, key=lambda one: one.name)
        made.add(SUMS, [f"{one.sha256}  {one.name}\n" for one in listed])
        return made.done


def opened(artifacts: Artifacts, runs: Sequence[str]) -> BufferedReader:
    """The pack of these runs in a file that has no name any more, and goes when it is closed. Raises as `gathered`."""
    found = gathered(artifacts, runs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pack.zip"
        write(found, path)
        return open(path, "rb")


def described(packed: Sequence[Packed]) -> list[dict]:
    """The list of files as JSON can hold it."""
    return [asdict(one) for one in packed]


def _add(made: _Zip, one: Evidence) -> None:
    """All of one run, in a folder of its own."""
    folder, paths = f"runs/{one.id}", one.job.paths
    made.add(f"{folder}/model-card.md", [modelcard.written(one)])
    made.table(f"{folder}/predictions.csv", one.predictions)
    made.table(f"{folder}/metrics.csv", metrics(one))
    for chart in figures.of_run(one):
        made.table(f"{folder}/charts/{chart.key}.csv", chart.table)
    made.table(f"{folder}/split.csv", pd.read_parquet(paths.split))
    for path in (paths.spec, paths.certificate, paths.metrics, paths.environment):
        made.copy(f"{folder}/{path.name}", path)
    model = f"{folder}/model"
    calibrated.of_run(paths, one.scores.classes)  # an older run has it made when first asked for
    for path in (paths.onnx, paths.model_card, paths.calibration, paths.threshold):
        if path.exists():
            made.copy(f"{model}/{path.name}", path)
    needed = ["numpy", "pillow", "onnxruntime"]
    if one.served.features:
        made.copy(f"{model}/{paths.features.name}", paths.features)
    if one.served.features == features.CELL:
        made.add(f"{model}/cell_features.py", [files("allcore.models").joinpath("cell_features.py").read_text("utf-8")])
        needed.append("scikit-image")
    made.add(f"{model}/answer.py", [files("allcore.reports").joinpath("answer.py").read_text("utf-8")])
    made.add(f"{model}/requirements.txt", [_required(one, needed)])


def metrics(one: Evidence) -> pd.DataFrame:
    """figure, class, estimate, low, high, method, images, patients, note, constant, about: those of the test side, then those by class."""
    rows = [
        (each.name, "", i.estimate, i.low, i.high, i.method, i.n, i.clusters, i.note, each.constant, each.about)
        for each in one.figures
        for i in [each.interval]
    ]
    for each in one.scores.by_class:
        for name in ("precision", "recall", "f1", "auroc"):
            about = "at the most probable class" if name != "auroc" else "against the rest"
            rows.append((name, each.name, getattr(each, name), None, None, "", each.support, each.subjects, "", None, about))
    columns = ["figure", "class", "estimate", "low", "high", "method", "images", "patients", "note", "constant", "about"]
    return pd.DataFrame(rows, columns=columns).astype({"images": "Int64", "patients": "Int64"})


def _required(one: Evidence, names: Sequence[str]) -> str:
    """What `answer.py` needs, in the versions that the run was trained with, where they are known."""
    known = one.environment.get("packages", {})
    return "".join(f"{name}=={known[name]}\n" if known.get(name) else f"{name}\n" for name in names)


def _contents(runs: Sequence[Evidence]) -> str:
    heading = modelcard.plain(words.title(runs[0])) if len(runs) == 1 else f"{len(runs)} runs compared"
    drawn = [f"{words.DRAWN}\n"] if any(one.synthetic for one in runs) else []
    lines = [
        f"# Evidence: {heading}\n",
        f"{text.NOT_FOR_DIAGNOSIS}\n",
        *drawn,
        f"- `{REPORT}`: open it in a browser; it asks no network for anything.",
        *(["- `comparison/`: the numbers of its comparing charts."] if len(runs) > 1 else []),
        "- `runs/ID/model-card.md`: what the model is, what it is for, what it is worth.",
        "- `runs/ID/metrics.csv`, `predictions.csv`, `split.csv`, `charts/`: every number of the report.",
        "- `runs/ID/spec.json`, `certificate.json`, `metrics.json`, `environment.json`: how it was asked for, split and judged, with what.",
        "- `runs/ID/model/`: the model as ONNX, with `answer.py`, which feeds it: `pip install -r requirements.txt`, then "
        "`python answer.py PICTURE`.",
        f"- `{SUMS}`: `sha256sum -c {SUMS}` checks every file.",
    ]
    return "\n".join(lines) + "\n"


def _pieces(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _lines(table: pd.DataFrame) -> Iterator[str]:
    yield table.iloc[:0].to_csv(index=False, lineterminator="\n")
    for start in range(0, len(table), _ROWS):
        yield table.iloc[start : start + _ROWS].to_csv(index=False, header=False, lineterminator="\n")
