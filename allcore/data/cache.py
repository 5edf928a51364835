"""Pixels, decoded and resized once: one uint8 array a size, memory-mapped, rows in the order of the records."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import numpy as np

from allcore.base import fileio
from allcore.base.errors import BadInput
from allcore.base.paths import DatasetPaths
from allcore.data import images, records

DEFAULT_SIZE = 70
SIZES = (32, 224)


def key(size: int) -> str:
    """Name of the cache of this size: it carries the transform, so that a changed preprocessing never meets old pixels."""
    return f"{size}-{images.TRANSFORM}"


def opened(paths: DatasetPaths, size: int = DEFAULT_SIZE) -> np.ndarray:
    """The data set's pixels, uint8 (images, size, size, 3), memory-mapped; made from the image files where missing.

    Raises BadInput where the size is out of range, or a file has gone or changed since the import.
    """
    if not SIZES[0] <= size <= SIZES[1]:
        raise BadInput(f"An input size of {size} pixels can't be had.", f"Choose {SIZES[0]} to {SIZES[1]}.")
    path = paths.pixels(key(size))
    if not path.exists():
        _make(paths, path, size)
    return np.load(path, mmap_mode="r")


def _make(paths: DatasetPaths, path: Path, size: int) -> None:
    card, table = records.read_card(paths), records.read_records(paths)
    root = records.image_root(paths, card)
    with fileio.replacing(path) as aside:
        pixels = created(aside, len(table), size)
        for row, image_id in enumerate(table["image_id"]):
            pixels[row] = _again(root / image_id, table["sha256"].iloc[row], size)
        pixels.flush()


def _again(path: Path, sha256: str, size: int) -> np.ndarray:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} can't be read any more.", "Put the images back where they were, or import them again.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadInput(f"{path} has changed since the import.", "Import the images again under a new name.")
    return images.prepared(content, size)


def created(path: Path, count: int, size: int) -> np.memmap:
    """A new array file to be filled. Raises OSError where the disk has no room for all of it."""
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(count, size, size, 3))
    # Reserved at once: a disk that fills up under a mapped file ends the process without a word.
    if hasattr(os, "posix_fallocate"):
        with open(path, "r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                    raise
    return array
