"""Small models made by hand, whose every reason is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from allcore.inference.served import ServedCard, ServedModel

SIZE = 20
CLASSES = ("healthy", "leukemia")


def graph(nodes: list[Any], constants: dict[str, np.ndarray], outputs: dict[str, list[Any]]) -> bytes:
    """An ONNX graph of uint8 `images` (n, 20, 20, 3), which stand as float32 from 0 to 1 in `x`, and as (n, 3, 20, 20) in `planes`."""
    before = [
        helper.make_node("Cast", ["images"], ["whole"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["whole", "most"], ["x"]),
        helper.make_node("Transpose", ["x"], ["planes"], perm=[0, 3, 1, 2]),
    ]
    made = helper.make_graph(
        [*before, *nodes],
        "by-hand",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, [None, SIZE, SIZE, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in {"most": np.float32(255), **constants}.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()


def dense(weights: np.ndarray, *, inner: bool = False) -> bytes:
    """softmax(pixels @ weights), weights (20, 20, 3, 2); with `inner` it shows the red and the blue plane as inner maps."""
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
        helper.make_node("Identity", ["flat"], ["embedding"]),
        helper.make_node("Gather", ["x", "red_and_blue"], ["activations"], axis=3),
    ]
    outputs = {"probabilities": [None, 2], "embedding": [None, SIZE * SIZE * 3]}
    if inner:
        outputs["activations"] = [None, SIZE, SIZE, 2]
    constants = {"weights": weights.reshape(-1, 2).astype(np.float32), "red_and_blue": np.array([0, 2])}
    return graph(nodes if inner else nodes[:-1], constants, outputs)


def edges() -> bytes:
    """How strong the edges in the middle are, whoever it was taught by: its filter, +1 beside -1, is an edge detector in any order."""
    nodes = [
        helper.make_node("Conv", ["planes", "filter"], ["slopes"], kernel_shape=[1, 2]),
        helper.make_node("Abs", ["slopes"], ["edges"]),
        helper.make_node("Flatten", ["edges"], ["embedding"]),
        helper.make_node("ReduceMean", ["embedding", "axis"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "both"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
    ]
    kernel = np.broadcast_to(np.array([1, -1], np.float32), (1, 3, 1, 2)) / 3
    constants = {"filter": np.ascontiguousarray(kernel), "axis": np.array([1]), "both": np.array([[0, 40]], np.float32)}
    return graph(nodes, constants, {"probabilities": [None, 2], "embedding": [None, SIZE * (SIZE - 1)]})


@pytest.fixture
def loaded() -> Callable[[bytes], ServedModel]:
    """A graph made by hand as a model that answers."""
    card = ServedCard(
        run="by-hand",
        model="proposed_cnn",
        family="cnn",
        class_names=CLASSES,
        positive="leukemia",
        input_size=SIZE,
        transform="",
        features="",
        data="",
        synthetic=True,
    )
    return lambda content: ServedModel(card, content, None, threads=1)


@pytest.fixture
def photograph() -> np.ndarray:
    """Noise without an outline."""
    return np.random.default_rng(0).integers(30, 256, (SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture
def cut_out() -> np.ndarray:
    """A spotted disc of radius 6 on black."""
    y, x = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    spots = np.random.default_rng(1).integers(90, 220, (SIZE, SIZE, 3), dtype=np.uint8)
    return spots * (np.hypot(x, y) < 6)[..., None].astype(np.uint8)
