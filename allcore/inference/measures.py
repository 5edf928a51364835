"""What the guard measures of a picture, whatever the model: outline, size, stain and quality, each number in words a person knows."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from allcore.models.cell_features import BLACK, LEAST_BLACK, LEAST_PIXELS, brightest, faintest, outlined

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
_ONE_AND_LEVEL = np.stack([np.ones(256, np.int64), np.arange(256)])
_SQUARES = np.arange(256) ** 2
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])


def of(image: np.ndarray) -> np.ndarray:
    """One image, uint8 (side, side, 3), to float64 (len(NAMES),), finite.

    A small network's answer takes little longer than this, so it is done in few calls, on the box about the cell.
    """
    side = len(image)
    box = _lit_box(image)
    if box is None:
        return np.array([0.0, 1.0, 1.0, 0.0, 0.0, 0.0, math.log(1e-6), *[-9.0] * (len(NAMES) - 7)])
    lit = brightest(image[box]) > BLACK
    found, nucleus = {"rim": _rim(lit, box, side), "pieces": 0.0}, None
    if np.count_nonzero(lit) >= (1 - LEAST_BLACK) * side**2:
        box = (slice(0, side), slice(0, side))
        cell, nucleus = outlined(image)
        if np.count_nonzero(cell) < LEAST_PIXELS:
            cell = np.ones((side, side), bool)
    elif _is_one(lit):
        cell = lit
    else:
        cell, found["pieces"] = _largest(lit)
    pixels = image[box].reshape(-1, 3)
    inside = pixels.take(np.flatnonzero(cell), axis=0)
    levels = np.bincount(inside[:, 1], minlength=256)
    dark = inside[:, 1] <= _otsu(levels) if nucleus is None else nucleus[cell]
    found |= _outline(cell, *_powers(side, box), side)
    found |= _light(inside, levels, dark)
    found |= _steps(pixels[:, 1].reshape(cell.shape), cell, found["contrast"])
    return np.array([found[name] for name in NAMES])


def of_all(images: np.ndarray) -> np.ndarray:
    """uint8 (n, side, side, 3) to float64 (n, len(NAMES))."""
    return np.stack([of(np.asarray(image)) for image in images]) if len(images) else np.zeros((0, len(NAMES)))


def _lit_box(image: np.ndarray) -> tuple[slice, slice] | None:
    """The smallest that holds all pixels that are not black; None where all are."""
    lines = image.reshape(len(image), -1)
    down = np.flatnonzero(np.maximum.reduce(lines, axis=1) > BLACK)
    if not len(down):
        return None
    across = np.flatnonzero(np.maximum.reduce(lines, axis=0) > BLACK)
    return slice(int(down[0]), int(down[-1]) + 1), slice(int(across[0]) // 3, int(across[-1]) // 3 + 1)


def _rim(lit: np.ndarray, box: tuple[slice, slice], side: int) -> float:
    """The lit share of the outermost pixels of a picture, black outside of the box."""
    down, across = box
    count = 0
    if down.start == 0:
        count += np.count_nonzero(lit[0])
    if down.stop == side:
        count += np.count_nonzero(lit[-1])
    inner = lit[(down.start == 0) : len(lit) - (down.stop == side)]
    if across.start == 0:
        count += np.count_nonzero(inner[:, 0])
    if across.stop == side:
        count += np.count_nonzero(inner[:, -1])
    return count / (4 * side - 4)


def _powers(side: int, box: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
    """Of the pixels' places in a box of a square picture, float64 (3, height) and (3, width): 1, itself, its square; from the
    picture's middle, in sides."""
    every = _every_power(side)
    return every[:, box[0]], every[:, box[1]]


@lru_cache(maxsize=8)
def _every_power(side: int) -> np.ndarray:
    places = (np.arange(side) + 0.5) / side - 0.5
    return np.stack([np.ones(side), places, places * places])


def _is_one(cell: np.ndarray) -> bool:
    """Whether what a smallest box holds is one connected part, by a look that takes a fraction of labelling's time and settles it for
    most cells: each row, or each column, has one run of pixels and touches the next. False where that can't tell."""
    return any(
        np.count_nonzero(lines[:, 1:] > lines[:, :-1]) + np.count_nonzero(lines[:, 0]) == len(lines)
        and np.logical_or.reduce(lines[1:] & lines[:-1], axis=1).all()
        for lines in (cell, cell.T)
    )


def _largest(lit: np.ndarray) -> tuple[np.ndarray, float]:
    """Of what is not black, bool (height, width), its largest connected part, and the share of all others."""
    from scipy import ndimage

    parts, count = ndimage.label(lit, _CROSS)
    if count < 2:
        return lit, 0.0
    sizes = np.bincount(parts.ravel())[1:]
    return parts == 1 + sizes.argmax(), float(1 - sizes.max() / sizes.sum())


