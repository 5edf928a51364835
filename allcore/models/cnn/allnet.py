"""AllNet: this project's own network, small enough for ordinary hardware."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from allcore.data import altered
from allcore.models import presets
from allcore.models.cnn import knobs
from allcore.models.spec import CNN, ModelCard

if TYPE_CHECKING:
    import keras

STAGES = (32, 64, 128)
EMBEDDING, ACTIVATIONS = "embedding", "activations"

_TUNED = {
    "learning_rate": 2e-3,
    "schedule": knobs.COSINE,
    "weight_decay": 0.02,
    "batch_norm_momentum": 0.9,
    "label_smoothing": 0.05,
    "turns": altered.QUARTER,
    "stain_shift": 0.05,
    "brightness_shift": 0.1,
}

CARD = ModelCard(
    id="allnet",
    name="AllNet",
    family=CNN,
    about="Ours: a small residual network for ordinary hardware, many times as fast as the paper's.",
    images_per_second=940.0,
    parameters=309_730,
    multiply_adds=0.0193e9,
    knobs=knobs.shared(dropout=0.2),
    presets=presets.presets(
        paper={"epochs": 100},
        tuned={**_TUNED, "epochs": 60},
        lesson={**_TUNED, "epochs": 16, "batch_size": 16},
        lesson_changes="Not a network of the paper's. 16 epochs by patient.",
    ),
)


def build(settings: Mapping[str, Any], *, classes: int, seed: int) -> keras.Model:
    """The untrained network: uint8 images (n, size, size, 3) to probabilities (n, classes); the embedding has 128 numbers.

    A 5x5 stem of stride 2 and a pooling bring 70 pixels to 18; three residual blocks work at 18, 9 and 5. Time goes to what has many
    pixels: the stem is normed once it is pooled, a quarter as many, and the ways past the blocks are not normed.
    """
    import keras
    from keras import layers

    seeds = itertools.count(seed * 1000)

    def convolved(x: keras.KerasTensor, filters: int, size: int, *, stride: int = 1) -> keras.KerasTensor:
        kernel = keras.initializers.HeNormal(seed=next(seeds))
        return layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False, kernel_initializer=kernel)(x)

    def normed(x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.BatchNormalization(momentum=settings["batch_norm_momentum"])(x)

    images = keras.Input((settings["input_size"],) * 2 + (3,), dtype="uint8", name="images")
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = layers.MaxPooling2D(2, padding="same")(convolved(x, STAGES[0], 5, stride=2))
    x = layers.ReLU()(normed(x))
    for stage, filters in enumerate(STAGES):
        stride = 1 if stage == 0 else 2
        inner = layers.ReLU()(normed(convolved(x, filters, 3, stride=stride)))
        inner = normed(convolved(inner, filters, 3))
        past = x if stage == 0 else convolved(x, filters, 1, stride=stride)
        x = layers.ReLU(name=ACTIVATIONS if stage == 0 else None)(layers.Add()([inner, past]))
    x = layers.GlobalAveragePooling2D(name=EMBEDDING)(x)
    x = layers.Dropout(settings["dropout"], seed=next(seeds))(x)
    last = keras.initializers.GlorotUniform(seed=next(seeds))
    probabilities = layers.Dense(classes, activation="softmax", kernel_initializer=last, name="probabilities", dtype="float32")(x)
    return keras.Model(images, probabilities, name=CARD.id)
