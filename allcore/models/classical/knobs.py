"""Settings that classical classifiers share."""

from __future__ import annotations

from allcore.data import cache
from allcore.models import features
from allcore.models.spec import Knob

FEATURES = Knob("features", "Features", str, features.PCA, "The vector that stands for an image.", choices=tuple(features.KINDS))
COMPONENTS = Knob(
    "components",
    "Components",
    int,
    64,
    "Principal components kept, where the features are components; one fewer than training images at most.",
    2,
    512,
)
STANDARDISE = Knob(
    "standardise",
    "Standardise",
    bool,
    True,
    "Bring measures of cells, each in a unit of its own, to mean 0 and spread 1. Pixels and components share one scale and keep it.",
)
CALIBRATE = Knob(
    "calibrate",
    "Calibrate",
    bool,
    True,
    "Stretch or shrink the scores until their probabilities fit patients held out in turn. Three further fits; no class changes.",
)
SIZE = Knob(
    "input_size", "Input size", int, cache.DEFAULT_SIZE, "Pixels a side before features are computed. The paper took 70.", *cache.SIZES
)
CLASS_WEIGHTS = Knob(
    "class_weights", "Class weights", bool, True, "Weigh each class by the inverse of its frequency, so that the rare one counts as much."
)
SEED = Knob("seed", "Seed", int, 0, "Start of every random choice, the split's included.", 0, 2**31 - 1)


def iterations(name: str, label: str, default: int, help_: str) -> Knob:
    """How long a fit may go on before it is said not to have converged."""
    return Knob(name, label, int, default, f"{help_} It ends sooner where it converges; where it doesn't, the run says so.", 1, 100_000)
