"""A shuffled model keeps its shape and its numbers, and knows nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from allcore.base.errors import AllcoreError
from allcore.base.paths import JobPaths
from allcore.explain import randomised
from allcore.inference import served

from .conftest import SIZE, dense, edges, graph

WEIGHTS = np.random.default_rng(0).normal(0, 1, (SIZE, SIZE, 3, 2))


def tensor(content: bytes, name: str) -> np.ndarray:
    return next(numpy_helper.to_array(one) for one in onnx.load_from_string(content).graph.initializer if one.name == name)


@pytest.mark.parametrize(("content", "name"), [(dense(WEIGHTS), "weights"), (edges(), "filter")], ids=["dense", "convolution"])
def test_weights_are_the_same_numbers_in_another_order(content: bytes, name: str):
    before, after = tensor(content, name), tensor(randomised.graph(content), name)
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(np.sort(before.ravel()), np.sort(after.ravel()))
    assert tensor(randomised.graph(content), "most") == 255


def test_batch_norms_are_shuffled_too():
    names = ["scale", "offset", "mean", "variance"]
    nodes = [
        helper.make_node("BatchNormalization", ["planes", *names], ["normal"]),
        helper.make_node("ReduceMean", ["normal", "axes"], ["scores"], keepdims=0),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
    ]
    learned = {name: np.float32([1, 2, 3]) + place for place, name in enumerate(names)}
    content = graph(nodes, {**learned, "axes": np.array([2, 3])}, {"probabilities": [None, 3]})
    after = [tensor(randomised.graph(content), name) for name in names]
    assert any(not np.array_equal(one, other) for one, other in zip(after, learned.values(), strict=True))
    assert all(sorted(one) == list(other) for one, other in zip(after, learned.values(), strict=True))


def test_the_seed_decides():
    content = dense(WEIGHTS)
    assert randomised.graph(content) == randomised.graph(content)
    assert randomised.graph(content) != randomised.graph(content, seed=1)


def test_a_graph_that_learned_nothing_is_told():
    nodes = [
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        helper.make_node("Softmax", ["mean"], ["probabilities"]),
    ]
    content = graph(nodes, {"axes": np.array([1, 2])}, {"probabilities": [None, 3]})
    with pytest.raises(AllcoreError, match="nothing that was learned"):
        randomised.graph(content)


def test_trees_keep_their_shape(forest: JobPaths):
    content = forest.onnx.read_bytes()

    def fields(of: bytes) -> dict:
        node = next(node for node in onnx.load_from_string(of).graph.node if node.op_type.startswith("TreeEnsemble"))
        return {one.name: helper.get_attribute_value(one) for one in node.attribute}

    before, after = fields(content), fields(randomised.graph(content))
    changed = {name for name in before if list(np.atleast_1d(before[name])) != list(np.atleast_1d(after[name]))}
    assert {"nodes_featureids", "nodes_values", "class_weights"} <= changed
    assert changed <= {"nodes_featureids", "nodes_values", "class_weights", "class_ids"}

    def questions(of: dict) -> list:
        rows = zip(of["nodes_modes"], of["nodes_featureids"], of["nodes_values"], strict=True)
        return sorted((feature, value) for mode, feature, value in rows if mode != b"LEAF")

    assert questions(before) == questions(after)


def test_the_shuffled_model_of_a_run_answers(forest: JobPaths):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    shuffled = randomised.load(forest)
    found = shuffled.answer(pictures).probabilities
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert shuffled.card == served.read_card(forest)


def test_a_network_shows_its_inner_maps_only_when_asked(finished: Callable[[str], JobPaths]):
    paths = finished("proposed_cnn")
    model = served.load(paths)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    maps = model.activations(pictures)
    assert maps.shape == (2, 8, 8, 32)
    assert np.isfinite(maps).all()
    asked: list[list[str]] = []

    class Watched:
        def run(self, outputs, feed, _real=model._session):
            asked.append(outputs)
            return _real.run(outputs, feed)

    model._session = Watched()
    model.answer(pictures)
    assert asked == [["probabilities", "embedding"]]
