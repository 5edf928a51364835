"""What a classifier can't be asked for on so many images, found out before a job exists."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from allcore.base.errors import BadInput
from allcore.data import cache
from allcore.models import features

LARGEST_GRAPH = 2**31 - 2**24
"""Bytes; protobuf, which ONNX files are written in, holds no more than 2 GiB."""
LARGEST_KERNEL = 2**33
"""Bytes of a kernel between all pairs of training images: 32,768 of them."""
KEEPS_IMAGES = ("knn", "svm")


def require(model: str, settings: Mapping[str, Any], *, images: int) -> None:
    """Raises BadInput, with the setting's name and what is allowed, where `images` on the training side can't bear the settings."""
    neighbours = settings.get("neighbours", 1)
    if neighbours > images:
        raise BadInput(f"neighbours can't be {neighbours} with {images:,} training images.", f"Allowed: 1 to {images}.")
    if model == "svm" and 8 * images**2 > LARGEST_KERNEL:
        raise BadInput(
            f"An SVM can't learn from {images:,} images: its kernel would take {8 * images**2 / 1e9:.0f} GB.",
            f"Allowed: up to {math.isqrt(LARGEST_KERNEL // 8):,} training images. Choose another model, or fewer images.",
        )
    size = settings["input_size"]
    if model in KEEPS_IMAGES and settings["features"] == features.PIXELS and images * size**2 * 3 > LARGEST_GRAPH:
        largest = math.isqrt(LARGEST_GRAPH // (3 * images))
        can = f"Allowed: {cache.SIZES[0]} to {largest}, or" if largest >= cache.SIZES[0] else "Choose"
        raise BadInput(
            f"input_size can't be {size} for the pixels of {images:,} images, which this model keeps: its file would pass 2 GB.",
            f"{can} other features than {features.PIXELS}.",
        )
