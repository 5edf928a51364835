"""Starting from weights that were learnt on the photographs of ImageNet."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allcore.base.errors import BadInput
from allcore.models.cnn import knobs

if TYPE_CHECKING:
    import keras

MEAN_RGB = (123.68, 116.779, 103.939)
"""Mean of ImageNet's pixels, which those who trained ResNet-50 and VGG-16 took off (Simonyan & Zisserman 2015)."""


def weights_file(settings: Mapping[str, Any], default: str) -> Path:
    """The file that a training from ImageNet's weights would read.

    Raises BadInput where it is not there: nothing is fetched in the midst of a job.
    """
    named = settings["weights_file"]
    path = Path(named).expanduser() if named else _keras_cache() / default
    if not path.is_file():
        raise BadInput(
            f"start can't be 'imagenet': there is no file of weights at {path}.",
            f"Fetch {default} from Keras's applications on a machine with a network, put it there or name it as weights_file.",
        )
    return path


def _keras_cache() -> Path:
    """Where `keras.utils.get_file` keeps models."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"


def scaled(images: keras.KerasTensor, start: str) -> keras.KerasTensor:
    """uint8 pixels as the weights expect them: 0 to 1 from scratch, less ImageNet's mean otherwise."""
    from keras import layers

    if start == knobs.IMAGENET:
        return layers.Rescaling(1.0, offset=[-mean for mean in MEAN_RGB])(images)
    return layers.Rescaling(1 / 255)(images)


def begin(base: keras.Model, settings: Mapping[str, Any], *, seed: int, default: str) -> None:
    """Give a network without its last layers its first weights: those of the file, where that was asked for, else from `seed`.

    The file's first convolution expects blue first; its kernel is turned round here, so that images need not be.

    Raises BadInput where the file does not hold them.
    """
    convolutions = [layer for layer in base.layers if hasattr(layer, "kernel_initializer")]
    if settings["start"] == knobs.SCRATCH:
        for number, layer in enumerate(convolutions):
            # Keras's own networks draw from one generator of the process; here a weight depends on seed and place alone.
            drawn = type(layer.kernel_initializer)(seed=seed * 1000 + 100 + number)
            layer.kernel.assign(drawn(layer.kernel.shape))
        return
    path = weights_file(settings, default)
    try:
        base.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise BadInput(f"{path} does not hold the weights that are wanted.", f"Take {default} of Keras's applications.") from error
    kernel = convolutions[0].kernel
    kernel.assign(kernel.numpy()[:, :, ::-1, :])


def frozen(model: keras.Model, *, until: str) -> None:
    """Let only the layers after `until` learn."""
    reached = False
    for layer in model.layers:
        layer.trainable = reached
        reached = reached or layer.name == until


def thawed(model: keras.Model) -> None:
    """Let all layers learn."""
    for layer in model.layers:
        layer.trainable = True
