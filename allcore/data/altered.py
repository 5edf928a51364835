"""Random changes to images that leave their class alone: turns, mirror images, another stain, another light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

NONE, FLIPS, QUARTER, ANY = "none", "flips", "quarter", "any"


@dataclass(frozen=True)
class Changes:
    """What may be changed, and how strongly; nothing by default."""

    turns: str = NONE
    """NONE; FLIPS, left to right and top to bottom; QUARTER turns and mirror images; ANY angle, mirrored, which alone loses a little."""
    stain: float = 0.0
    """Standard deviation of the logarithm of each colour's optical density."""
    brightness: float = 0.0
    """Standard deviation of the logarithm of the light."""

    def applied(self, images: np.ndarray, dice: np.random.Generator) -> np.ndarray:
        """uint8 (n, size, size, 3) to the same shape, each image changed by its own throw of `dice`. The input is left as it is."""
        if self.turns != NONE:
            images = _turned(images, dice, self.turns)
        if self.stain or self.brightness:
            images = _shifted(images, dice, stain=self.stain, brightness=self.brightness)
        return images


def _turned(images: np.ndarray, dice: np.random.Generator, turns: str) -> np.ndarray:
    quarters, mirrored = dice.integers(0, 4, len(images)), dice.integers(0, 2, len(images)).astype(bool)
    if turns == FLIPS:
        quarters -= quarters % 2  # half a turn and a mirror image: one flip, the other, both or none, each as often
    angles = dice.uniform(-45.0, 45.0, len(images)) if turns == ANY else np.zeros(len(images))
    out = np.empty_like(images)
    for index, image in enumerate(images):
        turned = np.rot90(rotated(image, angles[index]) if turns == ANY else image, quarters[index])
        out[index] = turned[:, ::-1] if mirrored[index] else turned
    return out


def rotated(image: np.ndarray, angle: float) -> np.ndarray:
    """uint8 (size, size, 3), turned by `angle` degrees against the clock. Corners that come in from outside get the colour of the
    picture's edge: black round a segmented cell."""
    edge = np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]), axis=0)
    return np.asarray(Image.fromarray(image).rotate(angle, Image.Resampling.BILINEAR, fillcolor=tuple(map(int, edge))))


def _shifted(images: np.ndarray, dice: np.random.Generator, *, stain: float, brightness: float) -> np.ndarray:
    count = len(images)
    powers = np.exp(dice.normal(0.0, stain, (count, 3))) if stain else np.ones((count, 3))
    factors = np.exp(dice.normal(0.0, brightness, (count, 1))) if brightness else np.ones((count, 1))
    return seen(images, powers=powers, factors=factors)


def seen(images: np.ndarray, *, powers: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """uint8 (n, size, size, 3) under another stain and another lamp: `powers` (n, 3) times each colour's optical density, `factors` (n, 1)
    times the light.

    By tables of 256 values an image and colour: light I passing a stain is 255 * exp(-density), so that a thicker stain is a
    power of I / 255 (Beer and Lambert), and a stronger lamp a factor. Black stays black.
    """
    levels = np.arange(256, dtype=np.float32) / 255
    tables = 255 * factors[..., None] * levels ** powers[..., None]
    tables = np.clip(np.rint(tables), 0, 255).astype(np.uint8)
    out = np.empty_like(images)
    for image, changed, of_colours in zip(images, out, tables, strict=True):
        for colour, table in enumerate(of_colours):  # one by one: a single index over all of them takes more than twice as long
            np.take(table, image[..., colour], out=changed[..., colour], mode="clip")
    return out
