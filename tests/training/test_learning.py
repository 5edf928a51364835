"""Loss, optimiser and schedule."""

from __future__ import annotations

import numpy as np
import pytest

from allcore.models import registry
from allcore.training import learning

CARD = registry.card("allnet")


def settings(**changed: object) -> dict:
    return CARD.settings(CARD.preset("paper"), changed)


def test_a_constant_rate_stays():
    chosen = settings(learning_rate=0.003, schedule="constant")
    assert {learning.rate(chosen, step, 100) for step in range(100)} == {0.003}


def test_the_cosine_rises_and_falls_to_nothing():
    chosen = settings(learning_rate=0.01, schedule="cosine")
    rates = [learning.rate(chosen, step, 1000) for step in range(1000)]
    assert max(rates) == rates[50] == pytest.approx(0.01)
    assert rates[:51] == sorted(rates[:51])
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert rates[525] == pytest.approx(0.005, rel=1e-6)
    assert rates[-1] < 1e-7
    assert learning.rate(chosen, 0, 1) > 0


@pytest.fixture
def net():
    import keras

    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax", name="last")])


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_weight_decay_shrinks_kernels_and_leaves_biases(net, optimizer: str):
    chosen = settings(optimizer=optimizer, weight_decay=0.5, learning_rate=0.1, balance="none")
    learning.compiled(net, chosen)
    net.layers[-1].bias.assign([1.0, 1.0])
    kernel = np.asarray(net.layers[-1].kernel)
    # Targets that are what is said already leave the loss without a slope.
    x = np.zeros((4, 3), np.float32)
    net.train_on_batch(x, np.full((4, 2), 0.5, np.float32))
    np.testing.assert_allclose(np.asarray(net.layers[-1].kernel), kernel * (1 - 0.1 * 0.5), rtol=1e-5)
    np.testing.assert_allclose(np.asarray(net.layers[-1].bias), [1.0, 1.0], atol=1e-6)


def test_focal_loss_dwells_on_what_is_wrong(net):
    import keras

    said, true = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32), np.array([[1, 0], [1, 0]], np.float32)
    found = np.asarray(learning._loss(settings(balance="focal"))(true, said))
    # Lin et al. 2017: -(1 - p)^gamma log p.
    assert found == pytest.approx(np.mean([-(0.1**2) * np.log(0.9), -(0.8**2) * np.log(0.2)]), rel=1e-4)
    plain = np.asarray(learning._loss(settings(balance="none"))(true, said))
    assert plain == pytest.approx(np.mean([-np.log(0.9), -np.log(0.2)]), rel=1e-4)
    assert isinstance(learning._loss(settings(balance="weights")), keras.losses.CategoricalCrossentropy)


def test_smoothed_labels_cost_certainty():
    true = np.array([[1.0, 0.0]], np.float32)
    smooth = learning._loss(settings(label_smoothing=0.2, balance="none"))
    assert smooth(true, np.array([[0.9, 0.1]])) < smooth(true, np.array([[0.999, 0.001]]))
