"""A MedMNIST file: `.npz` with train, val and test images (28 to 224 pixels a side, grey or RGB) and their labels.

The arrays are read row by row, never whole: those of BloodMNIST at 224 pixels would take 2.6 GB.
"""

from __future__ import annotations

import errno
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from allcore.base.errors import BadInput
from allcore.data import images, records
from allcore.data.importers.listing import Listing, Row, as_label, table
from allcore.data.importers.options import AS_FOUND, Options
from allcore.data.progress import Progress

NAME = "medmnist"
UNDERSTANDS = ("class_names",)
SUFFIX = ".npz"
PHASES = {"train": "training", "val": "validation", "test": "test"}
MOST_IMAGES = 2_000_000

# Of the files whose pictures are of cells or tissue: names in the order of the labels, as MedMNIST v2 publishes them.
KNOWN = {
    "bloodmnist": (
        "basophil",
        "eosinophil",
        "erythroblast",
        "immature_granulocyte",
        "lymphocyte",
        "monocyte",
        "neutrophil",
        "platelet",
    ),
    "pathmnist": (
        "adipose",
        "background",
        "debris",
        "lymphocytes",
        "mucus",
        "smooth_muscle",
        "normal_colon_mucosa",
        "cancer_associated_stroma",
        "colorectal_adenocarcinoma_epithelium",
    ),
    "tissuemnist": (
        "collecting_duct_connecting_tubule",
        "distal_convoluted_tubule",
        "glomerular_endothelial_cells",
        "interstitial_endothelial_cells",
        "leukocytes",
        "podocytes",
        "proximal_tubule_segments",
        "thick_ascending_limb",
    ),
}
_ABOUT = {"bloodmnist": "BloodMNIST: normal blood cells of eight kinds, one a picture; patients unknown."}
_SOURCES = {"bloodmnist": "Acevedo et al. 2020 (doi 10.17632/snkd93bnjr.1), as prepared by MedMNIST v2 (doi 10.5281/zenodo.10519652)"}


@dataclass(frozen=True)
class _Part:
    """Train, val or test, as its headers announce it."""

    phase: str
    shape: tuple[int, ...]
    labels: np.ndarray
    """int64 (images,)."""


def recognises(source: Path) -> bool:
    try:
        with zipfile.ZipFile(_file(source)) as archive:
            return {"train_images.npy", "train_labels.npy"} <= set(archive.namelist())
    except (BadInput, OSError, zipfile.BadZipFile):
        return False


def listing(source: Path, options: Options = AS_FOUND) -> Listing:
    """A row a picture; `source` is the file, or a folder that holds no other. The pictures become PNG files by `extract`.

    Raises BadInput where an array is missing, has another shape or type, or a label has no name.
    """
    path = _file(source)
    kind = as_label(path.stem).split("_")[0]
    with _readable(path) as archive:
        parts = [_part(archive, path, key) for key in PHASES if f"{key}_images.npy" in archive.namelist()]
    if not parts:
        raise BadInput(f"{path.name} holds no train, val or test images.", "Expected train_images and train_labels, as MedMNIST has them.")
    count = 1 + max(int(part.labels.max(initial=0)) for part in parts)
    names = tuple(as_label(name) for name in options.class_names) or KNOWN.get(kind) or tuple(f"class_{n}" for n in range(count))
    if len(names) < count or "" in names or len(set(names)) < len(names):
        raise BadInput(f"{path.name} has the labels 0 to {count - 1}, and {len(set(names))} names.", "Name each, in order.")
    rows: list[Row] = []
    for part in parts:
        rows += [
            (_image_id(part.phase, label, number), names[label], "", part.phase, -1) for number, label in enumerate(part.labels.tolist())
        ]
    return Listing(
        layout=NAME,
        root=source,
        images=table(rows),
        class_names=names,
        positive=records.positive_class(names),
        about=_ABOUT.get(kind, f"{path.name}, a file of MedMNIST's form; patients unknown."),
        licence="CC BY 4.0" if kind in KNOWN else "",
        source=_SOURCES.get(kind, "MedMNIST v2, doi 10.5281/zenodo.10519652" if kind in KNOWN else ""),
        container=path,
        extract=partial(_extract, path, parts),
    )


def _image_id(phase: str, label: int, number: int) -> str:
    # By number and not by name: the names may be chosen otherwise in a later import of the same file.
    return f"{phase}/{label}/{number:06d}.png"


