"""How each cell looks, in numbers: colour, shape, and its place on a map of all cells; and the mean cell of each class.

Measured once from the pixel cache and kept beside it, piece by piece: a large data set takes no more memory than a small one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from allcore.base import fileio
from allcore.base.paths import DatasetPaths
from allcore.data import cache, records

if TYPE_CHECKING:
    import pandas as pd

VERSION = "1"
"""In the files' names: looks that are measured otherwise never meet old ones."""
MEASURES = {
    "area": "Area (% of the frame)",
    "roundness": "Roundness (1: a disc)",
    "eccentricity": "Eccentricity (0: a disc, 1: a line)",
    "brightness": "Brightness (0 to 255)",
    "contrast": "Contrast (SD of brightness)",
    "red": "Red (0 to 255)",
    "green": "Green (0 to 255)",
    "blue": "Blue (0 to 255)",
}
"""Columns that tell a cell's look, in words. All but the area are of the pixels that are not black."""
_RINGS = 10
_AT_ONCE = 256
_FAR = 4.0


@dataclass(frozen=True)
class Looks:
    """A data set's cells, measured."""

    table: pd.DataFrame
    """A row an image, in the order of the records: image_id, the columns of MEASURES, x and y (two principal components)."""
    explained: tuple[float, float]
    """Share of the variance that x and y tell, 0 to 1."""
    means: dict[str, np.ndarray]
    """Mean image of each class, uint8 (size, size, 3)."""
    spreads: dict[str, np.ndarray]
    """Standard deviation of brightness at each pixel among a class's images, float32 (size, size), grey levels."""


def of(paths: DatasetPaths) -> Looks:
    """A data set's looks: read where they were kept, else measured (about 0.2 ms an image) and kept. Raises NotFound, BadInput."""
    if not paths.looks(_key()).exists():
        _measure(paths)
    return _read(paths)


def vectors(paths: DatasetPaths) -> np.ndarray:
    """What the map is drawn from, float32 (images, 48): colours and their spread in ten rings about the centre, and the measures.

    Each column has mean 0 and standard deviation 1, and ends at 4 of them; no turn or flip of a cell changes it much.
    """
    parts = [_measured(piece)[1] for piece in _pieces(paths)]
    return _standard(np.concatenate(parts))


def standing(looks: Looks, labels: np.ndarray, row: int) -> dict[str, tuple[float, float]]:
    """By measure, one cell's value and the share of its class's cells (0 to 1) that are at or below it. `labels` (images,) text."""
    like = looks.table[labels == labels[row]]
    values = {name: float(looks.table[name].iloc[row]) for name in MEASURES}
    return {name: (value, float((like[name] <= value).mean())) for name, value in values.items()}


def _key() -> str:
    return f"{VERSION}-{cache.key(cache.DEFAULT_SIZE)}"


def _read(paths: DatasetPaths) -> Looks:
    import pandas as pd

    with np.load(paths.class_looks(_key())) as kept:
        names = kept["classes"].tolist()
        return Looks(
            table=pd.read_parquet(paths.looks(_key())),
            explained=tuple(kept["explained"].tolist()),
            means=dict(zip(names, kept["means"], strict=True)),
            spreads=dict(zip(names, kept["spreads"], strict=True)),
        )


def _measure(paths: DatasetPaths) -> None:
    import pandas as pd

    card, table = records.read_card(paths), records.read_records(paths)
    labels = table["label"].to_numpy()
    size = cache.DEFAULT_SIZE
    counts = np.zeros(len(card.class_names))
    sums = np.zeros((len(counts), size, size, 3))
    greys, squares = np.zeros((2, len(counts), size, size))
    measured, found, start = [], [], 0
    for piece in _pieces(paths):
        figures, vector = _measured(piece)
        measured.append(figures)
        found.append(vector)
        for index, name in enumerate(card.class_names):
            mine = piece[labels[start : start + len(piece)] == name]
            grey = _grey(mine)
            counts[index] += len(mine)
            sums[index] += mine.sum(axis=0, dtype=np.uint32)
            greys[index] += grey.sum(axis=0)
            squares[index] += (grey**2).sum(axis=0)
        start += len(piece)
    axes, explained = _principal(np.concatenate(found))
    kept = pd.DataFrame(np.concatenate(measured), columns=list(MEASURES)).assign(x=axes[:, 0], y=axes[:, 1])
    kept.insert(0, "image_id", table["image_id"])
    each = np.maximum(counts, 1)[:, None, None]
    with fileio.replacing(paths.class_looks(_key())) as aside, open(aside, "wb") as file:
        np.savez(
            file,
            classes=np.array(card.class_names),
            means=np.rint(sums / each[..., None]).astype(np.uint8),
            spreads=np.sqrt(np.maximum(squares / each - (greys / each) ** 2, 0)).astype(np.float32),
            explained=explained,
        )
    with fileio.replacing(paths.looks(_key())) as aside:  # last: its presence says that both are there
        kept.astype(dict.fromkeys([*MEASURES, "x", "y"], np.float32)).to_parquet(aside)


