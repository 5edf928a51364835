"""One temperature for all classifiers, from patients held out in turn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from allcore.models.classical import calibration, scores


def drawn(count: int, classes: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose softmax is the true probability of each class, and labels drawn by it."""
    dice = np.random.default_rng(seed)
    true = dice.normal(scale=1.5, size=(count, classes))
    chances = softmax(true, axis=1)
    return true, (dice.random((count, 1)) > chances.cumsum(axis=1)).sum(axis=1)


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("wrong_by", [0.02, 1.0, 40.0])
def test_it_finds_by_how_much_scores_were_stretched(classes: int, wrong_by: float):
    true, labels = drawn(20_000, classes)
    assert calibration.temperature(true * wrong_by, labels, np.ones(len(labels))) == pytest.approx(wrong_by, rel=0.03)


def test_no_other_temperature_fits_better():
    true, labels = drawn(3_000, 3)
    weights = np.random.default_rng(1).random(3_000)
    counts = np.bincount(labels)
    targets = np.full((3_000, 3), 0.0) + 1 / (counts[labels] + 3)[:, None]
    targets[np.arange(3_000), labels] = (counts[labels] + 1) / (counts[labels] + 3)

    def loss(temperature: float) -> float:
        return -float((weights[:, None] * targets * log_softmax(true / temperature, axis=1)).sum())

    best = calibration.temperature(true, labels, weights)
    assert all(loss(best) <= loss(best * factor) for factor in (0.9, 0.99, 1.01, 1.1))


def test_it_stays_finite_where_no_score_is_wrong():
    labels = np.arange(40) % 2
    found = calibration.temperature(scores.margins(np.where(labels, 1.0, -1.0)), labels, np.ones(40))
    # Platt's targets: 20 + 1 of 20 + 2 images, so a margin of 1 means log odds of 21.
    assert 1 / found == pytest.approx(np.log(21), rel=1e-4)


def test_scores_that_say_nothing_become_even_chances():
    dice = np.random.default_rng(2)
    made, labels = dice.normal(size=(5_000, 2)), dice.integers(0, 2, 5_000)
    made[np.arange(5_000), labels] -= 0.5  # worse than nothing: they point the wrong way
    sure = softmax(made / calibration.temperature(made, labels, np.ones(5_000)), axis=1)
    assert np.abs(sure - 0.5).max() < 0.01
    assert calibration.temperature(np.zeros((4, 2)), np.array([0, 1, 0, 1]), np.ones(4)) == 1.0


def test_a_patient_is_held_out_as_a_whole():
    groups = np.repeat([f"p{number}" for number in range(9)], 10)
    labels = np.repeat(np.arange(9) % 3 > 0, 10).astype(int)
    parts = calibration.folds(labels, groups, seed=0)
    assert len(parts) == calibration.FOLDS
    assert sorted(np.concatenate([rest for _, rest in parts])) == list(range(90))
    for fit, rest in parts:
        assert not set(groups[fit]) & set(groups[rest])
        assert set(labels[fit]) == {0, 1}


def test_without_patients_images_are_held_out():
    labels = np.arange(30) % 3
    parts = calibration.folds(labels, None, seed=0)
    assert [len(rest) for _, rest in parts] == [10, 10, 10]


@pytest.mark.parametrize("count", [1, 2])
def test_a_class_of_few_patients_allows_few_folds(count: int):
    groups = np.array(["a"] * 5 + [f"b{number % count}" for number in range(6)] + ["c"] * 4)
    labels = np.array([0] * 5 + [1] * 6 + [0] * 4)
    assert len(calibration.folds(labels, groups, seed=0)) == (0 if count == 1 else 2)


def test_votes_are_smoothed_and_keep_their_order():
    shares = np.array([[0.0, 1.0], [0.4, 0.6]])
    np.testing.assert_allclose(np.exp(scores.votes(shares, 5)), [[1 / 7, 6 / 7], [3 / 7, 4 / 7]])
    np.testing.assert_allclose(softmax(scores.margins(np.array([2.0])), axis=1), [[1 / (1 + np.e**2), 1 / (1 + np.e**-2)]])
