"""What the cards claim of the networks, computed again from the papers' words; and starting from ImageNet's weights."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allcore.base.errors import BadInput
from allcore.models import registry
from allcore.models.cnn import imagenet, knobs
from allcore.models.spec import CNN, ModelCard

NETWORKS = [card for card in registry.cards() if card.family == CNN]
every_network = pytest.mark.parametrize("card", NETWORKS, ids=lambda card: card.id)


def conv(size: int, before: int, after: int, *, bias: bool = True) -> int:
    return size * size * before * after + bias * after


def dense(before: int, after: int) -> int:
    return before * after + after


def norm(channels: int) -> int:
    return 4 * channels  # scale, shift, and the two running figures


def proposed_cnn() -> int:
    total, before = 0, 3
    for filters in (128, 128, 64, 64, 32, 32, 16, 16, 8, 8):
        total += conv(2, before, filters) + norm(filters)
        before = filters
    side = 70
    for _ in range(5):
        side //= 2
    return total + dense(side * side * 8, 1024) + dense(1024, 128) + dense(128, 2)


def vgg16() -> int:
    total, before = 0, 3
    for count, filters in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(count):
            total += conv(3, before, filters)
            before = filters
    side = 70
    for _ in range(5):
        side //= 2
    return total + dense(side * side * 512, 4096) + dense(4096, 4096) + dense(4096, 2)


def resnet50() -> int:
    total, before = conv(7, 3, 64) + norm(64), 64
    for blocks, inner in ((3, 64), (4, 128), (6, 256), (3, 512)):
        for block in range(blocks):
            total += conv(1, before, inner) + conv(3, inner, inner) + conv(1, inner, 4 * inner) + 2 * norm(inner) + norm(4 * inner)
            if block == 0:
                total += conv(1, before, 4 * inner) + norm(4 * inner)
            before = 4 * inner
    return total + dense(2048, 2)


def allnet() -> int:
    total, before = conv(5, 3, 32, bias=False) + norm(32), 32
    for filters in (32, 64, 128):
        total += conv(3, before, filters, bias=False) + conv(3, filters, filters, bias=False) + 2 * norm(filters)
        if filters != before:
            total += conv(1, before, filters, bias=False)
        before = filters
    return total + dense(128, 2)


FROM_FIRST_PRINCIPLES = {"proposed_cnn": proposed_cnn, "vgg16": vgg16, "resnet50": resnet50, "allnet": allnet}


def built(card: ModelCard, *, preset: str = "paper", classes: int = 2, seed: int = 0, **changed: Any):
    return registry.module(card.id).build(card.settings(card.preset(preset), changed), classes=classes, seed=seed)


@every_network
def test_it_has_as_many_parameters_as_its_card_says_and_arithmetic_gives(card: ModelCard):
    assert built(card).count_params() == card.parameters == FROM_FIRST_PRINCIPLES[card.id]()


@every_network
def test_its_multiply_adds_are_those_of_its_layers(card: ModelCard):
    import keras

    total = 0
    for layer in built(card).layers:
        if isinstance(layer, keras.layers.Conv2D):
            _, height, width, filters = layer.output.shape
            total += height * width * filters * math.prod(layer.kernel.shape[:3])
        elif isinstance(layer, keras.layers.Dense):
            total += math.prod(layer.kernel.shape)
    assert card.multiply_adds == pytest.approx(total, rel=0.02)


@every_network
def test_heat_maps_have_a_layer_of_17_or_finer(card: ModelCard):
    module = registry.module(card.id)
    _, height, width, channels = built(card).get_layer(module.ACTIVATIONS).output.shape
    assert min(height, width) >= 17
    assert channels >= 16


@every_network
def test_its_embedding_is_a_vector(card: ModelCard):
    assert len(built(card, input_size=32).get_layer(registry.module(card.id).EMBEDDING).output.shape) == 2


def test_the_papers_network_has_its_ten_convolutions():
    import keras

    layers = built(registry.card("proposed_cnn")).layers
    convolutions = [layer for layer in layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [128, 128, 64, 64, 32, 32, 16, 16, 8, 8]
    assert {(layer.kernel_size, layer.padding) for layer in convolutions} == {((2, 2), "same")}
    kinds = [type(layer).__name__ for layer in layers]
    assert kinds[:10] == ["InputLayer", "Rescaling", *["Conv2D", "BatchNormalization", "ReLU"] * 2, "MaxPooling2D", "Dropout"]
    assert {layer.rate for layer in layers if isinstance(layer, keras.layers.Dropout)} == {0.1}
    assert [layer.units for layer in layers if isinstance(layer, keras.layers.Dense)] == [1024, 128, 2]


@pytest.mark.parametrize("model", ["proposed_cnn", "resnet50", "vgg16"])
def test_the_papers_protocol_is_the_papers(model: str):
    card = registry.card(model)
    settings = card.settings(card.preset("paper"), {})
    assert settings["batch_size"] == {"resnet50": 16}.get(model, 32)
    assert (settings["epochs"], settings["learning_rate"], settings["optimizer"], settings["schedule"]) == (100, 1e-4, "adam", "constant")
    assert (settings["balance"], settings["turns"], settings["input_size"], settings["keep"]) == ("weights", "none", 70, "last")


WITH_START = [card for card in NETWORKS if any(knob.name == "start" for knob in card.knobs)]
with_start = pytest.mark.parametrize("card", WITH_START, ids=lambda card: card.id)


@with_start
def test_without_the_file_it_is_refused_with_its_place(card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    file = registry.module(card.id).WEIGHTS_FILE
    with pytest.raises(BadInput, match="no file of weights") as caught:
        imagenet.weights_file(card.settings(card.preset("paper"), {"start": "imagenet"}), file)
    assert file in caught.value.message
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / file).write_bytes(b"")
    assert imagenet.weights_file(card.settings(card.preset("paper"), {"start": "imagenet"}), file) == tmp_path / "models" / file


@with_start
@pytest.mark.parametrize("as_fetched", [False, True])
def test_it_starts_from_the_file_and_sees_colours_in_its_order(card: ModelCard, as_fetched: bool, tmp_path: Path):
    """From weights as someone else's training left them, in Keras's own format, and in the older one of the files that Keras fetches."""
    import h5py
    import keras
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    keras.utils.set_random_seed(5)
    network, module = {
        "vgg16": (keras.applications.VGG16, keras.applications.vgg16),
        "resnet50": (keras.applications.ResNet50, keras.applications.resnet50),
    }[card.id]
    theirs = network(include_top=False, weights=None, input_shape=(32, 32, 3))
    weights = tmp_path / ("theirs.h5" if as_fetched else "theirs.weights.h5")
    if as_fetched:
        with h5py.File(weights, "w") as file:
            save_weights_to_hdf5_group(file, theirs)
    else:
        theirs.save_weights(weights)
    ours = built(card, input_size=32, start=knobs.IMAGENET, weights_file=str(weights))
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    expected = np.asarray(theirs(module.preprocess_input(images.astype(np.float32))))
    found = np.asarray(keras.Model(ours.input, ours.get_layer(theirs.layers[-1].name).output)(images))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
    assert expected.std() > 0.01


def test_a_file_of_something_else_is_refused(tmp_path: Path):
    weights = tmp_path / "theirs.weights.h5"
    weights.write_bytes(b"no weights")
    with pytest.raises(BadInput, match="does not hold the weights"):
        built(registry.card("vgg16"), input_size=32, start=knobs.IMAGENET, weights_file=str(weights))


@with_start
def test_only_the_new_layers_learn_while_the_rest_is_frozen(card: ModelCard):
    module, model = registry.module(card.id), built(card, input_size=32)
    everything = len(model.trainable_weights)
    imagenet.frozen(model, until=module.BASE_ENDS)
    assert {weight.path.split("/")[0] for weight in model.trainable_weights} <= {"fc1", "fc2", "probabilities"}
    assert model.trainable_weights
    imagenet.thawed(model)
    assert len(model.trainable_weights) == everything
