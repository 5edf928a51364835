"""Support vector machine: the paper's third classical classifier (79.28 %)."""

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
    from allcore.models.classical.estimators.support_vectors import SupportVectors

CARD = ModelCard(
    id="svm",
    name="SVM",
    family=CLASSICAL,
    about="Looks for the widest margin between the classes, in a space where likeness to training images is the measure.",
    images_per_second=1200.0,
    choices=(
        "The paper names no kernel: radial basis functions with C = 1 and gamma 'scale', scikit-learn's defaults.",
        "More than two classes are decided pair by pair, and most won pairs decide, as scikit-learn has it.",
        presets.PAPER_FEATURES,
    ),
    cannot=(
        "Learn from very many images: the kernel takes 8 bytes for each pair of them (0.8 GB for 10,000).",
        "Give probabilities of its own: without calibration they are its margins through a softmax, in order but of no meaning.",
    ),
    knobs=(
        Knob("strength", "C", float, 1.0, "What an image on the wrong side costs. Larger fits the training side closer.", 1e-6, 1e6),
        Knob(
            "width",
            "Gamma",
            float,
            1.0,
            "How fast likeness falls with distance; a multiple of 1 / (length x variance).",
            1e-4,
            1e4,
        ),
        knobs.FEATURES,
        knobs.COMPONENTS,
        knobs.STANDARDISE,
        knobs.CLASS_WEIGHTS,
        knobs.CALIBRATE,
        knobs.SIZE,
        knobs.SEED,
    ),
    presets=presets.classical(paper={}, lesson={}),
)


def build(settings: Mapping[str, Any], *, seed: int) -> SupportVectors:
    """The unfitted classifier. Nothing in it is random."""
    from allcore.models.classical.estimators.support_vectors import SupportVectors

    return SupportVectors(
        C=settings["strength"],
        width=settings["width"],
        class_weight="balanced" if settings["class_weights"] else None,
        whole=settings["features"] == features.PIXELS,
    )


def scores(estimator: SupportVectors, vectors: np.ndarray) -> np.ndarray:
    """float64 (n, classes)."""
    return scores_.margins(estimator.decision_function(vectors))


def draw(sketch: Sketch, x: str, estimator: SupportVectors) -> str:
    """The same as a graph."""
    classes = len(estimator.classes_)
    return graphs.margins(sketch, graphs.support_vectors(sketch, x, estimator), 1 if classes == 2 else classes)


def learned(estimator: SupportVectors) -> Learned:
    return Learned(len(estimator.vectors_), "support vectors", estimator.n_iter_, estimator.converged_)
