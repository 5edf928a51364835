"""What every way of training ends with, whatever the family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from allcore.models.features import Features
from allcore.models.sketch import Drawing


@dataclass(frozen=True)
class Trained:
    """A fitted model: how it answers in its own library, and how it becomes a graph."""

    probabilities: Callable[[np.ndarray], np.ndarray]
    """uint8 images (n, size, size, 3) to float (n, classes), computed by the library that trained it."""
    graph: Callable[[], Drawing]
    """The same as an ONNX graph."""
    save: Callable[[], None]
    """Writes the model as its own library keeps it, into the run's folder."""
    features: Features | None
    """What turns images into vectors, for a classifier; None for a network."""
    parameters: int
    """Trained numbers: weights of a network, nodes of a forest; `told` may name another unit."""
    epochs: int | None
    """Epochs trained; None where there is no such thing."""
    kept_epoch: int | None
    """The epoch whose weights these are, counted from 1."""
    epoch_seconds: float | None
    """Median seconds of an epoch."""
    images_per_second: float | None
    """Median training speed."""
    vectors: np.ndarray | None = None
    """Feature vectors of all images, float32 (images, d), where they are at hand."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """Further facts for metrics.json's `training`."""
