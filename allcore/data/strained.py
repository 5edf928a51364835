"""What microscopes, stains, file formats and turns do to a picture, each as a known strength: to learn how much of it a model bears.

Applied to the picture as a model sees it. Black, which lies around a cell that was cut out, stays black under stain, light and blur.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from allcore.data import altered

STAIN, BRIGHTNESS, BLUR, JPEG, TURN = "stain", "brightness", "blur", "jpeg", "turn"
SIDE = 70
"""Pixels of the side for which a blur's width is given; in pictures of another size it is as wide a part of the side."""


@dataclass(frozen=True)
class Kind:
    """One way to disturb a picture."""

    name: str
    strength: str
    """What its strength is."""
    strengths: tuple[float, ...]
    """Those that are tried, in order, `none` among them."""
    none: float
    """The strength that leaves a picture as it is."""
    alter: Callable[[np.ndarray, float], np.ndarray]

    def applied(self, images: np.ndarray, strength: float) -> np.ndarray:
        """uint8 (n, size, size, 3) to the same shape; the input is left as it is."""
        return images if strength == self.none else self.alter(images, strength)


def _stained(images: np.ndarray, strength: float) -> np.ndarray:
    powers = np.tile([strength, 1.0, 1 / strength], (len(images), 1))
    return altered.seen(images, powers=powers, factors=np.ones((len(images), 1)))


def _lit(images: np.ndarray, strength: float) -> np.ndarray:
    return altered.seen(images, powers=np.ones((len(images), 3)), factors=np.full((len(images), 1), strength))


def _blurred(images: np.ndarray, strength: float) -> np.ndarray:
    """Within what is not black: a mean of neighbours that counts no black, else the rim of each cell would darken."""
    width = strength * images.shape[1] / SIDE
    there = images.max(axis=3) > 0
    weight = gaussian_filter(there.astype(np.float32), (0, width, width))
    light = gaussian_filter(images.astype(np.float32), (0, width, width, 0))
    found = np.rint(light / np.maximum(weight, 1e-6)[..., None])
    return np.where(there[..., None], np.clip(found, 0, 255), 0).astype(np.uint8)


def _compressed(images: np.ndarray, strength: float) -> np.ndarray:
    return np.stack([_saved(image, round(strength)) for image in images]) if len(images) else images


def _saved(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def _turned(images: np.ndarray, strength: float) -> np.ndarray:
    return np.stack([altered.rotated(image, strength) for image in images]) if len(images) else images


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(STAIN, "optical density of red times this, of blue divided by it", (0.5, 0.65, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2), 1, _stained),
        Kind(BRIGHTNESS, "light times this", (0.5, 0.65, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2), 1, _lit),
        Kind(BLUR, f"standard deviation, in pixels of a side of {SIDE}", (0, 0.5, 1, 1.5, 2, 3, 4), 0, _blurred),
        Kind(JPEG, "JPEG quality; 100: as it is", (100, 90, 70, 50, 30, 20, 10, 5), 100, _compressed),
        Kind(TURN, "degrees against the clock", (0, 15, 30, 45, 90, 135, 180), 0, _turned),
    )
}


def strip(image: np.ndarray, kind: str, strengths: Sequence[float]) -> np.ndarray:
    """One picture, uint8 (size, size, 3), at each strength, side by side: uint8 (size, strengths * size, 3)."""
    return np.concatenate([KINDS[kind].applied(image[None], strength)[0] for strength in strengths], axis=1)
