"""What the guard measures of a picture, whatever the model: outline, size, stain and quality, each number in words a person knows."""

from __future__ import annotations

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


def of(image: np.ndarray) -> np.ndarray:
    """One image, uint8 (side, side, 3), to float64 (len(NAMES),), finite."""
    side = len(image)
    red, green, blue = (image[..., channel] for channel in range(3))
    lit = np.maximum(np.maximum(red, green), blue) > BLACK
    rim = (lit[0].sum() + lit[-1].sum() + lit[1:-1, 0].sum() + lit[1:-1, -1].sum()) / (4 * side - 4)
    if np.count_nonzero(lit) < (1 - LEAST_BLACK) * lit.size:
        window, cell, nucleus, pieces = _on_black(green, lit)
    else:
        cell, nucleus = outlined(image)
        window, pieces = (slice(None), slice(None)), 0.0
        if np.count_nonzero(cell) < LEAST_PIXELS:
            cell = np.ones((side, side), bool)
    rows, columns = np.nonzero(cell)
    if not len(rows):  # black all over
        return np.array([rim, 1.0, 1.0, 0.0, 0.0, 0.0, np.log(1e-6), *np.full(len(NAMES) - 7, -9.0)])
    away = np.stack([rows + (window[0].start or 0), columns + (window[1].start or 0)]) + 0.5
    found = {"rim": rim, "pieces": pieces, **_outline(away / side - 0.5, len(rows) / side**2)}
    inside = image[window][cell] / np.float32(255)
    found |= {**_stain(inside, nucleus[cell]), **_quality(green[window] / np.float32(255), cell, inside)}
    return np.nan_to_num(np.array([found[name] for name in NAMES], np.float64), nan=0.0, posinf=1e3, neginf=-1e3)


def of_all(images: np.ndarray) -> np.ndarray:
    """uint8 (n, side, side, 3) to float64 (n, len(NAMES))."""
    return np.stack([of(np.asarray(image)) for image in images]) if len(images) else np.zeros((0, len(NAMES)))


def _on_black(green: np.ndarray, lit: np.ndarray) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray, float]:
    """Of a picture on black: the window of its largest part, that part and its nucleus within, and the share of all other parts."""
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    parts, count = ndimage.label(lit)
    if not count:
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), bool), np.zeros((0, 0), bool), 1.0
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    largest = int(np.argmax(sizes)) + 1
    window = ndimage.find_objects(parts, max_label=largest)[largest - 1]
    cell = parts[window] == largest
    light = green[window]
    counts = np.bincount(light[cell], minlength=256)
    one_level = np.count_nonzero(counts) < 2
    nucleus = cell & (light <= (-1 if one_level else threshold_otsu(hist=(counts, np.arange(256)))))
    return window, cell, nucleus, float(1 - sizes[largest - 1] / sizes.sum())


def _outline(away: np.ndarray, area: float) -> dict[str, float]:
    """Of the cell's pixels, (2, n) from the middle in sides."""
    centre = away.mean(axis=1)
    around = away - centre[:, None]
    # A pixel is a square: it adds its own twelfth to the moments.
    spread = around @ around.T / around.shape[1] + np.eye(2) * area / (12 * around.shape[1])
    short, long = np.linalg.eigvalsh(spread)
    reach = np.sqrt((around * (np.linalg.inv(spread) @ around)).sum(axis=0).max())
    return {
        "offset": float(np.hypot(*centre)),
        "axes": float(np.sqrt(short / long)),
        "fill": float(area / (4 * np.pi * np.sqrt(short * long))),
        "wider": float(reach / 2),
        "area": float(np.log(area)),
    }


def _stain(inside: np.ndarray, dark: np.ndarray) -> dict[str, float]:
    """Of the cell's pixels, (n, 3) from 0 to 1, and which of them are its nucleus's, (n,)."""
    found: dict[str, float] = {}
    share = np.count_nonzero(dark) / len(dark)
    whole = inside.mean(axis=0)
    nucleus = inside[dark].mean(axis=0) if share else whole
    rest = (whole - share * nucleus) / (1 - share) if share < 1 else whole
    for name, light in (("nucleus", nucleus), ("rest", rest)):
        values = np.log(np.maximum(light, _DARKEST))
        found |= {f"{name}_{channel}": float(value) for channel, value in zip(("red", "green", "blue"), values, strict=True)}
    red, green, blue = inside.T
    chroma = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return {**found, "nucleus_share": share, "chroma": float(chroma.mean())}


def _quality(light: np.ndarray, cell: np.ndarray, inside: np.ndarray) -> dict[str, float]:
    """Of the green light (rows, columns) about the cell. A step counts where both pixels and the one beyond are the cell's own, so
    that its edge says nothing."""
    own = light[cell]
    contrast = float(own.std())
    step = change = count = 0.0
    for values, mask in ((light, cell), (light.T, cell.T)):
        three = mask[2:] & mask[1:-1] & mask[:-2]
        forward, backward = (values[2:] - values[1:-1])[three], (values[1:-1] - values[:-2])[three]
        count += len(forward)
        step += float(np.abs(forward).sum())
        change += float(np.abs(forward - backward).sum())
    step, change = step / max(1.0, count), change / max(1.0, count)
    return {
        "brightness": float(own.mean()),
        "contrast": contrast,
        "saturated": float(np.count_nonzero(inside >= 1, axis=1).astype(bool).mean()),
        "sharpness": float(np.log((step + _DARKEST) / (contrast + _DARKEST))),
        "roughness": float(np.log((change + _DARKEST) / (step + _DARKEST))),
    }
