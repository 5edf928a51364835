"""What so many images can't bear is refused with the setting's name and what is allowed."""

from __future__ import annotations

import pytest

from allcore.base.errors import BadInput
from allcore.models import registry
from allcore.models.classical import limits


def settings(model: str, **changed: object) -> dict:
    card = registry.card(model)
    return card.settings(card.preset("paper"), changed)


@pytest.mark.parametrize("model", ["random_forest", "logistic_regression", "svm", "knn", "sgd", "mlp"])
def test_the_papers_own_size_is_allowed(model: str):
    limits.require(model, settings(model), images=10_022)


def test_no_more_neighbours_than_images():
    limits.require("knn", settings("knn", neighbours=30), images=30)
    with pytest.raises(BadInput, match=r"neighbours can't be 31 with 30 training images.*Allowed: 1 to 30"):
        limits.require("knn", settings("knn", neighbours=31), images=30)


def test_a_kernel_has_to_fit_into_memory():
    limits.require("svm", settings("svm", features="cell-v1"), images=32_768)
    with pytest.raises(BadInput, match=r"32,769 images: its kernel would take 9 GB.*up to 32,768"):
        limits.require("svm", settings("svm", features="cell-v1"), images=32_769)


@pytest.mark.parametrize("model", limits.KEEPS_IMAGES)
def test_a_graph_has_to_fit_into_its_file(model: str):
    limits.require(model, settings(model, input_size=224, features="pca-v1"), images=15_000)
    with pytest.raises(BadInput, match=r"input_size can't be 224.*Allowed: 32 to 217, or other features"):
        limits.require(model, settings(model, input_size=224), images=15_000)
    limits.require(model, settings(model, input_size=217), images=15_000)
    limits.require("mlp", settings("mlp", input_size=224), images=15_000)  # it keeps no images
