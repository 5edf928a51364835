"""What is computed faster is what scikit-learn computes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from allcore.models.classical.estimators import distances, neighbours
from allcore.models.classical.estimators.neighbours import Neighbours
from allcore.models.classical.estimators.perceptron import BalancedPerceptron
from allcore.models.classical.estimators.rotated import Rotated
from allcore.models.classical.estimators.support_vectors import SupportVectors

FEW, MANY = 30, 2500


def drawn(classes: int, length: int, *, count: int = 260, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """float32 vectors that are bytes / 255, and labels; classes overlap."""
    values, labels = make_classification(
        count, length, n_informative=12, n_redundant=0, n_classes=classes, class_sep=0.7, flip_y=0.1, random_state=seed
    )
    return np.rint(np.clip(values * 30 + 128, 0, 255)).astype(np.float32) / np.float32(255), labels


@pytest.mark.parametrize("length", [FEW, MANY])
def test_distances_of_pixels_are_exact(length: int):
    dice = np.random.default_rng(1)
    left, right = (dice.integers(0, 256, (rows, length), dtype=np.uint8) for rows in (1500, 40))
    wanted = ((left[:50, None].astype(int) - right[None].astype(int)) ** 2).sum(axis=2)
    np.testing.assert_array_equal(distances.squared(left, right)[:50], wanted / 255**2)
    alone = np.concatenate([distances.squared(left[row : row + 1], right) for row in range(20)])
    np.testing.assert_array_equal(alone, distances.squared(left, right)[:20])
    own = distances.squared(left, left)  # more rows than are done at once, mirrored
    np.testing.assert_array_equal(own, own.T)
    np.testing.assert_array_equal(own, distances.squared(left, left.copy()))
    assert not own.diagonal().any()


def test_the_largest_distance_there_can_be_is_exact():
    black, white = np.zeros((2, 224 * 224 * 3), np.uint8), np.full((2, 224 * 224 * 3), 255, np.uint8)
    assert (distances.squared(black, white) == 224 * 224 * 3).all()


def test_distances_of_other_vectors_are_scikit_learns():
    left, right = np.random.default_rng(2).normal(size=(2, 50, 20))
    np.testing.assert_allclose(distances.squared(left, right), euclidean_distances(left, right, squared=True), atol=1e-12)


@pytest.mark.parametrize("count", [1, 3, 7])
def test_of_equally_near_ones_the_first_vote(count: int):
    squared = np.random.default_rng(3).integers(0, 4, (200, 30)).astype(float)
    wanted = np.zeros(squared.shape, bool)
    np.put_along_axis(wanted, np.argsort(squared, axis=1, kind="stable")[:, :count], True, axis=1)
    np.testing.assert_array_equal(neighbours.nearest(squared, count), wanted)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("length", [FEW, MANY])
def test_neighbours_are_scikit_learns(length: int, classes: int, whole: bool):
    vectors, labels = drawn(classes, length)
    ours = Neighbours(5, whole=whole).fit(vectors[:200], labels[:200])
    plain = KNeighborsClassifier(5, algorithm="brute").fit(vectors[:200], labels[:200])
    np.testing.assert_allclose(ours.predict_proba(vectors), plain.predict_proba(vectors), atol=1e-12)


def test_where_there_are_fewer_all_vote():
    vectors, labels = drawn(2, FEW)
    found = Neighbours(50).fit(vectors[:8], labels[:8]).predict_proba(vectors)
    np.testing.assert_allclose(found, np.broadcast_to(np.bincount(labels[:8]) / 8, found.shape))


@pytest.mark.parametrize("weights", [None, "balanced"])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_support_vectors_are_scikit_learns(classes: int, whole: bool, weights: str | None):
    vectors, labels = drawn(classes, MANY)
    ours = SupportVectors(C=2.0, class_weight=weights, whole=whole).fit(vectors[:200], labels[:200])
    plain = SVC(C=2.0, class_weight=weights).fit(vectors[:200], labels[:200])
    np.testing.assert_allclose(ours.decision_function(vectors), plain.decision_function(vectors), atol=1e-4)
    np.testing.assert_array_equal(ours.predict(vectors), plain.predict(vectors))
    assert len(ours.vectors_) == len(plain.support_)
    assert ours.converged_
    assert ours.gamma_ == pytest.approx(plain._gamma, rel=1e-5)


def test_a_bound_on_steps_is_told():
    vectors, labels = drawn(2, FEW)
    with pytest.warns(match="terminated early"):
        assert not SupportVectors(iterations=3).fit(vectors, labels).converged_


def test_equal_vectors_have_a_kernel_too():
    found = SupportVectors(whole=True).fit(np.zeros((6, 12), np.float32), np.arange(6) % 2)
    assert np.isfinite(found.decision_function(np.ones((3, 12), np.float32))).all()


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("whole", [True, False])
def test_rotation_loses_nothing(classes: int, whole: bool):
    vectors, labels = drawn(classes, MANY)
    plain = LogisticRegression(C=0.1, tol=1e-8, max_iter=5000)
    ours = Rotated(plain, centred=True, whole=whole).fit(vectors[:200].astype(np.float64), labels[:200])
    plain.fit(vectors[:200].astype(np.float64), labels[:200])
    decided = plain.decision_function(vectors)
    np.testing.assert_allclose(ours.decision_function(vectors), decided, atol=1e-3 * np.abs(decided).max())
    np.testing.assert_array_equal(ours.predict(vectors), plain.predict(vectors))


def test_a_descent_takes_the_same_steps_in_rotated_dimensions():
    vectors, labels = drawn(3, MANY)
    plain = SGDClassifier(random_state=4)
    ours = Rotated(plain, whole=True).fit(vectors[:200], labels[:200])
    plain.fit(vectors[:200], labels[:200])
    assert ours.n_iter_ == plain.n_iter_
    decided = plain.decision_function(vectors)
    np.testing.assert_allclose(ours.decision_function(vectors), decided, atol=1e-3 * np.abs(decided).max())


def test_with_more_images_than_features_nothing_is_rotated():
    vectors, labels = drawn(2, FEW)
    plain = SGDClassifier(random_state=4)
    ours = Rotated(plain).fit(vectors, labels)
    np.testing.assert_array_equal(ours.coef_, plain.fit(vectors, labels).coef_)


def test_equal_images_do_not_stop_a_rotation():
    vectors, labels = drawn(2, MANY, count=40)
    doubled = np.concatenate([vectors, vectors])
    found = Rotated(LogisticRegression(), centred=True, whole=True).fit(doubled, np.concatenate([labels, labels]))
    assert (found.predict(vectors) == labels).mean() > 0.9


def test_a_balanced_perceptron_hears_the_rare_class():
    vectors, labels = drawn(2, FEW, count=600)
    rare = np.flatnonzero((labels == 0) | (np.arange(600) % 8 == 0))
    plain, balanced = (
        kind(hidden_layer_sizes=(4,), alpha=1.0, max_iter=400, random_state=0).fit(vectors[rare], labels[rare])
        for kind in (MLPClassifier, BalancedPerceptron)
    )
    assert (balanced.predict(vectors) == 1).sum() > 1.3 * (plain.predict(vectors) == 1).sum()
