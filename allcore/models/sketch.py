"""An ONNX graph of our own, while it is being drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

OPSET, TREE_OPSET, IR = 18, 3, 10


class Sketch:
    """Each method adds to the graph and returns the name of what it adds."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, values: Any) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def op(self, kind: str, *inputs: str, domain: str = "", outputs: int = 1, **attributes: Any) -> str:
        """A node; the name of its last output."""
        from onnx import helper

        names = [f"{kind.lower()}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names[-1]

    def cast(self, name: str, kind: type[np.generic]) -> str:
        from onnx import helper

        return self.op("Cast", name, to=helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def named(self, last: str, name: str, kind: str = "Identity", **attributes: Any) -> None:
        """`last`, by a node of this kind, under a name of its own, as an output has it."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, [last], [name], **attributes))

    def model(self, source: onnx.ValueInfoProto, outputs: Mapping[str, Sequence[int]]) -> onnx.ModelProto:
        """The whole: from `source` to float32 outputs, each by its name and the sides that follow the number of samples."""
        from onnx import TensorProto, helper

        told = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, *sides]) for name, sides in outputs.items()]
        graph = helper.make_graph(self.nodes, "allcore", [source], told, self.constants)
        imports = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", TREE_OPSET)]
        return helper.make_model(graph, opset_imports=imports, ir_version=IR, producer_name="allcore")
