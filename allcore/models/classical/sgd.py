"""Stochastic gradient descent: the paper's fifth classical classifier (68.91 %)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from allcore.models import features
from allcore.models.classical import graphs, knobs, presets
from allcore.models.classical import scores as scores_
from allcore.models.classical.learned import Learned
from allcore.models.sketch import Sketch
from allcore.models.spec import CLASSICAL, Knob, ModelCard

if TYPE_CHECKING:
    from allcore.models.classical.estimators.rotated import Rotated

CARD = ModelCard(
    id="sgd",
    name="SGD",
    family=CLASSICAL,
    about="A linear classifier fitted one image at a time by stochastic gradient descent.",
    images_per_second=3000.0,
    choices=(
        "'SGD' names a way to fit, not a model. Scikit-learn's default: hinge loss (a linear support vector machine), alpha 0.0001, a rate "
        "that falls as it goes on, one class against the others.",
        presets.PAPER_FEATURES,
    ),
    cannot=("Promise a minimum: it ends where five passes bring less than a thousandth an image, and another seed ends elsewhere.",),
    knobs=(
        Knob(
            "loss",
            "Loss",
            str,
            "hinge",
            "What an error costs: hinge makes a linear support vector machine, log_loss a logistic regression.",
            choices=("hinge", "log_loss", "modified_huber"),
        ),
        Knob("alpha", "Penalty", float, 1e-4, "Penalty on large weights; the rate of learning falls with it too.", 1e-8, 10.0),
        knobs.iterations("max_passes", "Passes", 1000, "Passes over the training images at most."),
        knobs.FEATURES,
        knobs.COMPONENTS,
        knobs.STANDARDISE,
        knobs.CLASS_WEIGHTS,
        knobs.CALIBRATE,
        knobs.SIZE,
        knobs.SEED,
    ),
    presets=presets.classical(paper={}, lesson={"alpha": 0.01}, lesson_changes="A stronger penalty (0.01 for 0.0001); "),
)


def build(settings: Mapping[str, Any], *, seed: int) -> Rotated:
    """The unfitted classifier."""
    from sklearn.linear_model import SGDClassifier

    from allcore.models.classical.estimators.rotated import Rotated

    plain = SGDClassifier(
        loss=settings["loss"],
        alpha=settings["alpha"],
        max_iter=settings["max_passes"],
        class_weight="balanced" if settings["class_weights"] else None,
        random_state=seed,
        n_jobs=-1,  # a class each
    )
    return Rotated(plain, whole=settings["features"] == features.PIXELS)


def scores(estimator: Rotated, vectors: np.ndarray) -> np.ndarray:
    """float64 (n, classes)."""
    return scores_.margins(estimator.decision_function(vectors))


def draw(sketch: Sketch, x: str, estimator: Rotated) -> str:
    """The same as a graph."""
    return graphs.margins(sketch, graphs.linear(sketch, x, estimator.coef_.T, estimator.intercept_), len(estimator.coef_))


def learned(estimator: Rotated) -> Learned:
    weights = estimator.coef_.size + estimator.intercept_.size
    return Learned(weights, "weights", estimator.n_iter_, estimator.n_iter_ < estimator.estimator.max_iter)
