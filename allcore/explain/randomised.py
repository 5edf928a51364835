"""A run's model with everything that it learned shuffled: the same architecture, and no knowledge (Adebayo et al. 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from allcore.base.errors import AllcoreError
from allcore.base.paths import JobPaths
from allcore.inference import served
from allcore.inference.served import ServedModel

if TYPE_CHECKING:
    import onnx

SEED = 0


def load(paths: JobPaths) -> ServedModel:
    """The shuffled model of a run, which is fed as the run's own. Raises NotFound, and AllcoreError where nothing can be shuffled."""
    return served.load(paths, altered=graph)


def graph(content: bytes, *, seed: int = SEED) -> bytes:
    """An ONNX graph with the numbers of each learned tensor in another order; their distribution stays.

    Learned are: weights and offsets of convolutions and dense layers; what batch norms learned, and averaged; in our classifiers' graphs,
    weights that are cast before a product (constants that stand in float64 are fixed), the classes of references, trees' questions and
    leaves.
    Features (components, means) stay: they know no class.

    Raises AllcoreError where the graph has none of these.
    """
    import onnx
    from onnx import TensorProto, numpy_helper

    model = onnx.load_from_string(content)
    rng = np.random.default_rng(seed)
    tensors = {one.name: one for one in model.graph.initializer}
    cast = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Cast" and node.input[0] in tensors}
    learned: dict[str, bool] = {}
    """Names, and whether whole rows are shuffled and not single numbers."""
    shuffled = 0
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm", "BatchNormalization"):
            learned |= dict.fromkeys((name for name in node.input[1:] if name in tensors), False)
        elif node.op_type == "MatMul":
            learned |= {cast[name]: False for name in node.input if name in cast}
            learned |= {name: False for name in node.input if name in tensors and tensors[name].data_type == TensorProto.FLOAT}
        elif node.op_type == "Gather" and node.input[0] in tensors and len(tensors[node.input[0]].dims) == 2:
            learned[node.input[0]] = True
        elif node.op_type.startswith("TreeEnsemble"):
            _shuffle_trees(node, rng)
            shuffled += 1
    for name, rows in learned.items():
        values = numpy_helper.to_array(tensors[name])
        values = rng.permutation(values) if rows else rng.permutation(values.ravel()).reshape(values.shape)
        tensors[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), name))
        shuffled += 1
    if not shuffled:
        raise AllcoreError("This model's graph holds nothing that was learned, so its heat maps can't be checked.")
    return model.SerializeToString()


def _shuffle_trees(node: onnx.NodeProto, rng: np.random.Generator) -> None:
    """Questions go to other branches, what is said at a leaf to other leaves; the trees keep their shape."""
    named = {one.name: one for one in node.attribute}
    branches = np.flatnonzero([mode != b"LEAF" for mode in named["nodes_modes"].strings])
    order = rng.permutation(branches)
    for field in (named["nodes_featureids"].ints, named["nodes_values"].floats):
        before = np.array(field)
        for place, value in zip(branches, before[order], strict=True):
            field[place] = value.item()
    said = rng.permutation(len(named["class_weights"].floats))
    for field in (named["class_weights"].floats, named["class_ids"].ints):
        field[:] = [field[place] for place in said]
