"""Which epoch's weights a training ends with, and when it ends. A net of three layers stands in for the real ones."""

from __future__ import annotations

import numpy as np
import pytest

from allcore.base.paths import Artifacts
from allcore.data import cache
from allcore.inference import served
from allcore.jobs import submit
from allcore.runs import events, status, store


def test_the_best_epoch_is_kept_where_that_was_asked_for(train, artifacts, monkeypatch):
    """The losses on the tune side are told to be best in the second of four epochs."""
    import keras

    losses = iter([0.9, 0.2, 0.5, 0.8])
    weights = {}

    def told(self, *arguments, **options):
        number = len(weights) + 1
        weights[number] = [array.copy() for array in self.get_weights()]
        return next(losses), 0.5

    monkeypatch.setattr(keras.Model, "evaluate", told)
    job = train(epochs=4, keep="best")
    assert status.read(job).state == status.DONE, status.read(job).reason
    training = store.read(job).metrics["training"]
    assert (training["epochs"], training["kept_epoch"]) == (4, 2)
    for found, expected in zip(keras.models.load_model(job.keras).get_weights(), weights[2], strict=True):
        np.testing.assert_array_equal(found, expected)
    # The graph that is served is that epoch too.
    pixels = np.asarray(cache.opened(artifacts.dataset("tiny"), 32))
    net = keras.models.load_model(job.keras)
    np.testing.assert_allclose(served.load(job).answer(pixels).probabilities, net.predict_on_batch(pixels), atol=1e-5)


def test_the_last_epoch_is_kept_otherwise(train):
    job = train(epochs=2, keep="last")
    assert store.read(job).metrics["training"]["kept_epoch"] == 2


def test_patience_ends_a_training_that_no_longer_gains(train, monkeypatch):
    import keras

    losses = iter([0.9, 0.2, 0.5, 0.8, 0.1])
    monkeypatch.setattr(keras.Model, "evaluate", lambda self, *a, **o: (next(losses), 0.5))
    job = train(epochs=10, keep="best", patience=2)
    training = store.read(job).metrics["training"]
    assert (training["epochs"], training["kept_epoch"]) == (4, 2)


def test_a_training_out_of_patience_goes_on_with_as_much_again(train, artifacts: Artifacts, do, monkeypatch):
    import keras

    losses = iter([0.2, 0.5, 0.8, 0.7, 0.6, 0.9])
    monkeypatch.setattr(keras.Model, "evaluate", lambda self, *a, **o: (next(losses), 0.5))
    job = train(epochs=10, keep="best", patience=2)
    assert store.read(job).metrics["training"]["epochs"] == 3
    plan, _ = submit.repeated(artifacts, job.id, {"epochs": 12})
    longer = submit.continued(artifacts, job.id, plan)
    do(artifacts, longer)
    training = store.read(longer).metrics["training"]
    assert (training["epochs"], training["kept_epoch"]) == (5, 1)  # none of the two was better, so it ended again
    again = submit.continued(artifacts, longer.id, submit.repeated(artifacts, longer.id, {"epochs": 14})[0])
    losses = iter([0.1, 0.3, 0.4])
    do(artifacts, again)
    training = store.read(again).metrics["training"]
    assert (training["epochs"], training["kept_epoch"]) == (8, 6)


def test_the_papers_protocol_has_nothing_to_choose_on(train):
    job = train(epochs=1, preset="paper")
    assert status.read(job).state == status.DONE
    metrics = store.read(job).metrics
    assert "tune" not in metrics
    assert set(store.predictions(job)["side"]) == {"test"}
    (epoch,) = events.epochs(events.read(job)).itertuples()
    assert epoch.test_loss > 0
    told = metrics["training"]["cycles"]
    assert (told["epochs"], told["test"], told["last"]) == (1, epoch.test_accuracy, epoch.test_accuracy)
    assert told["both"] == pytest.approx((epoch.accuracy + epoch.test_accuracy) / 2)
