"""What a model's answer loses where the picture is covered (Zeiler & Fergus 2014), for any model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allcore.explain import evidence, outline
from allcore.inference.served import ServedModel

PATCH, PLACES = 5, 12
"""The patch is a fifth of the picture's side; it is laid at so many places along each, at most."""


def heats(models: Sequence[ServedModel], image: np.ndarray, index: int, *, only: np.ndarray | None = None) -> list[np.ndarray]:
    """For each pixel the mean loss of log-odds of class `index` over the patches that cover it, a patch counting the less the farther
    its middle is, which leaves no seams; float32 (size, size) for each model.

    `image` is uint8 (size, size, 3), of the models' size. The patch has the cell's own mean colour: black would cut a hole into the cell,
    which no training picture has. Losses are taken in log-odds, as by Zintgraf et al. 2017. `only`, bool (size, size): pixels outside it
    are never covered, and have 0.
    """
    size = len(image)
    inside = np.ones((size, size), bool) if only is None else only
    side = max(2, round(size / PATCH))
    starts = np.unique(np.rint(np.linspace(0, size - side, PLACES)).astype(int))
    places = [(slice(top, top + side), slice(left, left + side)) for top in starts for left in starts]
    places = [place for place in places if inside[place].any()]
    fill = outline.colour(image)
    covered = np.repeat(image[None], 1 + len(places), axis=0)
    for picture, place in zip(covered[1:], places, strict=True):
        picture[place][inside[place]] = fill
    slope = np.minimum(np.arange(1, side + 1), np.arange(side, 0, -1))
    near = np.outer(slope, slope)
    weights = np.zeros((size, size))
    for place in places:
        weights[place] += near
    found = []
    for spoken in evidence.spoken(models, covered, index):
        lost = np.zeros((size, size))
        for place, loss in zip(places, spoken[0] - spoken[1:], strict=True):
            lost[place] += loss * near
        found.append(np.where(inside, lost / np.maximum(weights, 1), 0).astype(np.float32))
    return found
