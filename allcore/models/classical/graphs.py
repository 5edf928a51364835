"""Classifiers as ONNX graphs of our own: from a float32 feature vector to probabilities, computed in float64 in between."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from allcore.models.classical import scores
from allcore.models.classical.estimators import distances
from allcore.models.sketch import OPSET, TREE_OPSET, Drawing, Sketch

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

    from allcore.models.classical.estimators.neighbours import Neighbours
    from allcore.models.classical.estimators.support_vectors import SupportVectors

INPUT, OUTPUT = "features", "probabilities"
_MOST_COLUMNS = (2**31 - 1) // distances.LEVELS**2
"""Products of bytes add up within 32 bits over so many; wider vectors are taken in parts."""


def whole(sketch: Sketch, last: str, *, length: int, classes: int) -> Drawing:
    """INPUT float32 (n, length) to OUTPUT float32 (n, classes), which is `last`, float64, rounded."""
    from onnx import TensorProto, helper

    sketch.named(last, OUTPUT, "Cast", to=TensorProto.FLOAT)
    return sketch.drawing(helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, length]), {OUTPUT: [classes]})


def standardised(sketch: Sketch, x: str, mean: np.ndarray, scale: np.ndarray) -> str:
    return sketch.op("Div", sketch.op("Sub", x, sketch.constant(mean)), sketch.constant(scale))


def probabilities(sketch: Sketch, scores: str, temperature: float) -> str:
    return sketch.op("Softmax", sketch.op("Div", scores, sketch.constant(np.float64(temperature))), axis=1)


def linear(sketch: Sketch, x: str, weights: np.ndarray, offsets: np.ndarray) -> str:
    """x @ weights + offsets, for weights (d, outputs) of either precision."""
    product = sketch.op("MatMul", x, sketch.cast(sketch.constant(weights), np.float64))
    return sketch.op("Add", product, sketch.constant(offsets.astype(np.float64)))


def margins(sketch: Sketch, decided: str, columns: int) -> str:
    """As `scores.margins`, of decisions (n, columns)."""
    if columns > 1:
        return decided
    return sketch.op("MatMul", decided, sketch.constant(np.array([[-0.5, 0.5]])))


def votes(sketch: Sketch, shares: str, voters: int, classes: int) -> str:
    """As `scores.votes`."""
    parts = sketch.op("Round", sketch.op("Mul", shares, sketch.constant(np.float64(voters * scores.PARTS))))
    counted = sketch.op("Add", sketch.op("Div", parts, sketch.constant(np.float64(scores.PARTS))), sketch.constant(np.float64(1)))
    return sketch.op("Log", sketch.op("Div", counted, sketch.constant(np.float64(voters + classes))))


def forest(sketch: Sketch, x: str, fitted: RandomForestClassifier) -> str:
    """Shares of the trees' votes. The trees are skl2onnx's; their questions are asked in float32, as scikit-learn asks them."""
    import onnx
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    converted = to_onnx(
        fitted,
        initial_types=[(INPUT, FloatTensorType([None, fitted.n_features_in_]))],
        options={"zipmap": False},
        target_opset={"": OPSET, "ai.onnx.ml": TREE_OPSET},
    )
    trees = next(node for node in converted.graph.node if node.op_type == "TreeEnsembleClassifier")
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in trees.attribute}
    shares = sketch.op("TreeEnsembleClassifier", sketch.cast(x, np.float32), domain="ai.onnx.ml", outputs=2, **attributes)
    return sketch.cast(shares, np.float64)


def squared(sketch: Sketch, x: str, references: np.ndarray) -> str:
    """As `distances.squared`, to references (m, d)."""
    norms = np.einsum("ij,ij->i", references.astype(np.float64), references.astype(np.float64))
    if references.dtype == np.uint8:
        x = sketch.op("Round", sketch.op("Mul", x, sketch.constant(np.float64(distances.LEVELS))))
        products = _whole_products(sketch, x, references)
    else:
        products = sketch.op("MatMul", x, sketch.constant(references.T))
    own = sketch.op("ReduceSumSquare", x, sketch.constant(np.array([1])), keepdims=1)
    twice = sketch.op("Mul", products, sketch.constant(np.float64(-2)))
    found = sketch.op("Add", sketch.op("Add", twice, own), sketch.constant(norms))
    if references.dtype == np.uint8:
        return sketch.op("Div", found, sketch.constant(np.float64(distances.LEVELS**2)))
    return sketch.op("Max", found, sketch.constant(np.float64(0)))


def _whole_products(sketch: Sketch, x: str, references: np.ndarray) -> str:
    """x @ references.T in whole numbers, for uint8 references and x whole from 0 to 255."""
    asked = sketch.cast(x, np.uint8)
    total = ""
    for start in range(0, references.shape[1], _MOST_COLUMNS):
        part, columns = asked, references[:, start : start + _MOST_COLUMNS]
        if references.shape[1] > _MOST_COLUMNS:
            ends = (np.array([value]) for value in (start, start + columns.shape[1], 1))
            part = sketch.op("Slice", asked, *(sketch.constant(value) for value in ends))
        product = sketch.cast(sketch.op("MatMulInteger", part, sketch.constant(columns.T)), np.float64)
        total = sketch.op("Add", total, product) if total else product
    return total


def neighbours(sketch: Sketch, x: str, fitted: Neighbours) -> str:
    """Shares of the nearest references' votes."""
    count = sketch.constant(np.array([fitted.voters_]))
    near = sketch.op("TopK", squared(sketch, x, fitted.vectors_), count, outputs=2, axis=1, largest=0)
    members = sketch.constant(np.eye(len(fitted.classes_))[fitted.labels_])
    return sketch.op("ReduceMean", sketch.op("Gather", members, near, axis=0), sketch.constant(np.array([1])), keepdims=0)


