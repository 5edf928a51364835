"""k nearest neighbours: the paper's fourth classical classifier (77.89 %)."""

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
    from allcore.models.classical.estimators.neighbours import Neighbours

CARD = ModelCard(
    id="knn",
    name="k nearest neighbours",
    family=CLASSICAL,
    about="Keeps all training images; the most alike vote.",
    images_per_second=10000.0,
    choices=(
        "The paper names neither number nor distance: 5 neighbours, Euclidean, every vote equal, scikit-learn's defaults.",
        "The paper weighs classes 'during training', and k nearest neighbours has no training: no weights here.",
        presets.PAPER_FEATURES,
    ),
    cannot=(
        "Weigh classes: neighbours vote, and the frequent class has more of them.",
        "Be sure: of 5 votes there are six outcomes, so its probabilities come in steps.",
        "Forget: its file holds every training image's features.",
    ),
    knobs=(
        Knob("neighbours", "Neighbours", int, 5, "How many vote. More are steadier and blur small groups.", 1, 1000),
        knobs.FEATURES,
        knobs.COMPONENTS,
        knobs.STANDARDISE,
        knobs.CALIBRATE,
        knobs.SIZE,
        knobs.SEED,
    ),
    presets=presets.classical(paper={}, lesson={"neighbours": 9}, lesson_changes="9 neighbours for 5; "),
)


def build(settings: Mapping[str, Any], *, seed: int) -> Neighbours:
    """The unfitted classifier. Nothing in it is random."""
    from allcore.models.classical.estimators.neighbours import Neighbours

    return Neighbours(settings["neighbours"], whole=settings["features"] == features.PIXELS)


def scores(estimator: Neighbours, vectors: np.ndarray) -> np.ndarray:
    """float64 (n, classes)."""
    return scores_.votes(estimator.predict_proba(vectors), estimator.voters_)


def draw(sketch: Sketch, x: str, estimator: Neighbours) -> str:
    """The same as a graph."""
    return graphs.votes(sketch, graphs.neighbours(sketch, x, estimator), estimator.voters_, len(estimator.classes_))


def learned(estimator: Neighbours) -> Learned:
    return Learned(len(estimator.vectors_), "reference images")
