"""A network drawn as an ONNX graph answers as it does in Keras, at any size."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
import onnxruntime
import pytest
from keras import layers

from allcore.base.errors import AllcoreError
from allcore.models import registry
from allcore.models.cnn import graphs
from allcore.models.spec import CNN

NETWORKS = [card.id for card in registry.cards() if card.family == CNN]


def shaken(network: keras.Model) -> keras.Model:
    """Averages, scales and offsets as after a training; drawn from the generator, so that none is at its first value."""
    dice = np.random.default_rng(0)
    for variable in network.weights:
        if variable.name in ("gamma", "moving_variance"):
            variable.assign(dice.uniform(0.5, 1.5, variable.shape))
        elif variable.name in ("beta", "bias", "moving_mean"):
            variable.assign(dice.normal(0, 0.1, variable.shape))
    return network


def compare(network: keras.Model, outputs: Mapping[str, keras.KerasTensor]) -> None:
    shape = network.inputs[0].shape[1:]
    images = np.random.default_rng(1).integers(0, 256, (3, *shape), dtype=np.uint8)
    session = onnxruntime.InferenceSession(graphs.drawn(network, outputs).content(), providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["images"]
    found = session.run(list(outputs), {"images": images})
    wanted = keras.Model(network.inputs, list(outputs.values()))(images, training=False)
    for one, other in zip(found, wanted, strict=True):
        other = np.asarray(other)
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5 * np.abs(other).max())


@pytest.mark.parametrize("size", [70, 33])
@pytest.mark.parametrize("model", NETWORKS)
def test_each_network_answers_alike(model: str, size: int):
    module = registry.module(model)
    settings = module.CARD.settings(module.CARD.preset("paper"), {"input_size": size})
    network = shaken(module.build(settings, classes=3, seed=0))
    tensors = {name: network.get_layer(name).output for name in (module.EMBEDDING, module.ACTIVATIONS)}
    compare(network, {"probabilities": network.output, **tensors})


def test_what_a_layer_can_be_told_is_told_to_the_graph_too():
    """Uneven borders, strides, gaps, groups, no offsets, ImageNet's mean, an activation within a layer."""
    images = keras.Input((17, 22, 3), dtype="uint8", name="images")
    x = layers.Rescaling(1.0, offset=[-123.68, -116.779, -103.939])(images)
    x = layers.ZeroPadding2D(((1, 2), (0, 3)))(x)
    x = layers.Conv2D(6, (3, 2), strides=2, padding="valid", activation="relu")(x)
    x = layers.Conv2D(6, 3, dilation_rate=2, padding="same", groups=2, use_bias=False)(x)
    x = middle = layers.BatchNormalization(scale=False, epsilon=0.01)(x)
    x = layers.Add()([x, layers.Activation("relu")(x)])
    x = layers.MaxPooling2D((3, 2), strides=(2, 1), padding="same")(x)
    x = layers.AveragePooling2D((2, 3), strides=1, padding="same")(x)
    x = layers.Dense(5, use_bias=False)(layers.Flatten()(x))
    x = layers.BatchNormalization(center=False)(x)
    network = shaken(keras.Model(images, layers.Dense(2, activation="softmax")(x)))
    compare(network, {"probabilities": network.output, "activations": middle, "embedding": x})


@pytest.mark.parametrize("layer", [layers.LeakyReLU(), layers.Activation("gelu")], ids=["layer", "activation"])
def test_what_cannot_be_drawn_is_named(layer: keras.Layer):
    images = keras.Input((8, 8, 3), dtype="uint8", name="images")
    network = keras.Model(images, layer(layers.Rescaling(1 / 255)(images)))
    with pytest.raises(AllcoreError, match=r"(LeakyReLU|gelu) can't be drawn as an ONNX graph yet"):
        graphs.drawn(network, {"activations": network.output})
