"""VGG-16, as Rezayi et al. 2021 took it: the architecture of Simonyan & Zisserman 2015, without its ImageNet weights unless asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from allcore.models import presets
from allcore.models.cnn import imagenet, knobs
from allcore.models.spec import CNN, ModelCard

if TYPE_CHECKING:
    import keras

EMBEDDING, ACTIVATIONS, BASE_ENDS = "fc2", "block3_conv3", "block5_pool"
WEIGHTS_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
WIDTH = 4096

CARD = ModelCard(
    id="vgg16",
    name="VGG-16",
    family=CNN,
    about="Thirteen 3x3 convolutions in five blocks, then two layers of 4,096 units: the paper's best.",
    images_per_second=22.0,
    parameters=39_896_898,
    multiply_adds=1.40e9,
    choices=(
        "No dropout: the first publication has it between the dense layers, the paper's text does not name it. It can be set.",
        "At 70 pixels the sides are 70, 35, 17, 8, 4, 2: the first dense layer sees 2,048 numbers, not 25,088.",
        "Pixels are divided by 255; the text says only that they were normalised. From ImageNet's weights, its mean is taken off instead.",
    ),
    knobs=(*knobs.shared(dropout=0.0, momentum=None), *knobs.start()),
    presets=presets.presets(
        paper={},
        tuned={"keep": "best"},
        lesson={"epochs": 8, "batch_size": 16, "input_size": 32, "keep": "best"},
        lesson_changes="8 epochs for 100 and the best of them, batch 16 for 32, 32 pixels for 70; split by patient.",
    ),
)


def build(settings: Mapping[str, Any], *, classes: int, seed: int) -> keras.Model:
    """The untrained network, or one with ImageNet's weights in its convolutions: uint8 images (n, size, size, 3) to
    probabilities (n, classes); the embedding has 4,096 numbers.
    """
    import keras
    from keras import layers

    images = keras.Input((settings["input_size"],) * 2 + (3,), dtype="uint8", name="images")
    base = keras.applications.VGG16(include_top=False, weights=None, input_tensor=imagenet.scaled(images, settings["start"]))
    imagenet.begin(base, settings, seed=seed, default=WEIGHTS_FILE)
    x = layers.Flatten(name="flatten")(base.output)
    for number in (1, 2):
        kernel = keras.initializers.GlorotUniform(seed=seed * 1000 + number)
        x = layers.Dense(WIDTH, activation="relu", kernel_initializer=kernel, name=f"fc{number}")(x)
        x = layers.Dropout(settings["dropout"], seed=seed * 1000 + 10 + number)(x)
    last = keras.initializers.GlorotUniform(seed=seed * 1000 + 3)
    probabilities = layers.Dense(classes, activation="softmax", kernel_initializer=last, name="probabilities", dtype="float32")(x)
    return keras.Model(images, probabilities, name=CARD.id)
