"""A graph's file, whose constants we write ourselves, is the one that onnx would write."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from allcore.models.sketch import Drawing, Sketch

KINDS = (np.float32, np.float64, np.uint8, np.int64, np.bool_, np.float16)
SOURCE = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])


def drawing(*constants: np.ndarray, axes: tuple[int, ...] | None = None) -> Drawing:
    sketch = Sketch()
    for constant in constants:
        sketch.constant(constant, axes=axes)
    sketch.named("x", "y")
    return sketch.drawing(SOURCE, {"y": [3]})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 3), (5, 0, 2), (127,), (128,), (300, 70)])
def test_a_constant_comes_back_as_it_was(kind: type[np.generic], shape: tuple[int, ...]):
    values = np.random.default_rng(0).integers(0, 2, shape).astype(kind)
    (held,) = onnx.load_from_string(drawing(values).content()).graph.initializer
    found = numpy_helper.to_array(held)
    assert (found.dtype, found.shape) == (values.dtype, values.shape)
    assert np.array_equal(found, values)


def test_it_is_the_message_that_onnx_makes():
    constants = [np.arange(size, dtype=np.float32) for size in (1, 40, 20_000)]
    made = drawing(*constants)
    whole = onnx.ModelProto()
    whole.CopyFrom(made.model)
    whole.graph.CopyFrom(made.graph)
    for number, constant in enumerate(constants):
        whole.graph.initializer.append(numpy_helper.from_array(constant, f"constant_{number}"))
    found = onnx.load_from_string(made.content())
    assert found == whole
    assert len(made.content()) == len(whole.SerializeToString())
    onnx.checker.check_model(found, full_check=True)


def test_axes_are_turned_as_they_are_written():
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    (held,) = onnx.load_from_string(drawing(values, axes=(2, 0, 1)).content()).graph.initializer
    assert np.array_equal(numpy_helper.to_array(held), values.transpose(2, 0, 1))


def test_a_file_holds_the_same_and_is_written_constant_by_constant(tmp_path: Path):
    """What it takes beside them is one of them at most: what a protocol buffer needs for all is several times as much."""
    constants = [np.full((1000, 500), number, np.float32) for number in range(8)]
    made = drawing(*constants, axes=(1, 0))
    tracemalloc.start()
    try:
        made.write(tmp_path / "model.onnx")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * constants[0].nbytes
    assert (tmp_path / "model.onnx").read_bytes() == made.content()
