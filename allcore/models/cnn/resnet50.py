"""ResNet-50, as Rezayi et al. 2021 took it: the architecture of He et al. 2016, without its ImageNet weights unless asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from allcore.models import presets
from allcore.models.cnn import imagenet, knobs
from allcore.models.spec import CNN, ModelCard

if TYPE_CHECKING:
    import keras

EMBEDDING, ACTIVATIONS, BASE_ENDS = "avg_pool", "conv2_block3_out", "avg_pool"
WEIGHTS_FILE = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"

CARD = ModelCard(
    id="resnet50",
    name="ResNet-50",
    family=CNN,
    about="Fifty layers with shortcuts around every three, so that depth does not stand in learning's way.",
    images_per_second=40.0,
    parameters=23_591_810,
    multiply_adds=0.49e9,
    choices=(
        "The strides of a block's reduction stand in its first 1x1 convolution, as in the first publication and in Keras.",
        "There is no dropout to set: neither the text nor He et al. 2016 has any, and batch norm stands after every convolution.",
        "At 70 pixels the sides are 35, 18, 9, 5, 3; average pooling takes what is left. The text changes nothing but the input's size.",
        "Pixels are divided by 255; the text says only that they were normalised. From ImageNet's weights, its mean is taken off instead.",
    ),
    knobs=(*knobs.shared(batch_size=16, dropout=None), *knobs.start()),
    presets=presets.presets(
        paper={},
        tuned={"keep": "best"},
        lesson={
            "epochs": 6,
            "learning_rate": 1e-3,
            "batch_norm_momentum": 0.9,
            "input_size": 32,
            "keep": "best",
        },
        lesson_changes="6 epochs for 100 and the best of them, learning rate 0.001 for 0.0001, batch-norm momentum 0.9 for 0.99, 32 pixels "
        "for 70; split by patient.",
    ),
)


def build(settings: Mapping[str, Any], *, classes: int, seed: int) -> keras.Model:
    """The untrained network, or one with ImageNet's weights below its last layer: uint8 images (n, size, size, 3) to
    probabilities (n, classes); the embedding has 2,048 numbers.
    """
    import keras
    from keras import layers

    images = keras.Input((settings["input_size"],) * 2 + (3,), dtype="uint8", name="images")
    base = keras.applications.ResNet50(
        include_top=False, weights=None, input_tensor=imagenet.scaled(images, settings["start"]), pooling="avg"
    )
    imagenet.begin(base, settings, seed=seed, default=WEIGHTS_FILE)
    for layer in base.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = settings["batch_norm_momentum"]
    last = keras.initializers.GlorotUniform(seed=seed)
    probabilities = layers.Dense(classes, activation="softmax", kernel_initializer=last, name="probabilities", dtype="float32")(base.output)
    return keras.Model(images, probabilities, name=CARD.id)
