"""What each picture of a data set looks like, in a few numbers: colour and light of what is shown, its size and shape, its texture."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue (ITU-R BT.601), as JPEG has them."""
DARKEST = 24
"""Grey level below which a pixel is never taken for part of a cell."""
LIT = 0.35
"""Share of the median lit pixel from which on a pixel belongs to the cell, and not to a black ground or to the noise around it."""
EMPTY = 1.0
"""Standard deviation of luma, in grey levels, below which a picture shows nothing."""
_CHUNK = 512


def foreground(pictures: np.ndarray) -> np.ndarray:
    """Pixels that are not black ground, bool (n, side, side), of uint8 (n, side, side, 3): the cell, or all of a full picture.

    Judged on slightly blurred pictures, since JPEG speckles what was black.
    """
    from scipy.ndimage import gaussian_filter

    light = gaussian_filter(pictures.max(axis=3).astype(np.float32), (0, 1, 1), mode="nearest", truncate=3.0)
    lit = np.where(light < DARKEST, np.nan, light).reshape(len(light), -1)
    some = ~np.isnan(lit).all(axis=1)
    level = np.full(len(light), 256.0)
    level[some] = np.maximum(DARKEST, LIT * np.nanmedian(lit[some], axis=1))
    return light >= level[:, None, None]


def interior(cells: np.ndarray) -> np.ndarray:
    """How far inside the foreground each pixel is, float32 0 to 1: 0 at its edge, where pixels mix cell and ground."""
    from scipy.ndimage import gaussian_filter

    inside = gaussian_filter(cells.astype(np.float32), (0, 1.5, 1.5), mode="nearest", truncate=3.0)
    return np.clip((inside - 0.75) / 0.25, 0, 1)


def measured(pixels: np.ndarray, records: pd.DataFrame, *, tick: Callable[[float], None] = lambda share: None) -> pd.DataFrame:
    """A row a picture, in the order of `pixels`, uint8 (n, side, side, 3), and of `records`.

    - `red`, `green`, `blue`, `brightness` (luma): means over the foreground, 0 to 255, away from its edge: on cells on black, the
      mean over the whole frame would be little but the cell's area.
    - `contrast`: standard deviation of luma there; `grain`: that of luma less its local mean (Gaussian of 2 pixels).
    - `cover`: share of the frame that is foreground; `on_black`: whether the picture shows a cell on a black ground.
    - `area` (in pixels of the file), `eccentricity`, `solidity`, of the largest connected part; NaN where not `on_black`.
    - `needed`: bytes of the same picture at this size in the file's own format: how hard its content is to compress.
    """
    import pandas as pd
    from scipy.ndimage import gaussian_filter

    rows = []
    for start in range(0, len(pixels), _CHUNK):
        chunk = np.asarray(pixels[start : start + _CHUNK])
        cells = foreground(chunk)
        weight = interior(cells)
        thin = weight.sum((1, 2)) < 1
        weight[thin] = np.maximum(cells[thin], 1e-6)
        luma = chunk.astype(np.float32) @ LUMA
        total = weight.sum((1, 2))

        def over(values: np.ndarray, weight: np.ndarray = weight, total: np.ndarray = total) -> np.ndarray:
            return (values * weight).sum((1, 2)) / total

        local = gaussian_filter(luma * weight, (0, 2, 2)) / np.maximum(gaussian_filter(weight, (0, 2, 2)), 1e-3)
        mean = over(luma)
        part = pd.DataFrame({name: over(chunk[..., channel]) for channel, name in enumerate(("red", "green", "blue"))})
        part["brightness"] = mean
        part["contrast"] = np.sqrt(np.maximum(over(luma**2) - mean**2, 0))
        part["grain"] = np.sqrt(over((luma - local) ** 2))
        part["cover"] = cells.mean((1, 2))
        part["on_black"] = _on_black(cells)
        formats = records["format"].iloc[start : start + _CHUNK]
        part["needed"] = [_encoded(picture, form) for picture, form in zip(chunk, formats, strict=True)]
        shapes = [_shape(cell) if black else (np.nan,) * 3 for cell, black in zip(cells, part["on_black"], strict=True)]
        part[["share", "eccentricity", "solidity"]] = np.array(shapes, float).reshape(len(part), 3)
        rows.append(part)
        tick(min(1.0, (start + _CHUNK) / len(pixels)))
    table = pd.concat(rows, ignore_index=True)
    frame = np.maximum(records["width"].to_numpy(float), records["height"].to_numpy(float)) ** 2  # shrunk as a square
    table["area"] = table.pop("share") * frame
    return table


def _on_black(cells: np.ndarray) -> np.ndarray:
    """Whether at least nine in ten pixels along the frame are black: a turned photograph, black in its corners alone, is none of these."""
    rim = np.ones(cells.shape[1:], bool)
    rim[1:-1, 1:-1] = False
    return (cells[:, rim].mean(axis=1) < 0.1) & cells.any((1, 2))


def _shape(cell: np.ndarray) -> tuple[float, float, float]:
    """Share of the frame, eccentricity and solidity of the largest connected part."""
    from skimage.measure import label, regionprops

    largest = max(regionprops(label(cell)), key=lambda region: region.num_pixels)
    return largest.num_pixels / cell.size, largest.eccentricity, largest.solidity


def _encoded(picture: np.ndarray, form: str) -> int:
    from PIL import Image

    if form not in ("PNG", "JPEG", "WEBP"):  # not compressed, or in one of many ways
        return picture.size
    out = io.BytesIO()
    Image.fromarray(picture).save(out, form)
    return out.tell()
