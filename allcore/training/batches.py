"""What a network is fed: in which order, how balanced, and how each image is changed. All of it a function of seed and epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from allcore.data import altered
from allcore.models.cnn import knobs
from allcore.training.material import Cells

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Images uint8 (n, size, size, 3), one-hot labels float32 (n, classes), weights float32 (n,)."""


def order(labels: np.ndarray, *, seed: int, epoch: int, balanced: bool) -> np.ndarray:
    """Indices into `labels` (n,) for one epoch, int64 (n,): each once, or drawn so that every class has the same chance."""
    dice = np.random.default_rng([seed, epoch])
    if not balanced:
        return dice.permutation(len(labels))
    chances = 1.0 / np.bincount(labels)[labels]
    return dice.choice(len(labels), len(labels), p=chances / chances.sum())


def of_epoch(cells: Cells, rows: np.ndarray, settings: Mapping[str, Any], *, epoch: int, first: int = 0) -> tf.data.Dataset:
    """The batches of one epoch of training on `rows` (n,), from the one numbered `first` on.

    A batch depends on seed, epoch and its number alone, so that a training resumed in mid-epoch sees what an undisturbed one does.
    """
    seed, size = settings["seed"], settings["batch_size"]
    by_class = cells.weights(rows) if settings["balance"] == knobs.WEIGHTS else np.ones(cells.classes)
    weights = by_class.astype(np.float32)
    rows = rows[order(cells.labels[rows], seed=seed, epoch=epoch, balanced=settings["balance"] == knobs.SAMPLING)]
    changes = altered.Changes(turns=settings["turns"], stain=settings["stain_shift"], brightness=settings["brightness_shift"])

    def batch(number: int) -> Batch:
        chosen = rows[number * size : (number + 1) * size]
        images, targets, _ = _plain(cells, chosen)
        changed = changes.applied(images, np.random.default_rng([seed, epoch, number]))
        return changed, targets, weights[cells.labels[chosen]]

    return _fed(batch, range(first, -(-len(rows) // size)), cells)


def of_side(cells: Cells, rows: np.ndarray, *, size: int) -> tf.data.Dataset:
    """The images of `rows` (n,) as they are, in order, all of weight 1."""
    return _fed(lambda number: _plain(cells, rows[number * size : (number + 1) * size]), range(-(-len(rows) // size)), cells)


def divided(batch: Batch, parts: int) -> list[tuple[np.ndarray, ...]]:
    """A batch in as many parts, as even as can be, none of them empty: images, labels, weights, and whether each image counts (n,).

    Where there are fewer images than parts, the first is shown again, with weight 0 and count 0.
    """
    images, targets, weights = (np.asarray(array) for array in batch)
    counts = np.ones(len(images), np.float32)
    rows = np.concatenate([np.arange(len(images)), np.zeros(max(0, parts - len(images)), np.int64)])
    counts, weights = (np.pad(array, (0, len(rows) - len(images))) for array in (counts, weights))
    return list(zip(*(np.array_split(array, parts) for array in (images[rows], targets[rows], weights, counts)), strict=True))


def _plain(cells: Cells, rows: np.ndarray) -> Batch:
    targets = np.eye(cells.classes, dtype=np.float32)[cells.labels[rows]]
    return cells.images(rows), targets, np.ones(len(rows), np.float32)


def _fed(batch: Callable[[int], Batch], numbers: range, cells: Cells) -> tf.data.Dataset:
    size, classes = cells.pixels.shape[1], cells.classes

    def made(number: tf.Tensor) -> tuple[tf.Tensor, ...]:
        # Stateless, and so it is: what TensorFlow takes for stateful it never makes ahead where its operations are to be deterministic.
        images, targets, weights = tf.numpy_function(batch, [number], (tf.uint8, tf.float32, tf.float32), stateful=False)
        return tf.ensure_shape(images, (None, size, size, 3)), tf.ensure_shape(targets, (None, classes)), tf.ensure_shape(weights, (None,))

    options = tf.data.Options()
    # The tuner's thread has nothing to tune here, and whoever ends the epoch waits for its next look: up to five seconds.
    options.autotune.enabled = False
    return tf.data.Dataset.range(numbers.start, numbers.stop).map(made).prefetch(2).with_options(options)