def _file(source: Path) -> Path:
    found = [source] if source.is_file() else sorted(source.rglob(f"*{SUFFIX}"))
    found = [path for path in found if path.suffix.lower() == SUFFIX and not path.name.startswith(".")]
    if len(found) != 1:
        raise BadInput(f"{source} holds {len(found) or 'no'} {SUFFIX} files.", f"Name the one {SUFFIX} file.")
    return found[0]


@contextmanager
def _readable(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError, MemoryError) as error:
        raise BadInput(f"{path.name} is damaged or no {SUFFIX} file.", "Fetch it again.") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # an entry that begins before the file
            raise
        raise BadInput(f"{path.name} is damaged.", "Fetch it again.") from error


def _announced(file: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type that an array's header announces; the file then stands at the first value."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise BadInput(f"{name} is written in an unknown version of NumPy's format.", "Write it again with a present NumPy.")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, by_column, kind = read(file)
    except (MemoryError, OSError):
        raise
    except Exception as error:  # the header is a piece of Python: of a damaged one, NumPy passes on whatever Python's tokenizer raises
        raise BadInput(f"{name} is damaged.", "Fetch the file again.") from error
    if (by_column and len(shape) > 1) or kind.hasobject:
        raise BadInput(f"{name} holds its values in an order or of a kind that is not read here.", "Write it as a plain array.")
    return shape, kind


def _part(archive: zipfile.ZipFile, path: Path, key: str) -> _Part:
    with archive.open(f"{key}_images.npy") as file:
        shape, kind = _announced(file, f"{key}_images")
    if kind != np.uint8 or len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] != 3):
        raise BadInput(
            f"{key}_images in {path.name} is {kind} of the shape {shape}.",
            "Expected uint8 pictures: (images, height, width), or (images, height, width, 3). Volumes are not read here.",
        )
    if min(shape[1:3]) < images.SMALLEST_SIDE or max(shape[1:3]) > images.LARGEST_SIDE or shape[0] > MOST_IMAGES:
        raise BadInput(f"{key}_images in {path.name} has the shape {shape}.", f"A side needs {images.SMALLEST_SIDE} pixels at least.")
    if f"{key}_labels.npy" not in archive.namelist():
        raise BadInput(f"{path.name} has {key}_images and no {key}_labels.", "Fetch it again.")
    with archive.open(f"{key}_labels.npy") as file:
        told, kind = _announced(file, f"{key}_labels")
        if kind.kind not in "iu" or told not in ((shape[0],), (shape[0], 1)):
            raise BadInput(
                f"{key}_labels in {path.name} is {kind} of the shape {told}, for {shape[0]} pictures.",
                "Expected one whole number a picture. Files with several labels a picture are not read here.",
            )
        labels = np.frombuffer(_exactly(file, kind.itemsize * shape[0], path), kind).astype(np.int64)
    if len(labels) and not 0 <= labels.min() <= labels.max() < 1000:
        raise BadInput(f"{key}_labels in {path.name} go from {labels.min()} to {labels.max()}.", "Expected 0 to the number of classes.")
    return _Part(PHASES[key], shape, labels)


def _exactly(file: IO[bytes], count: int, path: Path) -> bytes:
    content = file.read(count)
    if len(content) != count:
        raise BadInput(f"{path.name} is cut short.", "Fetch it again.")
    return content


def _extract(path: Path, parts: list[_Part], folder: Path, progress: Progress) -> None:
    keys = {phase: key for key, phase in PHASES.items()}
    whole, done = sum(len(part.labels) for part in parts), 0
    with _readable(path) as archive:
        for part in parts:
            for label in set(part.labels.tolist()):
                (folder / part.phase / str(label)).mkdir(parents=True, exist_ok=True)
            with archive.open(f"{keys[part.phase]}_images.npy") as file:
                _announced(file, path.name)
                for number, label in enumerate(part.labels.tolist()):
                    values = _exactly(file, int(np.prod(part.shape[1:])), path)
                    picture = Image.fromarray(np.frombuffer(values, np.uint8).reshape(part.shape[1:]))
                    picture.save(folder / _image_id(part.phase, label, number), compress_level=1)
                    if done % 200 == 0:
                        progress(done / whole, f"Unpacking pictures: {done:,} of {whole:,}")
                    done += 1
