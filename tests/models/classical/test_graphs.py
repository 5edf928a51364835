"""A graph answers as its classifier does, whatever the features and however many classes."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from allcore.models import features, registry
from allcore.models.classical import fitted, graphs
from allcore.models.classical.fitted import Fitted
from allcore.models.sketch import Sketch
from allcore.models.spec import CLASSICAL

MODELS = [card.id for card in registry.cards() if card.family == CLASSICAL]
SHORT = {"trees": 20, "max_passes": 5, "max_steps": 20}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """90 images of 16 pixels a side whose brightness grows with their number; some are equal."""
    dice = np.random.default_rng(0)
    made = dice.integers(0, 120, (90, 16, 16, 3)) + np.arange(90)[:, None, None, None]
    made[80:] = made[70:80]
    return made.astype(np.uint8)


def answered(classifier: Fitted, vectors: np.ndarray) -> np.ndarray:
    graph = classifier.graph(vectors.shape[1]).content()
    onnx.checker.check_model(onnx.load_from_string(graph), full_check=True)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run([graphs.OUTPUT], {graphs.INPUT: vectors})[0]


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("kind", features.KINDS)
@pytest.mark.parametrize("model", MODELS)
def test_its_graph_is_the_model(model: str, kind: str, classes: int, images: np.ndarray):
    card = registry.card(model)
    knobs = {knob.name for knob in card.knobs}
    settings = card.settings(card.presets[0], {"features": kind, **{name: value for name, value in SHORT.items() if name in knobs}})
    made = features.fitted(kind, images, components=8, seed=0)
    vectors, labels = made.of(images), np.arange(90) * classes // 90
    labels[::7] = (labels[::7] + 1) % classes
    classifier = fitted.fit(model, settings, vectors, labels, seed=0)
    wanted = classifier.probabilities(vectors)
    assert wanted.shape == (90, classes)
    np.testing.assert_allclose(wanted.sum(axis=1), 1, atol=1e-12)
    assert np.ptp(wanted, axis=0).max() > 0.05  # it tells images apart
    found = answered(classifier, vectors)
    np.testing.assert_allclose(found, wanted, atol=2e-6)
    np.testing.assert_allclose(answered(classifier, vectors[3:4]), found[3:4], atol=1e-6)


def test_more_pixels_than_32_bits_hold_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch, images: np.ndarray):
    monkeypatch.setattr(graphs, "_MOST_COLUMNS", 100)
    card = registry.card("knn")
    vectors, labels = features.fitted(features.PIXELS, images, components=8, seed=0).of(images), np.arange(90) // 45
    classifier = fitted.fit("knn", card.settings(card.preset("paper"), {}), vectors, labels, seed=0)
    np.testing.assert_allclose(answered(classifier, vectors), classifier.probabilities(vectors), atol=1e-7)


def test_white_images_of_the_largest_size_do_not_overflow():
    length = 224 * 224 * 3
    sketch = Sketch()
    references = np.array([[255], [0]], np.uint8).repeat(length, axis=1)
    squared = graphs.squared(sketch, sketch.cast(graphs.INPUT, np.float64), references)
    graph = graphs.whole(sketch, squared, length=length, classes=2).content()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    found = session.run(None, {graphs.INPUT: np.ones((1, length), np.float32)})[0]
    np.testing.assert_array_equal(found, [[0, length]])


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("model", ["knn", "svm"])
def test_over_the_pixels_of_the_papers_training_side_it_stays_below_200_megabytes(model: str, classes: int):
    """Images that nobody could tell apart, so that all of them are support vectors: the largest graph that there can be."""
    dice = np.random.default_rng(0)
    images, sizes = dice.integers(0, 256, (120, 70, 70, 3), dtype=np.uint8), []
    card = registry.card(model)
    vectors = features.fitted(features.PIXELS, images, components=8, seed=0).of(images)
    for count in (60, 120):
        classifier = fitted.fit(model, card.settings(card.preset("paper"), {}), vectors[:count], np.arange(count) % classes, seed=0)
        sizes.append(len(classifier.graph(vectors.shape[1]).content()))
    of_one = (sizes[1] - sizes[0]) / 60
    assert of_one >= 70 * 70 * 3
    assert sizes[0] + (10_022 - 60) * of_one < 200_000_000


def test_a_temperature_changes_sureness_and_no_class(images: np.ndarray):
    card = registry.card("svm")
    vectors, labels = features.fitted(features.PIXELS, images, components=8, seed=0).of(images), np.arange(90) * 3 // 90
    plain = fitted.fit("svm", card.settings(card.preset("paper"), {}), vectors, labels, seed=0)
    mild = Fitted("svm", None, plain.estimator, temperature=3.0)
    np.testing.assert_array_equal(mild.probabilities(vectors).argmax(1), plain.probabilities(vectors).argmax(1))
    assert mild.probabilities(vectors).max() < plain.probabilities(vectors).max()
    np.testing.assert_allclose(answered(mild, vectors), mild.probabilities(vectors), atol=2e-6)


@pytest.mark.parametrize("leaf", [1, 2])
def test_a_tied_vote_is_tied_in_the_graph_too(leaf: int, images: np.ndarray):
    """A hundred votes of 0.01 in float32 are not one; whoever takes the first of equal classes must find them equal on both sides."""
    card = registry.card("random_forest")
    vectors = features.fitted(features.PIXELS, images, components=8, seed=0).of(images)
    dice = np.random.default_rng(3)
    labels = dice.integers(0, 2, 90)  # nothing to learn, so that the trees disagree
    settings = card.settings(card.preset("paper"), {"trees": 100, "min_leaf": leaf, "class_weights": False})
    classifier = fitted.fit("random_forest", settings, vectors, labels, seed=0)
    asked = dice.random((2000, vectors.shape[1]), np.float32)
    wanted, found = classifier.probabilities(asked), answered(classifier, asked)
    assert (np.diff(wanted, axis=1) == 0).any()
    np.testing.assert_array_equal(found.argmax(axis=1), wanted.argmax(axis=1))
