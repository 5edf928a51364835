"""A network trained by its first lesson and used at once: no checkpoint, no graph, no figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from allcore.training import cnn  # first, since it sets what TensorFlow reads when it is imported

# isort: split
import keras
import numpy as np

from allcore.models import presets, registry
from allcore.training import batches, learning
from allcore.training.material import Cells

_AT_ONCE = 256


def settings(model_id: str, *, seed: int = 0) -> dict[str, Any]:
    """Those of the model's first lesson."""
    card = registry.card(model_id)
    return card.settings(card.preset(presets.FIRST_LESSON), {"seed": seed})


def learnt(
    cells: Cells, rows: np.ndarray, model_id: str, chosen: Mapping[str, Any], *, threads: int = 0, told: Callable[[float], None]
) -> Callable[[np.ndarray], np.ndarray]:
    """The network after its last epoch on `rows` (n,) of `cells`: from other rows (m,) to their classes, int64 (m,).

    `told` is given the share that is done at every step; what it raises ends the training.
    """
    keras.utils.clear_session()  # of the one before: a graph takes some hundred megabytes
    cnn.set_up(chosen, threads)
    model = registry.module(model_id).build(chosen, classes=cells.classes, seed=chosen["seed"])
    learning.compiled(model, chosen)
    watch = _Steps(chosen, -(-len(rows) // chosen["batch_size"]), told)
    for epoch in range(1, chosen["epochs"] + 1):
        model.fit(batches.of_epoch(cells, rows, chosen, epoch=epoch), shuffle=False, callbacks=[watch], verbose=0)

    def answers(wanted: np.ndarray) -> np.ndarray:
        parts = np.array_split(wanted, max(1, -(-len(wanted) // _AT_ONCE)))
        return np.concatenate([model.predict_on_batch(cells.images(part)).argmax(axis=1) for part in parts])

    return answers


class _Steps(keras.callbacks.Callback):
    """Sets the rate of each step, counted over all epochs, and tells how far the training is."""

    def __init__(self, chosen: Mapping[str, Any], steps: int, told: Callable[[float], None]) -> None:
        super().__init__()
        self._chosen, self._total, self._told, self._done = chosen, steps * chosen["epochs"], told, 0

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self.model.optimizer.learning_rate = learning.rate(self._chosen, self._done, self._total)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._done += 1
        self._told(self._done / self._total)
