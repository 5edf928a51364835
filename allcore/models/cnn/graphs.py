"""Networks as ONNX graphs of our own.

Keras's export goes by way of tf2onnx, which copies every weight at each of its many passes: 9 GB and 42 s for VGG-16.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from allcore.base.errors import AllcoreError
from allcore.models.sketch import Drawing, Sketch

if TYPE_CHECKING:
    import keras

INPUT = "images"


def drawn(network: keras.Model, outputs: Mapping[str, keras.KerasTensor]) -> Drawing:
    """From the network's input, uint8 `images` (n, height, width, 3), to some of its tensors, float32, each under its name.

    Within the graph channels come before places, as ONNX has them. Dropout does nothing in an answer and is left out.

    Each layer has been called once. Raises AllcoreError where one is of a kind that no network here has.
    """
    from onnx import TensorProto, helper

    sketch, (start,) = Sketch(), network.inputs
    names = {id(start): sketch.op("Transpose", sketch.cast(INPUT, np.float32), perm=[0, 3, 1, 2])}
    for layer in network.layers[1:]:
        sources = layer.input if isinstance(layer.input, list) else [layer.input]
        names[id(layer.output)] = _layer(sketch, layer, [names[id(source)] for source in sources])
    for name, tensor in outputs.items():
        if len(tensor.shape) == 4:
            sketch.named(names[id(tensor)], name, "Transpose", perm=[0, 2, 3, 1])
        else:
            sketch.named(names[id(tensor)], name)
    source = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, [None, *start.shape[1:]])
    return sketch.drawing(source, {name: tensor.shape[1:] for name, tensor in outputs.items()})


def _layer(sketch: Sketch, layer: keras.Layer, names: list[str]) -> str:
    kind = type(layer).__name__
    if kind not in _KINDS:
        raise _undrawable(f"A layer of kind {kind}")
    return _KINDS[kind](sketch, layer, *names)


def _rescaling(sketch: Sketch, layer: keras.layers.Rescaling, x: str) -> str:
    scale, offset = (np.reshape(np.asarray(value, np.float32), (-1, 1, 1)) for value in (layer.scale, layer.offset))
    return sketch.op("Add", sketch.op("Mul", x, sketch.constant(scale)), sketch.constant(offset))


def _convolution(sketch: Sketch, layer: keras.layers.Conv2D, x: str) -> str:
    kernel = sketch.constant(layer.kernel, axes=(3, 2, 0, 1))
    reach = [(size - 1) * gap + 1 for size, gap in zip(layer.kernel_size, layer.dilation_rate, strict=True)]
    how = {"strides": layer.strides, "dilations": layer.dilation_rate, "group": layer.groups, "pads": _pads(layer, reach)}
    x = sketch.op("Conv", x, kernel, *_bias(sketch, layer), **how)
    return _activated(sketch, layer.activation, x)


def _bias(sketch: Sketch, layer: Any) -> list[str]:
    return [sketch.constant(layer.bias)] if layer.use_bias else []


def _normalisation(sketch: Sketch, layer: keras.layers.BatchNormalization, x: str) -> str:
    mean, variance = layer.moving_mean, layer.moving_variance
    scale = layer.gamma if layer.scale else np.ones(mean.shape, np.float32)
    offset = layer.beta if layer.center else np.zeros(mean.shape, np.float32)
    return sketch.op("BatchNormalization", x, *map(sketch.constant, (scale, offset, mean, variance)), epsilon=layer.epsilon)


def _pooling(sketch: Sketch, layer: keras.layers.MaxPooling2D | keras.layers.AveragePooling2D, x: str) -> str:
    kind = {"MaxPooling2D": "MaxPool", "AveragePooling2D": "AveragePool"}[type(layer).__name__]
    return sketch.op(kind, x, kernel_shape=layer.pool_size, strides=layer.strides, pads=_pads(layer, layer.pool_size))


def _pads(layer: Any, reach: Sequence[int]) -> list[int]:
    """Of a layer whose filter reaches over so many places down and across: what it adds above, left, below and right (Keras's `padding`).
    Of an odd number the last side gets one more."""
    if layer.padding == "valid":
        return [0, 0, 0, 0]
    sides = zip(layer.input.shape[1:3], layer.strides, reach, strict=True)
    missing = [max(0, (-(-side // stride) - 1) * stride + wide - side) for side, stride, wide in sides]
    return [*(lack // 2 for lack in missing), *(lack - lack // 2 for lack in missing)]


def _border(sketch: Sketch, layer: keras.layers.ZeroPadding2D, x: str) -> str:
    (top, bottom), (left, right) = layer.padding
    return sketch.op("Pad", x, sketch.constant(np.array([0, 0, top, left, 0, 0, bottom, right])))


def _flat(sketch: Sketch, layer: keras.layers.Flatten, x: str) -> str:
    """In Keras's order, channels last."""
    return sketch.op("Flatten", sketch.op("Transpose", x, perm=[0, 2, 3, 1]))


def _dense(sketch: Sketch, layer: keras.layers.Dense, x: str) -> str:
    x = sketch.op("Gemm", x, sketch.constant(layer.kernel), *_bias(sketch, layer))
    return _activated(sketch, layer.activation, x)


def _activated(sketch: Sketch, activation: Callable[..., Any], x: str) -> str:
    match activation.__name__:
        case "linear":
            return x
        case "relu":
            return sketch.op("Relu", x)
        case "softmax":
            return sketch.op("Softmax", x, axis=1)
        case other:
            raise _undrawable(f"The activation {other}")


def _undrawable(what: str) -> AllcoreError:
    return AllcoreError(
        f"{what} can't be drawn as an ONNX graph yet.",
        f"Say how in {__name__}, and resume: what was trained is kept.",
    )


_KINDS: dict[str, Callable[..., str]] = {
    "Rescaling": _rescaling,
    "Conv2D": _convolution,
    "BatchNormalization": _normalisation,
    "MaxPooling2D": _pooling,
    "AveragePooling2D": _pooling,
    "ZeroPadding2D": _border,
    "Flatten": _flat,
    "Dense": _dense,
    "ReLU": lambda sketch, layer, x: sketch.op("Relu", x),
    "Activation": lambda sketch, layer, x: _activated(sketch, layer.activation, x),
    "Add": lambda sketch, layer, *names: sketch.op("Add", *names),
    "GlobalAveragePooling2D": lambda sketch, layer, x: sketch.op("Flatten", sketch.op("GlobalAveragePool", x)),
    "Dropout": lambda sketch, layer, x: x,
}