def support_vectors(sketch: Sketch, x: str, fitted: SupportVectors) -> str:
    """As its `decision_function`, (n, 1) for two classes."""
    exponents = sketch.op("Mul", squared(sketch, x, fitted.vectors_), sketch.constant(np.float64(-fitted.gamma_)))
    pairs = linear(sketch, sketch.op("Exp", exponents), fitted.weights_, fitted.offsets_)
    classes = len(fitted.classes_)
    return sketch.op("Neg", pairs) if classes == 2 else _ranked(sketch, pairs, classes)


def _ranked(sketch: Sketch, pairs: str, classes: int) -> str:
    """As `support_vectors.ranked`."""
    sign = np.zeros((classes * (classes - 1) // 2, classes))
    for row, (first, second) in enumerate(combinations(range(classes), 2)):
        sign[row, first], sign[row, second] = 1, -1
    first = sketch.cast(sketch.op("Greater", pairs, sketch.constant(np.float64(0))), np.float64)
    second = sketch.op("Sub", sketch.constant(np.float64(1)), first)
    won = sketch.op(
        "Add",
        sketch.op("MatMul", first, sketch.constant((sign > 0).astype(float))),
        sketch.op("MatMul", second, sketch.constant((sign < 0).astype(float))),
    )
    sums = sketch.op("MatMul", pairs, sketch.constant(sign))
    beyond = sketch.op("Add", sketch.op("Abs", sums), sketch.constant(np.float64(1)))
    return sketch.op("Add", won, sketch.op("Div", sums, sketch.op("Mul", beyond, sketch.constant(np.float64(3)))))


def perceptron(sketch: Sketch, x: str, weights: list[np.ndarray], offsets: list[np.ndarray]) -> str:
    """Layers with ReLU between them; what the last one says before its logistic function or softmax."""
    for layer, (weight, offset) in enumerate(zip(weights, offsets, strict=True)):
        x = linear(sketch, sketch.op("Relu", x) if layer else x, weight, offset)
    return x
