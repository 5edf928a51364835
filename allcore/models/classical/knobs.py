"""Settings that all classical classifiers share."""

from __future__ import annotations

from allcore.data import cache
from allcore.models import features
from allcore.models.spec import Knob

FEATURES = Knob("features", "Features", str, features.PCA, "The vector that stands for an image.", choices=tuple(features.KINDS))
COMPONENTS = Knob("components", "Components", int, 64, "Principal components kept, where the features are components.", 2, 512)
SIZE = Knob(
    "input_size", "Input size", int, cache.DEFAULT_SIZE, "Pixels a side before features are computed. The paper took 70.", *cache.SIZES
)
CLASS_WEIGHTS = Knob(
    "class_weights", "Class weights", bool, True, "Weigh each class by the inverse of its frequency, so that the rare one counts as much."
)
SEED = Knob("seed", "Seed", int, 0, "Start of every random choice, the split's included.", 0, 2**31 - 1)
