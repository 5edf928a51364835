"""The network that Rezayi et al. 2021 propose: ten convolutions with fewer and fewer filters."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from allcore.models import presets
from allcore.models.cnn import knobs
from allcore.models.spec import CNN, ModelCard

if TYPE_CHECKING:
    import keras

FILTERS = (128, 64, 32, 16, 8)
WIDTHS = (1024, 128)
EMBEDDING, ACTIVATIONS = "embedding", "activations"

CARD = ModelCard(
    id="proposed_cnn",
    name="Proposed CNN",
    family=CNN,
    about="The paper's own network: ten 2x2 convolutions, 128 filters falling to 8, then three dense layers.",
    images_per_second=46.0,
    parameters=300_082,
    multiply_adds=0.39e9,
    choices=(
        "'Two additional dense layers for binary classification via softmax' after the 1,024-unit one: 128 units with ReLU, then the "
        "softmax. The text gives no width for the first; 128 is the first layer's number of filters.",
        "Batch normalisation stands after every convolution, as the text has it, and before its ReLU, as its inventors placed it; "
        "the text doesn't say on which side.",
        "'Between each pair' and 'after every max-pooling': five poolings, the last one before the flattening, each followed by dropout "
        "0.1. At 70 pixels the sides are 70, 35, 17, 8, 4, 2.",
        "Pixels are divided by 255; the text says only that they were normalised.",
    ),
    knobs=knobs.shared(),
    presets=presets.presets(
        paper={},
        tuned={"keep": "best"},
        lesson={
            "epochs": 6,
            "batch_size": 16,
            "learning_rate": 1e-3,
            "batch_norm_momentum": 0.9,
            "input_size": 40,
            "keep": "best",
        },
        lesson_changes="6 epochs for 100 and the best of them, batch 16 for 32, learning rate 0.001 for 0.0001, batch-norm momentum 0.9 "
        "for 0.99, 40 pixels for 70; split by patient.",
    ),
)


def build(settings: Mapping[str, Any], *, classes: int, seed: int) -> keras.Model:
    """The untrained network: uint8 images (n, size, size, 3) to probabilities (n, classes); layer `embedding` has 128 units."""
    import keras
    from keras import layers

    size = settings["input_size"]
    seeds = itertools.count(seed * 1000)

    def initial() -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=next(seeds))

    images = keras.Input((size, size, 3), dtype="uint8", name="images")
    x = layers.Rescaling(1 / 255)(images)
    for stage, filters in enumerate(FILTERS):
        for place in range(2):
            x = layers.Conv2D(filters, 2, padding="same", kernel_initializer=initial())(x)
            x = layers.BatchNormalization(momentum=settings["batch_norm_momentum"])(x)
            x = layers.ReLU(name=ACTIVATIONS if (stage, place) == (2, 1) else None)(x)  # 17x17 at 70 pixels
        x = layers.MaxPooling2D(2, 2)(x)
        x = layers.Dropout(settings["dropout"], seed=next(seeds))(x)
    x = layers.Flatten()(x)
    x = layers.Dense(WIDTHS[0], activation="relu", kernel_initializer=initial())(x)
    x = layers.Dense(WIDTHS[1], activation="relu", kernel_initializer=initial(), name=EMBEDDING)(x)
    probabilities = layers.Dense(classes, activation="softmax", kernel_initializer=initial(), name="probabilities", dtype="float32")(x)
    return keras.Model(images, probabilities, name=CARD.id)
