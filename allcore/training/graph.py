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


def served(model: keras.Model, module: ModuleType, settings: Mapping[str, Any]) -> keras.Model:
    """`model` as it will answer: without its optimiser, and in 32 bits, whatever it was trained in, since processors have no other and
    16 round far coarser."""
    if not settings["mixed_precision"]:
        return keras.Model(model.input, model.output, name=model.name)
    plain = module.build(settings, classes=model.output.shape[-1], seed=0)
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
