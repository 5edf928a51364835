"""An ONNX graph of our own, while it is being drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

OPSET, TREE_OPSET, IR = 18, 3, 10


class Sketch:
    """Each method adds to the graph and returns the name of what it adds.

    All goes into one model from the start: what onnx puts together of parts, it copies, weights and all.
    """

    def __init__(self) -> None:
        from onnx import ModelProto

        self._model = ModelProto(ir_version=IR, producer_name="allcore")
        self._graph = self._model.graph
        self._graph.name = "allcore"

    def constant(self, values: Any) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self._graph.initializer)}"
        self._graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def op(self, kind: str, *inputs: str, domain: str = "", outputs: int = 1, **attributes: Any) -> str:
        """A node; the name of its last output."""
        names = [f"{kind.lower()}_{len(self._graph.node)}_{number}" for number in range(outputs)]
        self._node(kind, inputs, names, domain=domain, **attributes)
        return names[-1]

    def cast(self, name: str, kind: type[np.generic]) -> str:
        from onnx import helper

        return self.op("Cast", name, to=helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def named(self, last: str, name: str, kind: str = "Identity", **attributes: Any) -> None:
        """`last`, by a node of this kind, under a name of its own, as an output has it."""
        self._node(kind, [last], [name], **attributes)

    def _node(self, *words: Any, **attributes: Any) -> None:
        from onnx import helper

        self._graph.node.append(helper.make_node(*words, **attributes))

    def model(self, source: onnx.ValueInfoProto, outputs: Mapping[str, Sequence[int]]) -> onnx.ModelProto:
        """The whole: from `source` to float32 outputs, each by its name and the sides that follow the number of samples. The sketch is
        then done with."""
        from onnx import TensorProto, helper

        self._graph.input.append(source)
        for name, sides in outputs.items():
            self._graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, *sides]))
        self._model.opset_import.extend([helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", TREE_OPSET)])
        return self._model
