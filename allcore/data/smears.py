"""Drawn fields of a smear: the phantom's cells among red cells on glass, with the truth of where each is.

For tests, benchmarks and the example on Classify: a real field can't be shipped. Nothing is ever trained on them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from allcore.data.phantom import PhantomSpec, draw

GLASS = (226, 222, 224)
RED = (0.13, 0.36, 0.34)
"""Optical density of a red cell in red, green, blue, natural logarithm."""
FRAME_IN_RED_CELLS = 3.6
"""Side of the phantom's frame, in diameters of a red cell."""
PLATELET = (0.25, 0.5, 0.12)
LARGEST_REACH = 0.3
"""How far a usual white cell reaches from its middle, in frames."""
_TRIES = 200


@dataclass(frozen=True)
class SmearSpec:
    """What is drawn. white, red, platelets: how many (of white cells as many as find room); radius: of a red cell, in pixels."""

    width: int = 640
    height: int = 480
    white: int = 3
    red: int = 45
    platelets: int = 4
    radius: float = 30.0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Smear:
    """A drawn field. pixels: uint8 (height, width, 3). masks: bool (cells, height, width), where each white cell is."""

    pixels: np.ndarray
    masks: np.ndarray


def draw_field(spec: SmearSpec) -> Smear:
    """Draw a field; depends on nothing but the spec. White cells lie whole in it and touch nothing of one another."""
    rng = np.random.default_rng([spec.seed, 7])
    density = np.zeros((spec.height, spec.width, 3), np.float32)
    side = round(FRAME_IN_RED_CELLS * 2 * spec.radius)
    cells = PhantomSpec(images=max(spec.white, 8), patients=4, size=side, seed=spec.seed)
    spots = _places(rng, spec, side)
    _red_cells(rng, spec, density, spots)
    picture = np.array(GLASS) * np.exp(-density)
    masks = np.zeros((len(spots), spec.height, spec.width), bool)
    for number, (x, y) in enumerate(spots):
        cell = draw(cells, number)
        rows, columns = slice(y - side // 2, y - side // 2 + side), slice(x - side // 2, x - side // 2 + side)
        own = cell.max(axis=2) > 0
        masks[number, rows, columns] = own
        picture[rows, columns][own] = cell[own]
    noise = rng.normal(0, 2, picture.shape)
    return Smear(np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8), masks)


@lru_cache(maxsize=1)
def example() -> bytes:
    """A field with three white cells, as a PNG file."""
    out = io.BytesIO()
    Image.fromarray(draw_field(SmearSpec(seed=1)).pixels).save(out, "PNG")
    return out.getvalue()


def _places(rng: np.random.Generator, spec: SmearSpec, side: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for _ in range(_TRIES):
        if len(found) == spec.white or min(spec.width, spec.height) <= side + 2:
            break
        x, y = (int(rng.integers(side // 2 + 1, limit - side // 2 - 1)) for limit in (spec.width, spec.height))
        if all(np.hypot(x - a, y - b) > 0.75 * side for a, b in found):
            found.append((x, y))
    return found


def _red_cells(rng: np.random.Generator, spec: SmearSpec, density: np.ndarray, spots: list[tuple[int, int]]) -> None:
    """Red cells with their pale middles, which may overlap one another, and platelets; not where they would lie on a white cell."""
    for number in range(spec.red + spec.platelets):
        small = number >= spec.red
        x, y = rng.uniform(0, spec.width), rng.uniform(0, spec.height)
        radius = spec.radius * (rng.uniform(0.25, 0.35) if small else rng.uniform(0.9, 1.1))
        if any(np.hypot(x - a, y - b) < LARGEST_REACH * FRAME_IN_RED_CELLS * 2 * spec.radius + radius for a, b in spots):
            continue
        rows, columns = (slice(max(0, int(at - radius - 2)), int(at + radius + 3)) for at in (y, x))
        part = density[rows, columns]
        down, across = np.ogrid[: part.shape[0], : part.shape[1]]
        away = np.hypot(across + columns.start - x, down + rows.start - y) / radius
        body = np.clip((1 - away) * radius / 2 + 0.5, 0, 1)
        thick = body if small else body * (1 - 0.55 * np.exp(-((away / 0.5) ** 2)))
        part += thick[..., None].astype(np.float32) * np.array(PLATELET if small else RED, np.float32)
