"""Random forest: the best of the paper's six classical classifiers (81.72 %)."""

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
    from sklearn.ensemble import RandomForestClassifier

CARD = ModelCard(
    id="random_forest",
    name="Random forest",
    family=CLASSICAL,
    about="Many decision trees, each grown on its own sample of images and features; they vote.",
    images_per_second=600.0,
    choices=(
        "The paper names no number of trees: 100, scikit-learn's default.",
        presets.PAPER_FEATURES,
    ),
    knobs=(
        Knob("trees", "Trees", int, 100, "How many trees vote. More are steadier and slower.", 1, 2000),
        Knob("max_depth", "Depth", int, 0, "Questions a tree may ask in a row; 0 sets no limit.", 0, 200),
        Knob("min_leaf", "Smallest leaf", int, 1, "Fewest images in a leaf. More make smoother probabilities.", 1, 1000),
        knobs.FEATURES,
        knobs.COMPONENTS,
        knobs.CLASS_WEIGHTS,
        knobs.CALIBRATE,
        knobs.SIZE,
        knobs.SEED,
    ),
    presets=presets.classical(paper={}, lesson={"min_leaf": 2}),
)


def build(settings: Mapping[str, Any], *, seed: int) -> RandomForestClassifier:
    """The unfitted forest."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=settings["trees"],
        max_depth=settings["max_depth"] or None,
        min_samples_leaf=settings["min_leaf"],
        class_weight="balanced" if settings["class_weights"] else None,
        random_state=seed,
        n_jobs=-1,
    )


def scores(estimator: RandomForestClassifier, vectors: np.ndarray) -> np.ndarray:
    """float64 (n, classes)."""
    return scores_.votes(estimator.predict_proba(vectors), len(estimator.estimators_))


def draw(sketch: Sketch, x: str, estimator: RandomForestClassifier) -> str:
    """The same as a graph."""
    return graphs.votes(sketch, graphs.forest(sketch, x, estimator), len(estimator.estimators_), len(estimator.classes_))


def learned(estimator: RandomForestClassifier) -> Learned:
    return Learned(sum(tree.tree_.node_count for tree in estimator.estimators_), "nodes")
