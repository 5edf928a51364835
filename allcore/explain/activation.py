"""Which of a network's inner maps its answer stands on: after Score-CAM (Wang et al. 2020), without gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from allcore.explain import evidence, outline
from allcore.inference.served import ServedModel

CHANNELS = 32
"""So many of the layer's maps, those that vary most over the picture, are tried: each costs one more answer."""


def heats(models: Sequence[ServedModel], image: np.ndarray, index: int) -> list[np.ndarray]:
    """Weighted sum of the inner maps, float32 (size, size) for each model. `image` is uint8 (size, size, 3), of the models' size,
    which have inner maps.
    """
    return [_heat(model, image, index) for model in models]


def _heat(model: ServedModel, image: np.ndarray, index: int) -> np.ndarray:
    """Each map, scaled to 0 to 1 and enlarged, covers the picture with the cell's own mean colour; its weight is what that costs class
    `index` in log-odds, less the mean of all maps.

    Score-CAM lets the picture through each map on black. A cell in shreds resembles no picture that was learned from, and on our networks
    such maps named no place that mattered: covering their hottest 15 % cost 0.1 of log-odds, that of these maps 3.3. Only differences
    between maps count, as in Score-CAM's softmax.
    """
    maps = np.moveaxis(model.activations(image[None])[0], -1, 0)
    maps = maps[np.argsort(-maps.std(axis=(1, 2)), kind="stable")[:CHANNELS]]
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    shades = np.stack([_enlarged(one, len(image)) for one in (maps - low) / np.maximum(high - low, 1e-12)])
    pictures = np.concatenate([image[None], image + shades[..., None] * (outline.colour(image) - image.astype(np.float32))])
    (spoken,) = evidence.spoken([model], np.rint(pictures).astype(np.uint8), index)
    cost = spoken[0] - spoken[1:]
    return np.tensordot(cost - cost.mean(), shades, axes=1).astype(np.float32)


def _enlarged(one: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(one.astype(np.float32)).resize((size, size), Image.Resampling.BILINEAR))
