"""What the guard measures of a picture, whatever the model: outline, size, stain and quality, each number in words a person knows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from allcore.models.cell_features import BLACK, LEAST_BLACK, LEAST_PIXELS, outlined

OUTLINE, SCALE, STAIN, QUALITY = "outline", "scale", "stain", "quality"
MEASURES: dict[str, dict[str, float]] = {
    OUTLINE: {"rim": 0.02, "pieces": 0.01, "offset": 0.01, "axes": 0.03, "fill": 0.01, "wider": 0.02},
    SCALE: {"area": 0.05},
    STAIN: {
        **{f"{part}_{channel}": 0.03 for part in ("nucleus", "rest") for channel in ("red", "green", "blue")},
        "nucleus_share": 0.03,
        "chroma": 0.02,
    },
    QUALITY: {"brightness": 0.02, "contrast": 0.02, "saturated": 0.01, "sharpness": 0.1, "roughness": 0.1},
}
"""Topics, their measures, and for each measure the spread below which a difference says nothing: a pixel's share, a grey level's.

rim: share of the outermost pixels that are not black. pieces: share of what is not black beside the largest part. offset: of its
centre from the middle, in sides. axes: shorter axis by the longer. fill: area by that of the ellipse with the same moments. wider:
reach of the outline by that ellipse's. area: logarithm of the cell's share of the frame. nucleus_*, rest_*: logarithm of the mean
light. chroma: mean difference of the strongest and the weakest channel. saturated: share of pixels with a channel at its end.
sharpness, roughness: logarithms of the mean step between neighbours, and of the mean change of that step, by the contrast.
"""
NAMES: tuple[str, ...] = tuple(name for topic in MEASURES.values() for name in topic)
_DARKEST = 1 / 255
_LEVELS = np.arange(256)
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])


def of(image: np.ndarray) -> np.ndarray:
    """One image, uint8 (side, side, 3), to float64 (len(NAMES),), finite.

    A small network's answer takes little longer than this, so it is done in few calls, on lists of the cell's own pixels.
    """
    side = len(image)
    frame = _frame(side)
    planes = np.ascontiguousarray(image.reshape(-1, 3).T)
    lit = planes.max(axis=0) > BLACK
    found = {"rim": np.count_nonzero(lit[frame.rim]) / len(frame.rim), "pieces": 0.0}
    if np.count_nonzero(lit) < (1 - LEAST_BLACK) * lit.size:
        cell, found["pieces"] = _largest(lit.reshape(side, side))
        own = np.flatnonzero(cell)
        if not len(own):
            return np.array([found["rim"], 1.0, 1.0, 0.0, 0.0, 0.0, math.log(1e-6), *[-9.0] * (len(NAMES) - 7)])
        dark = _dark(planes[1].take(own))
    else:
        cell, nucleus = outlined(image)
        if np.count_nonzero(cell) < LEAST_PIXELS:
            cell = np.ones((side, side), bool)
        own = np.flatnonzero(cell)
        dark = nucleus.ravel()[own]
    found |= _outline(frame.powers.take(own, axis=1), len(own) / side**2)
    found |= _light(planes.take(own, axis=1), dark)
    found |= _steps(*_about(planes[1].reshape(side, side), cell, own), found["contrast"])
    return np.array([found[name] for name in NAMES])


def of_all(images: np.ndarray) -> np.ndarray:
    """uint8 (n, side, side, 3) to float64 (n, len(NAMES))."""
    return np.stack([of(np.asarray(image)) for image in images]) if len(images) else np.zeros((0, len(NAMES)))


@dataclass(frozen=True, eq=False)
class _Frame:
    """A square picture's pixels, row by row. rim: int64, the outermost. powers: float64 (6, side * side), each one's 1, x, y, x * x,
    x * y and y * y from the middle, in sides."""

    rim: np.ndarray
    powers: np.ndarray


@lru_cache(maxsize=8)
def _frame(side: int) -> _Frame:
    rim = np.ones((side, side), bool)
    rim[1:-1, 1:-1] = False
    y, x = ((np.indices((side, side)) + 0.5) / side - 0.5).reshape(2, -1)
    return _Frame(np.flatnonzero(rim), np.stack([np.ones(side * side), x, y, x * x, x * y, y * y]))


def _largest(lit: np.ndarray) -> tuple[np.ndarray, float]:
    """Of what is not black, bool (side, side), its largest connected part, and the share of all others."""
    from scipy import ndimage

    parts, count = ndimage.label(lit, _CROSS)
    if count < 2:
        return lit, 0.0 if count else 1.0
    sizes = np.bincount(parts.ravel())[1:]
    return parts == 1 + sizes.argmax(), float(1 - sizes.max() / sizes.sum())


def _dark(green: np.ndarray) -> np.ndarray:
    """Which of a cell's pixels on black, by their green light, uint8 (n,), are its nucleus's."""
    from skimage.filters import threshold_otsu

    counts = np.bincount(green, minlength=256)
    if np.count_nonzero(counts) < 2:
        return np.zeros(len(green), bool)
    return green <= threshold_otsu(hist=(counts, _LEVELS))


def _outline(powers: np.ndarray, area: float) -> dict[str, float]:
    """Of the cell's pixels, (6, n) as `_Frame` has them."""
    _, x, y, xx, xy, yy = (powers.sum(axis=1) / powers.shape[1]).tolist()
    # A pixel is a square: it adds its own twelfth to the moments.
    own = area / (12 * powers.shape[1])
    xx, xy, yy = xx - x * x + own, xy - x * y, yy - y * y + own
    long = (xx + yy) / 2 + math.hypot((xx - yy) / 2, xy)
    product = xx * yy - xy * xy
    # Mahalanobis' squared distance from the centre times `product`, written out in a pixel's powers.
    farness = np.array([yy * x * x - 2 * xy * x * y + xx * y * y, 2 * (xy * y - yy * x), 2 * (xy * x - xx * y), yy, -2 * xy, xx])
    return {
        "offset": math.hypot(x, y),
        "axes": math.sqrt(product) / long,
        "fill": area / (4 * math.pi * math.sqrt(product)),
        "wider": math.sqrt(max(0.0, float((farness @ powers).max())) / product) / 2,
        "area": math.log(area),
    }