def _pieces(paths: DatasetPaths) -> Iterator[np.ndarray]:
    """The pixels, some hundred images at a time, in memory only as long as they are looked at."""
    count = len(cache.opened(paths))
    for start in range(0, count, _AT_ONCE):
        yield np.array(cache.opened(paths)[start : start + _AT_ONCE])


def _measured(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MEASURES of some images, float32 (n, 8), and their vectors for the map, float32 (n, 48)."""
    count, side = pixels.shape[:2]
    flat = pixels.reshape(count, side * side, 3)
    red, green, blue = (flat[..., channel] for channel in range(3))
    lit = (red | green | blue) != 0
    area = lit.sum(axis=1)
    inside = np.maximum(area, 1).astype(np.float32)
    colour = flat.sum(axis=1, dtype=np.uint32) / inside[:, None]
    grey = _grey(flat)
    brightness = grey.sum(axis=1) / inside
    contrast = np.sqrt(np.maximum((grey**2).sum(axis=1) / inside - brightness**2, 0))
    figures = np.column_stack(
        [
            100 * area / (side * side),
            _roundness(lit.reshape(count, side, side), inside),
            _eccentricity(lit, side, inside),
            brightness,
            contrast,
            colour,
        ]
    ).astype(np.float32)
    rings = _rings(side)
    coloured = np.stack([channel.astype(np.float32) @ rings for channel in (red, green, blue)], axis=2)
    squared = (grey**2) @ rings
    spread = np.sqrt(np.maximum(squared - coloured.mean(axis=2) ** 2, 0))
    return figures, np.column_stack([coloured.reshape(count, -1), spread, figures]).astype(np.float32)


def _grey(pixels: np.ndarray) -> np.ndarray:
    """Mean of the channels, float32 (...); adding three planes is ten times as fast as a mean over an axis of three."""
    return (pixels[..., 0].astype(np.float32) + pixels[..., 1] + pixels[..., 2]) / np.float32(3)


def _roundness(lit: np.ndarray, area: np.ndarray) -> np.ndarray:
    """4 pi area / perimeter^2; the perimeter by Crofton's formula from crossings along rows and columns (pi / 4 of their number)."""
    framed = np.pad(lit, ((0, 0), (1, 1), (1, 1)))
    crossings = sum(np.diff(framed, axis=axis).sum(axis=(1, 2)) for axis in (1, 2))
    return np.minimum(4 * np.pi * area / np.maximum(np.pi / 4 * crossings, 1) ** 2, 1)


def _eccentricity(lit: np.ndarray, side: int, area: np.ndarray) -> np.ndarray:
    """Of the ellipse with the same second moments."""
    axis = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
    y, x = (grid.ravel() for grid in np.meshgrid(axis, axis, indexing="ij"))
    means = lit.astype(np.float32) @ np.column_stack([x, y, x * x, y * y, x * y]) / area[:, None]
    xx, yy, xy = means[:, 2] - means[:, 0] ** 2, means[:, 3] - means[:, 1] ** 2, means[:, 4] - means[:, 0] * means[:, 1]
    root = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    return np.sqrt(np.clip(2 * root / np.maximum(xx + yy + root, 1e-9), 0, 1))


def _rings(side: int) -> np.ndarray:
    """For each pixel its share of the mean of each ring about the centre, float32 (side * side, _RINGS)."""
    axis = (np.arange(side) + 0.5) / side - 0.5
    ring = np.minimum(np.hypot(axis[:, None], axis[None, :]) * 2 * _RINGS, _RINGS - 1).astype(int).ravel()
    shares = (ring[:, None] == np.arange(_RINGS)).astype(np.float32)
    return shares / np.maximum(shares.sum(axis=0), 1)


def _standard(found: np.ndarray) -> np.ndarray:
    """Columns in standard deviations from their means; at most _FAR, or a few odd cells would take all the room on a map."""
    return np.clip((found - found.mean(axis=0)) / np.maximum(found.std(axis=0), 1e-6), -_FAR, _FAR)


def _principal(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first two principal components of standardised columns, (n, 2), and the shares of the variance that they tell, (2,)."""
    standard = _standard(found)
    values, axes = np.linalg.eigh(np.cov(standard, rowvar=False))
    first = axes[:, [-1, -2]]
    first = first * np.sign(first[np.abs(first).argmax(axis=0), [0, 1]])
    return (standard @ first).astype(np.float32), values[[-1, -2]] / max(values.sum(), 1e-9)
