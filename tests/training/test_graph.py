"""What of a trained network answers, and what its training leaves behind."""

from __future__ import annotations

import gc
import weakref

import numpy as np

from allcore.models import registry
from allcore.training import graph, learning


def test_the_optimiser_goes_with_the_network_that_was_trained():
    """It is as large as two networks: kept until the graph is written, it would be the peak of a job."""
    module = registry.module("allnet")
    settings = module.CARD.settings(module.CARD.preset("paper"), {"input_size": 32})
    trained = module.build(settings, classes=2, seed=0)
    learning.compiled(trained, settings)
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    trained.train_on_batch(pictures, np.eye(2, dtype=np.float32)[[0, 1, 0, 1]])
    said = trained.predict_on_batch(pictures)

    answering = graph.served(trained, module, settings)
    left = weakref.ref(trained), weakref.ref(trained.optimizer)
    del trained
    gc.collect()
    assert [one() for one in left] == [None, None]
    assert not answering.compiled
    np.testing.assert_allclose(answering.predict_on_batch(pictures), said, atol=1e-6)
