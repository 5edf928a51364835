"""From a cell's anatomy to pixels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from allcore.base.errors import BadInput
from allcore.data.phantom.anatomy import ANGLES, BAND, CYTOPLASM, PIXEL, STAIN, Anatomy, anatomy
from allcore.data.phantom.roster import plan
from allcore.data.phantom.spec import PhantomSpec

FINEST = 140  # the smallest grid, in samples a side, that is drawn on; smaller images are averages of one at least as fine
HALO_DEPTH = 6.5 * PIXEL
STEEPEST = 1.5  # of an outline, for the halo: beyond it, halos would show as rays
MEMBRANE_DEPTH = 25 * PIXEL
MEMBRANE_WIDTH = 16 * PIXEL


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
    low, high = (size // 2 - reach) * factor, (size - size // 2 + reach) * factor
    rho, angle = (grid[low:high, low:high] for grid in _polar(side))

    depth = np.take(cell.outline, angle) - rho
    slant = _slant(cell.outline)
    cover = np.clip(depth * side / np.take(slant, angle) + 0.5, 0, 1)
    nucleus = np.clip((np.take(cell.nucleus, angle) - rho) / (6 * PIXEL) + 0.5, 0, 1)
    depth = np.maximum(depth / np.take(np.minimum(slant, STEEPEST), angle), 0)
    field = _field(cell.chromatin, side)[low:high, low:high]
    light = cell.density * _chromatin(field, cell.clumping)
    light -= cell.membrane * np.exp(-0.5 * ((depth - MEMBRANE_DEPTH) / MEMBRANE_WIDTH) ** 2)
    light += cell.dome * (rho / np.take(cell.outline, angle)) ** 3
    ys, xs = _axis(side)[low:high, None], _axis(side)[None, low:high]
    for y, x, radius, strength in cell.nucleoli:
        distance = ((ys - y) ** 2 + (xs - x) ** 2) / radius**2
        light += strength * (1 - 0.5 * distance) * np.exp(-distance)
    light *= nucleus
    edge = np.exp(-depth / HALO_DEPTH)
    plasma = 1 - nucleus

    image = np.empty((*rho.shape, 3), np.float32)
    for channel in range(3):
        exponent = STAIN[channel] * light + CYTOPLASM[channel] * plasma + np.take(cell.halo[:, channel], angle) * edge
        image[..., channel] = np.exp(exponent) * cover
    image *= (cell.colour * cover.sum() / image.sum((0, 1))).astype(np.float32)

    across = (high - low) // factor
    if factor > 1:
        image = image.reshape(across, factor, across, factor, 3).mean((1, 3))
    frame = np.zeros((size, size, 3), np.uint8)
    start = low // factor
    frame[start : start + across, start : start + across] = np.clip(np.rint(image), 0, 255)
    return frame


def _chromatin(field: np.ndarray, clumping: float) -> np.ndarray:
    """A normal field, drawn towards two levels by `clumping`, its light part stretched (real cells have light specks)."""
    field = (1 - clumping) * field + clumping * 1.2 * np.tanh(1.1 * field)
    return field + 0.12 * (field**2 - 1)


def _slant(outline: np.ndarray) -> np.ndarray:
    """How much longer the way along a ray is than the shortest way to the outline, by direction."""
    slope = (np.roll(outline, -1) - np.roll(outline, 1)) / (4 * np.pi / ANGLES)
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
