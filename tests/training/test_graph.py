"""What of a trained network answers, and what its training leaves behind."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import keras
import numpy as np
import pytest

from allcore.models import registry
from allcore.training import graph, learning

MODULE = registry.module("allnet")
PICTURES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


def trained(settings: dict[str, Any]) -> keras.Model:
    """After one step."""
    model = MODULE.build(settings, classes=2, seed=0)
    learning.compiled(model, settings)
    model.train_on_batch(PICTURES, np.eye(2, dtype=np.float32)[[0, 1, 0, 1]])
    return model


def settings(**changed: Any) -> dict[str, Any]:
    return MODULE.CARD.settings(MODULE.CARD.preset("paper"), {"input_size": 32, **changed})


def test_the_optimiser_goes_with_the_network_that_was_trained():
    """It is as large as two networks: kept until the graph is written, it would be the peak of a job."""
    model = trained(settings())
    said = model.predict_on_batch(PICTURES)

    answering = graph.served(model, settings())
    left = weakref.ref(model), weakref.ref(model.optimizer)
    del model
    gc.collect()
    assert [one() for one in left] == [None, None]
    assert not answering.compiled
    np.testing.assert_allclose(answering.predict_on_batch(PICTURES), said, atol=1e-6)


def test_what_was_trained_in_16_bits_answers_in_32_whatever_the_card_builds_now(monkeypatch: pytest.MonkeyPatch):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = trained(settings(mixed_precision=True))
    finally:
        keras.config.set_dtype_policy(before)
    dice = np.random.default_rng(0)
    model.set_weights([one * dice.uniform(0.5, 1.5, one.shape) for one in model.get_weights()])  # nothing that its seeds would give again
    monkeypatch.setattr(MODULE, "build", None)  # of another version, say
    clone, clones = keras.models.clone_model, []
    monkeypatch.setattr(keras.models, "clone_model", lambda *given, **options: clones.append(clone(*given, **options)) or clones[-1])

    answering = graph.served(model, settings(mixed_precision=True))
    assert "float16" in {layer.compute_dtype for layer in model.layers}
    assert {layer.compute_dtype for layer in answering.layers[1:]} == {"float32"}
    assert not any(one.compiled for one in (*clones, answering))
    assert len(clones) == 1
    assert answering.get_layer(MODULE.ACTIVATIONS) is not model.get_layer(MODULE.ACTIVATIONS)
    np.testing.assert_allclose(answering.predict_on_batch(PICTURES), model.predict_on_batch(PICTURES), atol=2e-3)
