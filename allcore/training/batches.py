"""What a network is fed: in which order, how balanced, and how each image is changed. All of it a function of seed and epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from allcore.data import altered
from allcore.models.cnn import knobs
from allcore.training.material import Material

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Images uint8 (n, size, size, 3), one-hot labels float32 (n, classes), weights float32 (n,)."""


def order(labels: np.ndarray, *, seed: int, epoch: int, balanced: bool) -> np.ndarray:
    """Indices into `labels` (n,) for one epoch, int64 (n,): each once, or drawn so that every class has the same chance."""
    dice = np.random.default_rng([seed, epoch])
    if not balanced:
        return dice.permutation(len(labels))
    chances = 1.0 / np.bincount(labels)[labels]
    return dice.choice(len(labels), len(labels), p=chances / chances.sum())


def of_epoch(material: Material, settings: Mapping[str, Any], *, epoch: int, first: int = 0) -> tf.data.Dataset:
    """The batches of one epoch of training, from the one numbered `first` on.

    A batch depends on seed, epoch and its number alone, so that a training resumed in mid-epoch sees what an undisturbed one does.
    """
    seed, size = settings["seed"], settings["batch_size"]
    rows = material.rows("train")
    rows = rows[order(material.labels[rows], seed=seed, epoch=epoch, balanced=settings["balance"] == knobs.SAMPLING)]
    weights = np.ones(len(material.card.class_names), np.float32)
    if settings["balance"] == knobs.WEIGHTS:
        weights = np.array(list(material.class_weights.values()), np.float32)
    changes = altered.Changes(turns=settings["turns"], stain=settings["stain_shift"], brightness=settings["brightness_shift"])

    def batch(number: int) -> Batch:
        chosen = rows[number * size : (number + 1) * size]
        images, targets, _ = _plain(material, chosen)
        changed = changes.applied(images, np.random.default_rng([seed, epoch, number]))
        return changed, targets, weights[material.labels[chosen]]

    return _fed(batch, range(first, -(-len(rows) // size)), material)


def of_side(material: Material, side: str, *, size: int) -> tf.data.Dataset:
    """A side's images as they are, in order, all of weight 1."""
    rows = material.rows(side)
    return _fed(lambda number: _plain(material, rows[number * size : (number + 1) * size]), range(-(-len(rows) // size)), material)


def _plain(material: Material, rows: np.ndarray) -> Batch:
    targets = np.eye(len(material.card.class_names), dtype=np.float32)[material.labels[rows]]
    return material.images(rows), targets, np.ones(len(rows), np.float32)


def _fed(batch: Callable[[int], Batch], numbers: range, material: Material) -> tf.data.Dataset:
    def generated() -> Iterator[Batch]:
        return map(batch, numbers)

    size, classes = material.pixels.shape[1], len(material.card.class_names)
    shapes = (
        tf.TensorSpec((None, size, size, 3), tf.uint8),
        tf.TensorSpec((None, classes), tf.float32),
        tf.TensorSpec((None,), tf.float32),
    )
    options = tf.data.Options()
    # The tuner's thread has nothing to tune here, and whoever ends the epoch waits for its next look: up to five seconds.
    options.autotune.enabled = False
    made = tf.data.Dataset.from_generator(generated, output_signature=shapes)
    return made.apply(tf.data.experimental.assert_cardinality(len(numbers))).prefetch(2).with_options(options)
