"""Logistic regression: the paper's second best classical classifier (79.88 %)."""

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

TOLERANCE = 1e-5
"""Largest slope of the mean loss at which L-BFGS stops."""

CARD = ModelCard(
    id="logistic_regression",
    name="Logistic regression",
    family=CLASSICAL,
    about="One weight a feature and class; their sum is the logarithm of the odds.",
    images_per_second=2000.0,
    choices=(
        "The paper names neither penalty nor solver: scikit-learn's defaults, a squared penalty with C = 1 and L-BFGS, but up to "
        "1,000 steps for its 100, after which it has rarely converged on pixels, and a tolerance of 0.00001 for its 0.0001, at which one "
        "image in a hundred may still change its class.",
        presets.PAPER_FEATURES,
    ),
    knobs=(
        Knob("strength", "C", float, 1.0, "Inverse of the penalty on large weights. Larger fits the training side closer.", 1e-6, 1e6),
        knobs.iterations("max_steps", "Steps", 1000, "Steps of L-BFGS at most."),
        knobs.FEATURES,
        knobs.COMPONENTS,
        knobs.STANDARDISE,
        knobs.CLASS_WEIGHTS,
        knobs.CALIBRATE,
        knobs.SIZE,
        knobs.SEED,
    ),
    presets=presets.classical(paper={}, lesson={"strength": 0.1}, lesson_changes="A stronger penalty (C 0.1 for 1); "),
)


def build(settings: Mapping[str, Any], *, seed: int) -> Rotated:
    """The unfitted classifier."""
    from sklearn.linear_model import LogisticRegression

    from allcore.models.classical.estimators.rotated import Rotated

    plain = LogisticRegression(
        C=settings["strength"],
        max_iter=settings["max_steps"],
        tol=TOLERANCE,
        class_weight="balanced" if settings["class_weights"] else None,
        random_state=seed,
    )
    return Rotated(plain, centred=True, whole=settings["features"] == features.PIXELS)


def scores(estimator: Rotated, vectors: np.ndarray) -> np.ndarray:
    """float64 (n, classes)."""
    return scores_.margins(estimator.decision_function(vectors))


def draw(sketch: Sketch, x: str, estimator: Rotated) -> str:
    """The same as a graph."""
    return graphs.margins(sketch, graphs.linear(sketch, x, estimator.coef_.T, estimator.intercept_), len(estimator.coef_))


def learned(estimator: Rotated) -> Learned:
    steps = int(np.max(estimator.n_iter_))
    return Learned(estimator.coef_.size + estimator.intercept_.size, "weights", steps, steps < estimator.estimator.max_iter)