def _otsu(levels: np.ndarray) -> int:
    """The level, int64 counts (256,), up to which pixels are dark (Otsu 1979); -1 where there is but one.

    As scikit-image's, which takes twice as long to get there.
    """
    there = np.flatnonzero(levels)
    least, most = there[0], there[-1]
    if least == most:
        return -1
    sums = (levels[least : most + 1] * _ONE_AND_LEVEL[:, least : most + 1]).cumsum(axis=1)
    (count, light), (all_count, all_light) = sums[:, :-1], sums[:, -1].tolist()
    off = light * float(all_count) - count * float(all_light)
    return int(least + (off * off / (count * (all_count - count))).argmax())


def _outline(cell: np.ndarray, y: np.ndarray, x: np.ndarray, side: int) -> dict[str, float]:
    """Of a box's content, bool (height, width), its pixels' places as `_powers` has them, and the picture's side."""
    sums = y @ cell @ x.T
    count = float(sums[0, 0])
    area = count / side**2
    (_, mx, xx), (my, xy, _), (yy, _, _) = (sums / count).tolist()
    # A pixel is a square: it adds its own twelfth to the moments.
    own = area / (12 * count)
    xx, xy, yy = xx - mx * mx + own, xy - mx * my, yy - my * my + own
    long = (xx + yy) / 2 + math.hypot((xx - yy) / 2, xy)
    product = xx * yy - xy * xy
    # Mahalanobis' squared distance from the centre times `product`, written out in the powers of y and x.
    farness = np.array(
        [
            [yy * mx * mx - 2 * xy * mx * my + xx * my * my, 2 * (xy * my - yy * mx), yy],
            [2 * (xy * mx - xx * my), -2 * xy, 0.0],
            [xx, 0.0, 0.0],
        ]
    )
    farthest = max(0.0, float((y.T @ farness @ x * cell).max()))
    return {
        "offset": math.hypot(mx, my),
        "axes": math.sqrt(product) / long,
        "fill": area / (4 * math.pi * math.sqrt(product)),
        "wider": math.sqrt(farthest / product) / 2,
        "area": math.log(area),
    }


def _light(inside: np.ndarray, levels: np.ndarray, dark: np.ndarray) -> dict[str, float]:
    """Of the cell's pixels, uint8 (n, 3), how many have each level of green, and which are its nucleus's, bool (n,)."""
    count = len(inside)
    parts = np.ones((2, count))
    parts[1] = dark
    whole, of_dark = (parts @ inside / count).tolist()
    share = np.count_nonzero(dark) / count
    nucleus = [part / share for part in of_dark] if share else whole
    rest = [(one - part) / (1 - share) for one, part in zip(whole, of_dark, strict=True)] if share < 1 else whole
    most = brightest(inside)
    return {
        **{name: math.log(max(light / 255, _DARKEST)) for name, light in zip(_STAINS, (*nucleus, *rest), strict=True)},
        "nucleus_share": share,
        "chroma": int((most - faintest(inside)).sum()) / (255 * count),
        "brightness": whole[1] / 255,
        "contrast": math.sqrt(max(0.0, int(levels @ _SQUARES) / count - whole[1] ** 2)) / 255,
        "saturated": np.count_nonzero(most == 255) / count,
    }


_STAINS = tuple(f"{part}_{channel}" for part in ("nucleus", "rest") for channel in ("red", "green", "blue"))


def _steps(green: np.ndarray, cell: np.ndarray, contrast: float) -> dict[str, float]:
    """Of a box's green light, uint8 (height, width), along its rows and its columns. A step counts where both pixels and the one beyond
    are the cell's own, so that its edge says nothing."""
    height, width = cell.shape
    # Row after row and then column after column, in one line, two dark pixels between: no three neighbours are of two rows.
    rows, columns = height * (width + 2), width * (height + 2)
    light, own = np.zeros(rows + columns, np.float32), np.zeros(rows + columns, np.float32)
    for line, values in ((light, green), (own, cell)):
        line[:rows].reshape(height, width + 2)[:, :width] = values
        line[rows:].reshape(width, height + 2)[:, :height] = values.T
    three = own[2:] * own[1:-1] * own[:-2]
    count = 255 * max(1.0, float(three.sum()))
    steps = light[1:] - light[:-1]
    step = float(np.dot(np.abs(steps[1:]), three)) / count
    change = float(np.dot(np.abs(steps[1:] - steps[:-1]), three)) / count
    return {
        "sharpness": math.log((step + _DARKEST) / (contrast + _DARKEST)),
        "roughness": math.log((change + _DARKEST) / (step + _DARKEST)),
    }
