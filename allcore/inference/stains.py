"""What a smear's stains tell: how much light each pixel takes, how large its red cells are, and from where on a pixel is of a white cell.

Light through a stained cell falls exponentially with the stain's amount (Beer-Lambert), so densities, -ln(light / background), add
up. Romanowsky stains colour nuclei and the cytoplasm of white cells purple to blue: they take green light, and let blue pass.
Haemoglobin takes blue about as well as green (its Soret band lies at 415 nm). Green less blue density is therefore high on white
cells and platelets, and low on red cells and background: a separation that needs no matrix of stains fitted to one laboratory.
Where red cells are blueish, the picture's own raise the thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BRIGHTEST = 0.3
"""Share of the brightest pixels whose median is taken for the background."""
NUCLEUS, CYTOPLASM = 0.30, 0.07
"""Green less blue density (natural logarithm) from which a pixel is of a nucleus, of a white cell: the least of it."""
SHARE_OF_DARKEST = 0.4
OVER_RED = 0.05
LEAST_RED_CELLS = 4
SMALLEST_RADIUS = 0.01
"""A red cell's least radius, in the picture's longer sides."""
PALE = 0.004
"""Largest pale middle of a red cell, in shares of the picture."""
_SMOOTH = 2 / 640


@dataclass(frozen=True, eq=False)
class Stains:
    """A picture's stains.

    purple: green less blue density, float32 (height, width). nucleus, cytoplasm: its thresholds in this picture. red_radius: of a red
    cell in pixels, the ruler that a smear brings along (7 to 8 micrometres across); None where too few are seen.
    """

    purple: np.ndarray
    sharp: np.ndarray
    """As `purple`, not smoothed."""
    nucleus: float
    cytoplasm: float
    red_radius: float | None
    blur: float
    """Standard deviation in pixels by which `purple` was smoothed."""


def of(pixels: np.ndarray) -> Stains:
    """The stains of a uint8 RGB picture (height, width, 3), against its own background, which also balances its white."""
    from scipy import ndimage

    longest = max(pixels.shape[:2])
    light = pixels.astype(np.float32)
    total = light[::4, ::4].sum(axis=2)
    background = np.median(light[::4, ::4][total >= np.quantile(total, 1 - BRIGHTEST)], axis=0)
    blur = max(0.5, _SMOOTH * longest)
    sharp = [-np.log((light[..., channel] + 1) / (background[channel] + 1)) for channel in (1, 2)]
    green, blue = (ndimage.gaussian_filter(density, blur) for density in sharp)
    purple, sharp = green - blue, sharp[0] - sharp[1]
    nucleus = max(NUCLEUS, SHARE_OF_DARKEST * float(np.quantile(purple[::2, ::2], 0.995)))
    near = ndimage.maximum_filter(purple > nucleus, size=2 * max(1, longest // 45) + 1)
    red = _red(green, near)
    if red is None:
        return Stains(purple, sharp, nucleus, CYTOPLASM, None, blur)
    level = float(np.median(purple[red]))
    return Stains(purple, sharp, max(nucleus, level + NUCLEUS - CYTOPLASM), max(CYTOPLASM, level + OVER_RED), _radius(red), blur)


def _red(green: np.ndarray, near: np.ndarray) -> np.ndarray | None:
    """Where red cells are, bool (height, width): what takes green light, but for white cells and what is near them."""
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    values = green[~near]
    if values.size < 100 or np.ptp(values) < 0.05:
        return None
    found = (green > threshold_otsu(values)) & ~near
    holes, _ = ndimage.label(~found)
    pale = np.bincount(holes.ravel()) <= PALE * found.size  # glass that red cells enclose is larger
    found |= pale[holes] & ~near
    return found if found.any() else None


def _radius(red: np.ndarray) -> float | None:
    """The median of the inscribed radii of red parts, each weighing as its disc: pale middles of rings, cut off, give many small ones."""
    from scipy import ndimage
    from skimage.feature import peak_local_max

    depth = 2 * ndimage.distance_transform_edt(red[::2, ::2])
    least = SMALLEST_RADIUS * max(red.shape)
    apart = max(1, round(least / 2))
    peaks = peak_local_max(depth, min_distance=apart, threshold_abs=least, exclude_border=apart)
    if len(peaks) < LEAST_RED_CELLS:
        return None
    radii = np.sort(depth[tuple(peaks.T)])
    weights = np.cumsum(radii**2)
    return float(radii[np.searchsorted(weights, weights[-1] / 2)])
