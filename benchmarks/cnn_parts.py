"""Where a training step of the 10-convolution network goes: `python -m benchmarks.cnn_parts [--model proposed_cnn] [--rounds 5]`

Trains the network as a job does (oneDNN on, memory kept, TensorFlow's own graph), and beside it, in turns, the same without some of its
layers or with another way of running it. What leaving a kind of layer out gains is its share of the step; `convolutions` is what is left
without batch norm, dropout and activations, and the processor's floor is 6 operations a multiply-add by the best matrix product. Nothing
is judged: it tells where to look. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from allcore.base.processes import GENEROUS
from allcore.models import registry
from benchmarks.training import BATCH, best_matrix_product

STEPS, SIZE = 6, 70


class Nothing(keras.layers.Layer):
    """In the place of a layer that is left out, called as it was."""

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        return inputs


def less(net: keras.Model, *kinds: type[keras.layers.Layer]) -> keras.Model:
    """The same network without layers of some kinds."""

    def kept(layer: keras.layers.Layer) -> keras.layers.Layer:
        return Nothing() if isinstance(layer, kinds) else layer.__class__.from_config(layer.get_config())

    return keras.models.clone_model(net, clone_function=kept)


def trainer(net: keras.Model, *, batch: int = BATCH, jit: bool = False) -> Callable[[], float]:
    """Images a second over a few steps, whenever it is called."""
    net.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy", jit_compile=jit)
    dice = np.random.default_rng(0)
    pixels, labels = dice.integers(0, 256, (batch, SIZE, SIZE, 3), dtype=np.uint8), dice.integers(0, 2, batch)
    steps = max(1, STEPS * BATCH // batch)

    def timed() -> float:
        began = time.perf_counter()
        for _ in range(steps):
            net.train_on_batch(pixels, labels)
        return steps * batch / (time.perf_counter() - began)

    timed()  # compiled
    return timed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="proposed_cnn")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    if not GENEROUS.items() <= os.environ.items():  # glibc reads them when a process begins
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.cnn_parts", *sys.argv[1:]], {**os.environ, **GENEROUS})
    module = registry.module(asked.model)
    norms, drops, acts = keras.layers.BatchNormalization, keras.layers.Dropout, (keras.layers.Activation, keras.layers.ReLU)

    def built() -> keras.Model:
        return module.build(module.CARD.settings(module.CARD.preset("paper"), {"input_size": SIZE}), classes=2, seed=0)

    contenders = {
        "as it is": trainer(built()),
        "without batch norm": trainer(less(built(), norms)),
        "without dropout": trainer(less(built(), drops)),
        "without activations": trainer(less(built(), *acts)),
        "convolutions": trainer(less(built(), norms, drops, *acts)),
        "batches of 8": trainer(built(), batch=8),
        "batches of 128": trainer(built(), batch=128),
        "XLA": trainer(built(), jit=True),
    }
    told: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(asked.rounds):
        for name, timed in contenders.items():
            told[name].append(timed())
    product = best_matrix_product()
    speeds: dict[str, Any] = {name: round(statistics.median(values), 1) for name, values in told.items()}
    floor = round(product / (3 * module.CARD.multiply_adds), 1)
    for name, speed in {**speeds, "the processor's floor": floor}.items():
        print(f"{name:24} {speed:7.1f} images/s  {speed / speeds['as it is']:.2f}")
    print(json.dumps({"benchmark": "cnn_parts", "model": asked.model, "images_s": speeds, "floor_images_s": floor}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
