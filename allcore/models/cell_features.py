"""What a haematologist would measure of a cell: shape, colour and texture, `cell-v1`.

One function, for training and serving alike. Any image gives a vector of finite numbers; where no cell is found, all are 0.
A change that alters any number gets a new version.
"""

from __future__ import annotations

import warnings

import numpy as np

BLACK = 8
"""Brightest channel, of 255, up to which a pixel counts as the black that a segmented cell stands on."""
LEAST_BLACK = 0.05
"""Share of black pixels from which an image counts as segmented."""
LEAST_PIXELS = 12
GREY_LEVELS = 32
REACHES = (1, 2)
"""Distances of the co-occurrence matrix, in pixels of an image 70 wide; they grow with the image."""

_OUTLINE = ("area", "circularity", "eccentricity", "solidity", "extent")
_HU = tuple(f"hu_{order}" for order in range(1, 8))
_CHANNELS = ("red", "green", "blue", "saturation", "haematoxylin", "eosin")
_SPREAD = ("mean", "sd", "p10", "p90")
_HARALICK = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation")
NAMES: tuple[str, ...] = (
    *(f"cell_{name}" for name in (*_OUTLINE, *_HU)),
    *(f"nucleus_{name}" for name in _OUTLINE),
    "nucleus_share",
    "nucleus_pieces",
    *(f"{channel}_{name}" for channel in _CHANNELS for name in _SPREAD),
    "hue_sine",
    "hue_cosine",
    *(f"nucleus_less_cytoplasm_{channel}" for channel in ("red", "green", "blue")),
    *(f"{name}_{reach}" for reach in REACHES for name in (*_HARALICK, "entropy")),
    *(f"pattern_{number}" for number in range(10)),
    "edge_mean",
    "edge_sd",
)


def vector(image: np.ndarray) -> np.ndarray:
    """One image, uint8 (side, side, 3), to float32 (len(NAMES),)."""
    cell, nucleus = outlined(image)
    if cell.sum() < LEAST_PIXELS:
        return np.zeros(len(NAMES), np.float32)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # scikit-image's words on degenerate shapes; what is not a number becomes 0 below
        found = {
            **{f"cell_{name}": value for name, value in _shape(cell).items()},
            **_nucleus(cell, nucleus),
            **_colour(image, cell, nucleus),
            **_texture(image[..., 1], cell),
        }
    return np.nan_to_num(np.array([found[name] for name in NAMES]), nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


def vectors(images: np.ndarray) -> np.ndarray:
    """uint8 (n, side, side, 3) to float32 (n, len(NAMES))."""
    return np.stack([vector(image) for image in images]) if len(images) else np.zeros((0, len(NAMES)), np.float32)


def brightest(pixels: np.ndarray) -> np.ndarray:
    """Each pixel's strongest channel: uint8 (..., 3) to (...). NumPy's `max` along so short an axis takes ten times as long."""
    return np.maximum(np.maximum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])


def faintest(pixels: np.ndarray) -> np.ndarray:
    """Each pixel's weakest channel."""
    return np.minimum(np.minimum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])


