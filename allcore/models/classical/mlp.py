"""Multilayer perceptron: the paper's last classical classifier (27.33 %)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from allcore.models.classical import graphs, knobs, presets
from allcore.models.classical import scores as scores_
from allcore.models.classical.learned import Learned
from allcore.models.sketch import Sketch
from allcore.models.spec import CLASSICAL, Knob, ModelCard

if TYPE_CHECKING:
    from sklearn.neural_network import MLPClassifier

CARD = ModelCard(
    id="mlp",
    name="Multilayer perceptron",
    family=CLASSICAL,
    about="One or two layers of units between the features and the classes; a network without convolutions.",
    images_per_second=300.0,
    choices=(
        "The paper names no layers: one of 100 units with ReLU, Adam at 0.001, batches of 200, scikit-learn's defaults.",
        "Class weights: scikit-learn's has none, but weighs images since 1.7, so each image weighs the inverse of its class's share.",
        "The paper's 27.33 % is 685 of 2,506 test images. Calling every cell healthy would have found 814 (32.48 %), leukemic 1,692 "
        "(67.52 %): it is worse than either constant answer. Candidate explanations, none of them proven. "
        "Labels inverted, or the share of errors printed: 100 - 27.33 = 72.67 %, 1,821 images, between the paper's SGD (68.91) and "
        "k nearest neighbours (77.89). "
        "Two digits exchanged (72.33 %): no whole number of 2,506 images gives it (1,812 are 72.31 %, 1,813 are 72.35 %). "
        "Two outputs of 0 and 1, right only where both are: any figure is possible, and the text gives nothing to tell.",
        presets.PAPER_FEATURES,
    ),
    cannot=("Go on from where it stopped: it begins anew.",),
    knobs=(
        Knob("units", "Units", int, 100, "Units of each hidden layer.", 1, 4096),
        Knob("layers", "Hidden layers", int, 1, "Layers between features and classes.", 1, 4),
        Knob("learning_rate", "Learning rate", float, 1e-3, "Size of Adam's steps.", 1e-6, 0.1),
        Knob("weight_decay", "Penalty", float, 1e-4, "Penalty on large weights.", 0.0, 100.0),
        Knob("batch_size", "Batch size", int, 200, "Images a step; all of them where there are fewer.", 1, 10_000),
        knobs.iterations("max_passes", "Passes", 200, "Passes over the training images at most."),
        knobs.FEATURES,
        knobs.COMPONENTS,
        knobs.STANDARDISE,
        knobs.CLASS_WEIGHTS,
        knobs.CALIBRATE,
        knobs.SIZE,
        knobs.SEED,
    ),
    presets=presets.classical(
        paper={}, lesson={"units": 32, "weight_decay": 0.1}, lesson_changes="32 units for 100, penalty 0.1 for 0.0001; "
    ),
)


def build(settings: Mapping[str, Any], *, seed: int) -> MLPClassifier:
    """The unfitted network."""
    from sklearn.neural_network import MLPClassifier

    from allcore.models.classical.estimators.perceptron import BalancedPerceptron

    return (BalancedPerceptron if settings["class_weights"] else MLPClassifier)(
        hidden_layer_sizes=(settings["units"],) * settings["layers"],
        learning_rate_init=settings["learning_rate"],
        alpha=settings["weight_decay"],
        batch_size=settings["batch_size"],
        max_iter=settings["max_passes"],
        random_state=seed,
    )


def scores(estimator: MLPClassifier, vectors: np.ndarray) -> np.ndarray:
    """float64 (n, classes): what the last layer says before its logistic function or softmax."""
    x = np.asarray(vectors)
    for layer, (weights, offsets) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        x = (np.maximum(x, 0) if layer else x) @ weights + offsets
    return scores_.margins(x[:, 0] if x.shape[1] == 1 else x)


def draw(sketch: Sketch, x: str, estimator: MLPClassifier) -> str:
    """The same as a graph."""
    last = graphs.perceptron(sketch, x, estimator.coefs_, estimator.intercepts_)
    return graphs.margins(sketch, last, estimator.n_outputs_)


def learned(estimator: MLPClassifier) -> Learned:
    weights = sum(part.size for part in (*estimator.coefs_, *estimator.intercepts_))
    return Learned(weights, "weights", estimator.n_iter_, estimator.n_iter_ < estimator.max_iter)
