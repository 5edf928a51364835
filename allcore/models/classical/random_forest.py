"""Random forest: the best of the paper's six classical classifiers (81.72 %)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from allcore.models import presets
from allcore.models.classical import knobs
from allcore.models.spec import CLASSICAL, Knob, ModelCard

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

CARD = ModelCard(
    id="random_forest",
    name="Random forest",
    family=CLASSICAL,
    about="Many decision trees, each grown on its own sample of images and features; they vote.",
    images_per_second=1500.0,
    choices=(
        "The paper names no number of trees: 100, scikit-learn's default.",
        "The paper names no features ('hand-crafted or extracted'): principal components of the pixels here, or the pixels themselves.",
    ),
    knobs=(
        Knob("trees", "Trees", int, 100, "How many trees vote. More are steadier and slower.", 1, 2000),
        Knob("max_depth", "Depth", int, 0, "Questions a tree may ask in a row; 0 sets no limit.", 0, 200),
        Knob("min_leaf", "Smallest leaf", int, 1, "Fewest images in a leaf. More make smoother probabilities.", 1, 1000),
        knobs.FEATURES,
        knobs.COMPONENTS,
        knobs.CLASS_WEIGHTS,
        knobs.SIZE,
        knobs.SEED,
    ),
    presets=presets.presets(
        paper={"features": "pixels-v1"},
        tuned={},
        lesson={"min_leaf": 2},
        lesson_changes="64 principal components of the pixels; split by patient.",
    ),
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
