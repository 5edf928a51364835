"""Where the cell of a picture is, and its colour."""

from __future__ import annotations

import numpy as np

from allcore.models import cell_features

_MOST_EDGE = 0.25
"""Share of the frame's edge that a cell may touch: what touches more is a photograph laid on black, and its outline is not the cell's."""


def cell(image: np.ndarray) -> np.ndarray | None:
    """The cell of a picture that was cut out on black, bool (side, side); None where the outline is unknown. `image` uint8 RGB."""
    black = cell_features.brightest(image) <= cell_features.BLACK
    edge = np.concatenate([black[0], black[-1], black[1:-1, 0], black[1:-1, -1]])
    if black.mean() < cell_features.LEAST_BLACK or (~edge).mean() > _MOST_EDGE:
        return None
    found, _ = cell_features.outlined(image)
    return found if found.sum() >= cell_features.LEAST_PIXELS else None


def colour(image: np.ndarray) -> np.ndarray:
    """The mean colour of the cell, where one is found, else of the whole picture; uint8 (3,)."""
    found, _ = cell_features.outlined(image)
    inside = image[found] if found.sum() >= cell_features.LEAST_PIXELS else image.reshape(-1, 3)
    return np.rint(inside.mean(axis=0)).astype(np.uint8)
