"""A trained network as the ONNX graph that is served."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

from allcore.base import fileio
from allcore.inference.served import ACTIVATIONS, EMBEDDING, PROBABILITIES
from allcore.models.cnn import graphs


def served(model: keras.Model, settings: Mapping[str, Any]) -> keras.Model:
    """`model` as it will answer: without its optimiser, and in 32 bits, whatever it was trained in, since processors have no other and
    16 round far coarser.

    Made of the network at hand, not built anew: one that is taken up again may be of an earlier form, or begun from a file now gone.
    """
    answering = _in_32_bits(model) if settings["mixed_precision"] else model
    return keras.Model(answering.input, answering.output, name=model.name)


def _in_32_bits(model: keras.Model) -> keras.Model:
    plain = keras.models.clone_model(
        model, clone_function=lambda layer: type(layer).from_config({**layer.get_config(), "dtype": "float32"})
    )
    plain.set_weights(model.get_weights())
    return plain


def exported(model: keras.Model, module: ModuleType, path: Path) -> None:
    """Write `model` with three outputs: probabilities, embedding, and the activations that heat maps are made from."""
    outputs = {
        PROBABILITIES: model.output,
        EMBEDDING: model.get_layer(module.EMBEDDING).output,
        ACTIVATIONS: model.get_layer(module.ACTIVATIONS).output,
    }
    with fileio.replacing(path) as aside:
        aside.write_bytes(graphs.drawn(model, outputs).SerializeToString())
