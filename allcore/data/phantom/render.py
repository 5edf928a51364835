"""From a cell's anatomy to pixels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from allcore.base.errors import BadInput
from allcore.data.phantom.anatomy import ANGLES, BAND, CYTOPLASM, PIXEL, STAIN, Anatomy, anatomy
from allcore.data.phantom.roster import plan
from allcore.data.phantom.spec import PhantomSpec

FINEST = 210  # the smallest grid, in samples a side, that is drawn on; smaller images are averages of one at least as fine
HALO_DEPTH = 6.5 * PIXEL
STEEPEST = 1.5  # of an outline, for the halo: beyond it, halos would show as rays
NUCLEAR_BLUR = 6 * PIXEL
MEMBRANE_DEPTH = 28 * PIXEL
MEMBRANE_WIDTH = 18 * PIXEL


def draw(spec: PhantomSpec, index: int) -> np.ndarray:
    """Cell `index` of the set, uint8 RGB (size, size, 3) on pure black; depends on nothing but the two arguments.

    Raises BadInput where the set has no such cell.
    """
    if not 0 <= index < spec.images:
        raise BadInput(f"The synthetic set has no cell {index}.", f"Give an index from 0 to {spec.images - 1}.")
    return render(anatomy(spec, index, plan(spec)[index]), spec.size)


def render(cell: Anatomy, size: int) -> np.ndarray:
    """A cell as uint8 RGB (size, size, 3): light through a stained body (Beer-Lambert), each pixel the mean over its area."""
    factor = -(-FINEST // size)
    side = size * factor
    # The square that holds the cell, in whole pixels
    reach = min(size // 2, int(np.ceil((cell.outline.max() + PIXEL) * size)) + 1)
    first, last = size // 2 - reach, size - size // 2 + reach
    window = slice(first * factor, last * factor)
    rho, angle = (grid[window, window] for grid in _polar(side))

    slant = _slant(cell.outline)
    depth = _around(cell.outline, angle) - rho
    cover = np.clip(depth * (side / _around(slant, angle)) + 0.5, 0, 1)
    edge = np.exp(np.maximum(depth, 0) * (-1 / HALO_DEPTH) / _around(np.minimum(slant, STEEPEST), angle))
    radius = _around(cell.nucleus, angle)
    depth = radius - rho
    nucleus = np.clip(depth * (1 / NUCLEAR_BLUR) + 0.5, 0, 1)

    light = float(cell.density) * _chromatin(_field(cell.chromatin, side)[window, window], cell.clumping)
    light -= float(cell.membrane) * np.exp(((depth - MEMBRANE_DEPTH) / MEMBRANE_WIDTH) ** 2 * -0.5)
    light += float(cell.dome) * (rho / radius) ** 3
    axis = _axis(side)[window]
    for y, x, spot, strength in cell.nucleoli:
        distance = ((axis[:, None] - y) ** 2 + (axis - x) ** 2) * (1 / spot**2)
        light += strength * (1 - 0.5 * distance) * np.exp(-distance)
    light *= nucleus

    image = np.empty((3, *rho.shape), np.float32)
    for channel, plane in enumerate(image):
        exponent = float(STAIN[channel]) * light + float(CYTOPLASM[channel]) * (1 - nucleus) + _around(cell.halo[channel], angle) * edge
        np.multiply(np.exp(exponent), cover, out=plane)
        plane *= float(cell.colour[channel]) * cover.sum() / plane.sum()

    frame = np.zeros((size, size, 3), np.uint8)
    frame[first:last, first:last] = np.clip(np.rint(_averaged(image, factor)), 0, 255).transpose(1, 2, 0)
    return frame


def _around(table: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Values given by direction, (ANGLES,), for each sample, float32."""
    return np.take(table.astype(np.float32), angle)


def _averaged(image: np.ndarray, factor: int) -> np.ndarray:
    """Means over `factor` x `factor` samples of the last two axes."""
    rows = sum(image[:, start::factor] for start in range(factor))
    return sum(rows[:, :, start::factor] for start in range(factor)) / factor**2


def _chromatin(field: np.ndarray, clumping: float) -> np.ndarray:
    """A normal field, drawn towards two levels by `clumping`, its light part stretched (real cells have light specks)."""
    field = (1 - clumping) * field + clumping * 1.2 * np.tanh(1.1 * field)
    return field + 0.12 * (field**2 - 1)


def _slant(outline: np.ndarray) -> np.ndarray:
    """How much longer the way along a ray is than the shortest way to the outline, by direction."""
    closed = np.concatenate([outline[-1:], outline, outline[:1]])
    slope = (closed[2:] - closed[:-2]) / (4 * np.pi / ANGLES)
    return np.sqrt(1 + (slope / outline) ** 2)


@lru_cache(maxsize=4)
def _axis(side: int) -> np.ndarray:
    return ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)


@lru_cache(maxsize=4)
def _polar(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each sample to the centre, and its direction as an index to an outline."""
    axis = _axis(side)
    turns = np.arctan2(axis[:, None], axis[None, :]) / (2 * np.pi) * ANGLES
    return np.hypot(axis[:, None], axis[None, :]), np.rint(turns).astype(np.int32) % ANGLES


def _field(coefficients: np.ndarray, side: int) -> np.ndarray:
    """The sum of the waves on a grid of `side` samples, (side, side) float32."""
    from scipy import fft

    spectrum = np.zeros((side, side // 2 + 1), np.complex64)
    spectrum[: BAND + 1, : BAND + 1] = coefficients[: BAND + 1]
    spectrum[-BAND:, : BAND + 1] = coefficients[BAND + 1 :]
    return fft.irfft2(spectrum, s=(side, side), norm="forward")
