"""A trained network as the ONNX graph that is served."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import keras

from allcore.inference.served import ACTIVATIONS, EMBEDDING, PROBABILITIES
from allcore.models.cnn import graphs
from allcore.models.sketch import Drawing


def served(model: keras.Model, settings: Mapping[str, Any]) -> keras.Model:
    """`model` as it will answer: without its optimiser, and in 32 bits, whatever it was trained in, since processors have no other and
    16 round far coarser.

    Made of the network at hand, not built anew: one that is taken up again may be of an earlier form, or begun from a file now gone.
    """
    answering = keras.Model(model.input, model.output, name=model.name)
    return _in_32_bits(answering) if settings["mixed_precision"] else answering


def _in_32_bits(model: keras.Model) -> keras.Model:
    """Of a network without optimiser, which would be built once more."""
    plain = keras.models.clone_model(
        model, clone_function=lambda layer: type(layer).from_config({**layer.get_config(), "dtype": "float32"})
    )
    plain.set_weights(model.get_weights())
    return plain


def drawn(model: keras.Model, module: ModuleType) -> Drawing:
    """`model` as an ONNX graph with three outputs: probabilities, embedding, and the activations that heat maps are made from."""
    outputs = {
        PROBABILITIES: model.output,
        EMBEDDING: model.get_layer(module.EMBEDDING).output,
        ACTIVATIONS: model.get_layer(module.ACTIVATIONS).output,
    }
    return graphs.drawn(model, outputs)