def outlined(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cell and nucleus, bool (side, side) each.

    On black the cell is what is not black, and its nucleus its darker part in green, which the purple stain absorbs most (Otsu 1979).
    Elsewhere green is cut in three (Otsu's method for several thresholds): background, pale and dark. The nucleus begins with the connected
    dark part that weighs most about the middle; the cell is what is pale or dark about it, no farther than 0.8 of its radius, since red
    cells touch.
    """
    from scipy import ndimage

    green = image[..., 1]
    nothing = np.zeros(green.shape, bool)
    black = brightest(image) <= BLACK
    if black.mean() >= LEAST_BLACK:
        cell = _central(ndimage.binary_fill_holes(~black))
        dark = _threshold(green[cell])
        return cell, cell & (green <= dark) if dark is not None else nothing
    cuts = _two_thresholds(green)
    if cuts is None:
        return nothing, nothing
    middle = _central(green <= cuts[0])
    reach = max(2.0, 0.8 * np.sqrt(middle.sum() / np.pi))
    cell = _central((green <= cuts[1]) & (ndimage.distance_transform_edt(~middle) <= reach))
    cell = ndimage.binary_fill_holes(cell | middle)
    return cell, cell & (green <= cuts[0])


def _threshold(values: np.ndarray) -> int | None:
    from skimage.filters import threshold_otsu

    return int(threshold_otsu(values)) if len(values) and values.min() < values.max() else None


def _two_thresholds(values: np.ndarray) -> tuple[int, int] | None:
    from skimage.filters import threshold_multiotsu

    if len(np.unique(values)) < 3:
        return None
    low, high = threshold_multiotsu(values, classes=3)
    return int(low), int(high)


def _central(mask: np.ndarray) -> np.ndarray:
    """The connected part that weighs most, where a pixel weighs less the farther it is from the middle."""
    from scipy import ndimage

    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    side = np.linspace(-1, 1, mask.shape[0])
    weight = np.exp(-2 * (side[:, None] ** 2 + side[None, :] ** 2))
    return parts == 1 + int(np.argmax(ndimage.sum_labels(weight, parts, np.arange(1, count + 1))))


def _shape(mask: np.ndarray) -> dict[str, float]:
    """Outline, and Hu's seven invariants (1962) as logarithms that keep their sign."""
    from skimage.measure import regionprops

    region = regionprops(mask.astype(np.uint8))[0]
    moments = region.moments_hu
    return {
        "area": region.area / mask.size,
        "circularity": min(4 * np.pi * region.area / max(region.perimeter, 1.0) ** 2, 2.0),
        "eccentricity": region.eccentricity,
        "solidity": region.solidity,
        "extent": region.extent,
        **dict(zip(_HU, np.sign(moments) * np.log10(1 + np.abs(moments) * 1e6), strict=True)),
    }


def _nucleus(cell: np.ndarray, nucleus: np.ndarray) -> dict[str, float]:
    from scipy import ndimage

    if nucleus.sum() < LEAST_PIXELS:
        return dict.fromkeys([*(f"nucleus_{name}" for name in _OUTLINE), "nucleus_share", "nucleus_pieces"], 0.0)
    shape = _shape(nucleus)
    parts, count = ndimage.label(nucleus)
    sizes = ndimage.sum_labels(nucleus, parts, np.arange(1, count + 1))
    return {
        **{f"nucleus_{name}": shape[name] for name in _OUTLINE},
        "nucleus_share": nucleus.sum() / cell.sum(),
        "nucleus_pieces": float((sizes >= 0.02 * cell.sum()).sum()),
    }


def _colour(image: np.ndarray, cell: np.ndarray, nucleus: np.ndarray) -> dict[str, float]:
    from skimage.color import rgb2hed, rgb2hsv

    pixels = image[cell][None] / 255.0
    hue, saturation, _ = np.moveaxis(rgb2hsv(pixels), -1, 0)[:, 0]
    stains = rgb2hed(pixels)[0]
    channels = np.stack([*pixels[0].T, saturation, stains[:, 0], stains[:, 1]])
    low, high = np.percentile(channels, (10, 90), axis=1)
    spread = dict(zip(_SPREAD, (channels.mean(1), channels.std(1), low, high), strict=True))
    inner, outer = image[nucleus] / 255.0, image[cell & ~nucleus] / 255.0
    difference = inner.mean(0) - outer.mean(0) if len(inner) and len(outer) else np.zeros(3)
    return {
        **{f"{channel}_{name}": values[index] for name, values in spread.items() for index, channel in enumerate(_CHANNELS)},
        "hue_sine": (saturation * np.sin(2 * np.pi * hue)).mean(),
        "hue_cosine": (saturation * np.cos(2 * np.pi * hue)).mean(),
        **{f"nucleus_less_cytoplasm_{name}": value for name, value in zip(("red", "green", "blue"), difference, strict=True)},
    }


def _texture(green: np.ndarray, cell: np.ndarray) -> dict[str, float]:
    """Haralick's measures (1973) within the cell, uniform local binary patterns (Ojala et al. 2002), and the strength of edges."""
    from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
    from skimage.filters import sobel

    levels = np.where(cell, 1 + green.astype(np.int32) * GREY_LEVELS // 256, 0).astype(np.uint8)
    scale = cell.shape[0] / 70
    reaches = [max(1, round(reach * scale)) for reach in REACHES]
    angles = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
    counts = graycomatrix(levels, reaches, angles, levels=GREY_LEVELS + 1, symmetric=True)[1:, 1:].sum(
        axis=3, keepdims=True
    )  # 0 is outside
    shares = counts / np.maximum(counts.sum(axis=(0, 1), keepdims=True), 1)
    measured = {name: graycoprops(shares, name)[:, 0] for name in _HARALICK}
    measured["entropy"] = -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(axis=(0, 1))[:, 0]
    patterns = local_binary_pattern(green, 8, max(1, round(scale)), "uniform")[cell].astype(int)
    edges = sobel(green / 255.0, mask=cell)[cell]
    return {
        **{f"{name}_{reach}": values[index] for name, values in measured.items() for index, reach in enumerate(REACHES)},
        **{f"pattern_{number}": share for number, share in enumerate(np.bincount(patterns, minlength=10)[:10] / cell.sum())},
        "edge_mean": edges.mean(),
        "edge_sd": edges.std(),
    }
