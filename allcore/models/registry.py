"""Every model by its id."""

from __future__ import annotations

from types import ModuleType

from allcore.base.errors import NotFound
from allcore.models.classical import knn, logistic_regression, mlp, random_forest, sgd, svm
from allcore.models.cnn import allnet, proposed_cnn, resnet50, vgg16
from allcore.models.spec import CNN, ModelCard

# In the order in which they are shown.
_MODULES: tuple[ModuleType, ...] = (
    allnet,
    proposed_cnn,
    resnet50,
    vgg16,
    random_forest,
    logistic_regression,
    svm,
    knn,
    sgd,
    mlp,
)
_BY_ID = {module.CARD.id: module for module in _MODULES}


def cards() -> tuple[ModelCard, ...]:
    """Every model's card."""
    return tuple(module.CARD for module in _MODULES)


def networks() -> tuple[ModelCard, ...]:
    """Cards of the networks alone."""
    return tuple(card for card in cards() if card.family == CNN)


def card(model_id: str) -> ModelCard:
    """Raises NotFound, naming those there are."""
    return module(model_id).CARD


def module(model_id: str) -> ModuleType:
    """The file of a model: its CARD and `build`. Raises NotFound."""
    try:
        return _BY_ID[model_id]
    except KeyError:
        raise NotFound(f"There is no model '{model_id}'.", f"Choose one of: {', '.join(_BY_ID)}.") from None
