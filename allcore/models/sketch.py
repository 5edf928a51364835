"""An ONNX graph of our own, while it is being drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import onnx

OPSET, TREE_OPSET, IR = 18, 3, 10


class Numbers(Protocol):
    """A NumPy array, or what becomes one when it is asked: a network's variable."""

    shape: Sequence[int]
    dtype: Any

    def __array__(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Constant:
    """Numbers of a graph, copied once they are written and not before."""

    name: str
    numbers: Numbers
    axes: Sequence[int]
    """Their order in the graph."""

    def array(self) -> np.ndarray:
        return np.asarray(self.numbers).transpose(self.axes)

    def head(self) -> bytes:
        """The message that onnx makes of it, up to the numbers."""
        from onnx import TensorProto, helper

        kind = helper.np_dtype_to_tensor_dtype(np.dtype(self.numbers.dtype))
        told = TensorProto(name=self.name, dims=[self.numbers.shape[axis] for axis in self.axes], data_type=kind)
        return told.SerializeToString() + _before(TensorProto.RAW_DATA_FIELD_NUMBER, self.nbytes)

    @property
    def nbytes(self) -> int:
        return math.prod(self.numbers.shape) * np.dtype(self.numbers.dtype).itemsize


@dataclass(frozen=True)
class Drawing:
    """A finished graph, and apart from it its constants, which are nearly all of its size.

    A protocol buffer copies what it is given, and copies it again to write it: VGG-16's 152 MB took half a gigabyte. So constants go
    straight from where they are into the file, by the format in which such buffers are written.
    """

    model: onnx.ModelProto
    """All but the graph."""
    graph: onnx.GraphProto
    """All but the constants."""
    constants: Sequence[Constant]

    def write(self, path: Path) -> None:
        """As an ONNX file."""
        with open(path, "wb") as file:
            file.writelines(self._parts())

    def content(self) -> bytes:
        """What `write` writes."""
        return b"".join(self._parts())

    def _parts(self) -> Iterator[bytes | memoryview]:
        from onnx import GraphProto, ModelProto

        graph = self.graph.SerializeToString()
        heads = [constant.head() for constant in self.constants]
        sizes = [len(head) + constant.nbytes for head, constant in zip(heads, self.constants, strict=True)]
        before = [_before(GraphProto.INITIALIZER_FIELD_NUMBER, size) for size in sizes]
        yield self.model.SerializeToString()
        yield _before(ModelProto.GRAPH_FIELD_NUMBER, len(graph) + sum(map(len, before)) + sum(sizes))
        yield graph
        for constant, head, opening in zip(self.constants, heads, before, strict=True):
            yield opening + head
            yield np.ascontiguousarray(constant.array()).data


def _before(field: int, length: int) -> bytes:
    """What stands before a field of so many bytes in a protocol buffer: its number and kind, then its length, each as a 'varint'."""
    return _varint(field << 3 | 2) + _varint(length)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that there are more."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


class Sketch:
    """Each method adds to the graph and returns the name of what it adds."""

    def __init__(self) -> None:
        from onnx import GraphProto

        self._graph = GraphProto(name="allcore")
        self._constants: list[Constant] = []

    def constant(self, numbers: Numbers, *, axes: Sequence[int] | None = None) -> str:
        """Numbers that the graph holds, their axes in this order where they are to be turned."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(Constant(name, numbers, tuple(axes or range(len(numbers.shape)))))
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

    def drawing(self, source: onnx.ValueInfoProto, outputs: Mapping[str, Sequence[int]]) -> Drawing:
        """The whole: from `source` to float32 outputs, each by its name and the sides that follow the number of samples. The sketch is
        then done with."""
        from onnx import ModelProto, TensorProto, helper

        self._graph.input.append(source)
        for name, sides in outputs.items():
            self._graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, *sides]))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", TREE_OPSET)]
        return Drawing(ModelProto(ir_version=IR, producer_name="allcore", opset_import=opsets), self._graph, self._constants)
