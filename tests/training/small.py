"""A net of three layers that stands in for the real ones."""

from __future__ import annotations

from typing import Any


def small_net(settings: dict[str, Any], *, classes: int, seed: int):
    import keras
    from keras import layers

    images = keras.Input((settings["input_size"], settings["input_size"], 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(images)
    x = layers.AveragePooling2D(8, name="activations")(x)
    x = layers.Dropout(settings["dropout"], seed=seed)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(8, name="embedding", kernel_initializer=keras.initializers.GlorotUniform(seed=seed))(x)
    x = layers.Dense(classes, activation="softmax", kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 1))(x)
    return keras.Model(images, x)