def _light(inside: np.ndarray, dark: np.ndarray) -> dict[str, float]:
    """Of the cell's pixels, uint8 (3, n), and which of them are its nucleus's, bool (n,)."""
    count = inside.shape[1]
    values = np.empty((5, count))
    values[0], values[1], values[2:] = 1, dark, inside
    means, of_dark, _, of_green, _ = (values @ values.T / count).tolist()  # of each row times each other
    share, whole, squares = means[1], means[2:], of_green[3]
    nucleus = [part / share for part in of_dark[2:]] if share else whole
    rest = [(one - part) / (1 - share) for one, part in zip(whole, of_dark[2:], strict=True)] if share < 1 else whole
    brightest = inside.max(axis=0)
    return {
        **{name: math.log(max(light / 255, _DARKEST)) for name, light in zip(_STAINS, (*nucleus, *rest), strict=True)},
        "nucleus_share": share,
        "chroma": (int(brightest.sum()) - int(inside.min(axis=0).sum())) / (255 * count),
        "brightness": whole[1] / 255,
        "contrast": math.sqrt(max(0.0, squares - whole[1] ** 2)) / 255,
        "saturated": np.count_nonzero(brightest == 255) / count,
    }


_STAINS = tuple(f"{part}_{channel}" for part in ("nucleus", "rest") for channel in ("red", "green", "blue"))


def _about(light: np.ndarray, cell: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The square about the cell, whose pixels are `own` in a row, each (2, k, k): as it is, and its rows as columns."""
    side = len(cell)
    top, bottom = own[0] // side, own[-1] // side + 1
    columns = np.flatnonzero(cell.any(axis=0))
    left, right = columns[0], columns[-1] + 1
    wide = max(bottom - top, right - left)
    top, left = min(top, side - wide), min(left, side - wide)
    square = np.s_[top : top + wide, left : left + wide]
    lights, cells = np.empty((2, wide, wide), np.float32), np.empty((2, wide, wide), bool)
    lights[0], cells[0] = light[square], cell[square]
    lights[1], cells[1] = lights[0].T, cells[0].T
    return lights, cells


def _steps(light: np.ndarray, cell: np.ndarray, contrast: float) -> dict[str, float]:
    """Of the green light along the last axis. A step counts where both pixels and the one beyond are the cell's own, so that its edge
    says nothing."""
    three = (cell[..., 2:] & cell[..., 1:-1] & cell[..., :-2]).astype(np.float32)
    steps = light[..., 1:] - light[..., :-1]
    count = 255 * max(1.0, float(three.sum()))
    step = float(np.vdot(np.abs(steps[..., 1:]), three)) / count
    change = float(np.vdot(np.abs(steps[..., 1:] - steps[..., :-1]), three)) / count
    return {
        "sharpness": math.log((step + _DARKEST) / (contrast + _DARKEST)),
        "roughness": math.log((change + _DARKEST) / (step + _DARKEST)),
    }
