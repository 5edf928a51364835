"""From a cell in a stained picture to what a model is to judge: the cell placed as the training cells are.

The training cells of C-NMC stand alone on black, centred, in a frame that is the same for all, so that a large cell looks large. A stained
picture has another magnification; its red cells are the ruler. C-NMC tells no scale. Assumed: its median cell, 0.48 frames across, is a
lymphoblast of 13 micrometres, and a red cell has 7.5, so that the frame is 3.6 red cells wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from allcore.base import fileio
from allcore.base.errors import AllcoreError
from allcore.base.paths import Artifacts, DatasetPaths, JobPaths
from allcore.data import cache, images, records
from allcore.inference import kinds
from allcore.inference.fields import Field, FieldCell
from allcore.runs import spec
from allcore.runs.spec import TrainSpec

FRAME_IN_RED_CELLS = 3.6
TYPICAL_SHARE = 0.477
"""Diameter of a disc of the median C-NMC cell's area, in frames."""
MARGIN = 1.06
BLACK, PHOTOGRAPHED, FIELDS = "black", "photographed", "fields"
"""How a model's training cells stand: alone on black, each as it was photographed, or many in one picture."""
_LOOKED_AT = 30
_OPENED = 5


@dataclass(frozen=True, eq=False)
class Placed:
    """A cell as a model is to see it.

    pixels: uint8 RGB (side, side, 3), at the picture's own resolution. scale: how its frame was chosen, in words.
    """

    pixels: np.ndarray
    scale: str


def ground(artifacts: Artifacts, paths: JobPaths) -> str:
    """How the cells that a run learned from stand. BLACK, as the study's do, where its data set has gone or changed."""
    try:
        plan = TrainSpec.from_params(spec.read(paths).params)
        data = artifacts.dataset(plan.data)
        return of_data(data.card) if records.read_card(data).fingerprint == plan.data_fingerprint else BLACK
    except (AllcoreError, OSError):
        return BLACK


def _looked_at(card: Path) -> str:
    paths = DatasetPaths(card.parent)
    if not paths.pixels(cache.key(cache.DEFAULT_SIZE)).exists():
        return BLACK
    pixels = cache.opened(paths)
    if np.mean([kinds.on_black(np.asarray(pixels[row])) for row in _some(len(pixels), _LOOKED_AT)]) >= 0.5:
        return BLACK
    root, table = records.image_root(paths, records.read_card(paths)), records.read_records(paths)
    files = [root / table["image_id"].iloc[row] for row in _some(len(table), _OPENED)]
    seen = [kinds.of(images.decoded(file.read_bytes()).pixels).kind for file in files if file.is_file()]
    return FIELDS if 2 * seen.count(kinds.FIELD) > len(seen) else PHOTOGRAPHED


of_data = fileio.remembered(_looked_at, most=64)
"""From a data set's card, a path, to how its cells stand."""


def _some(count: int, most: int) -> list[int]:
    """At most so many rows of `count`, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(int)).tolist()


def placed(pixels: np.ndarray, field: Field, cell: FieldCell, *, ground: str = BLACK) -> Placed:
    """A cell of a picture, uint8 RGB (height, width, 3), centred in a square frame, alone on black or with what is around it."""
    left, top, right, bottom = cell.box
    rows, columns = np.nonzero(cell.outline.mask)
    centre = left + columns.mean() + 0.5, top + rows.mean() + 0.5
    reach = max(centre[0] - left, right - centre[0], centre[1] - top, bottom - centre[1])
    least = 2 * reach * MARGIN
    if field.red_radius:
        side, scale = FRAME_IN_RED_CELLS * 2 * field.red_radius, "Scaled by the red cells of the picture."
    else:
        side, scale = 2 * np.sqrt(cell.area / np.pi) / TYPICAL_SHARE, "No red cells to scale by: drawn as large as a usual training cell."
    if side < least:
        side, scale = least, "Larger than the frame by its scale: shrunk to fit."
    if ground != BLACK:
        return Placed(_cut(pixels, centre, round(side)), scale)
    alone = np.zeros((bottom - top, right - left, 3), np.uint8)
    alone[cell.outline.mask] = pixels[top:bottom, left:right][cell.outline.mask]
    return Placed(_cut(alone, (centre[0] - left, centre[1] - top), round(side)), scale)


def _cut(pixels: np.ndarray, centre: tuple[float, float], side: int) -> np.ndarray:
    """The square of `side` about a point, black where the picture has ended."""
    left, top = (round(value - side / 2) for value in centre)
    height, width = pixels.shape[:2]
    square = np.zeros((side, side, 3), np.uint8)
    part = pixels[max(top, 0) : min(top + side, height), max(left, 0) : min(left + side, width)]
    at = max(-top, 0), max(-left, 0)
    square[at[0] : at[0] + part.shape[0], at[1] : at[1] + part.shape[1]] = part
    return square
