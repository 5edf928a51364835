"""How a network learns: its loss, its optimiser, and the size of each step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from allcore.models.cnn import knobs

FOCUS = 2.0
"""Gamma of the focal loss (Lin et al. 2017)."""
WARM_UP = 0.05
"""Share of the steps in which the cosine schedule's rate rises."""


def compiled(model: keras.Model, settings: Mapping[str, Any]) -> keras.Model:
    """`model`, ready for `fit`."""
    model.compile(
        optimizer=_optimizer(settings),
        loss=_loss(settings),
        metrics=["accuracy"],
        # XLA makes these networks slower on a processor.
        jit_compile="auto" if tf.config.list_physical_devices("GPU") else False,
    )
    return model


def resumed(model: keras.Model, state: Sequence[np.ndarray], settings: Mapping[str, Any]) -> keras.Model:
    """`model`, ready for `fit`, its optimiser's variables as they were."""
    compiled(model, settings)
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(model.optimizer.variables, state, strict=True):
        variable.assign(value)
    return model


def _optimizer(settings: Mapping[str, Any]) -> keras.optimizers.Optimizer:
    options = {"learning_rate": settings["learning_rate"], "weight_decay": settings["weight_decay"] or None}
    if settings["optimizer"] == knobs.SGD:
        made = keras.optimizers.SGD(momentum=0.9, nesterov=True, **options)
    else:
        made = keras.optimizers.Adam(**options)
    if settings["weight_decay"]:
        made.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return made


def _loss(settings: Mapping[str, Any]) -> keras.losses.Loss:
    if settings["balance"] == knobs.FOCAL:
        return keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=FOCUS, label_smoothing=settings["label_smoothing"])
    return keras.losses.CategoricalCrossentropy(label_smoothing=settings["label_smoothing"])


def rate(settings: Mapping[str, Any], step: int, steps: int) -> float:
    """The learning rate of step number `step`, counted from 0, of `steps` in all (Loshchilov & Hutter 2017 for the cosine)."""
    if settings["schedule"] == knobs.CONSTANT:
        return settings["learning_rate"]
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return settings["learning_rate"] * (step + 1) / rising
    return settings["learning_rate"] * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
