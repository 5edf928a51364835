"""Settings that all networks share."""

from __future__ import annotations

from allcore.data import cache
from allcore.models.spec import Knob


def epochs(default: int) -> Knob:
    return Knob("epochs", "Epochs", int, default, "How often the network sees every training image.", 1, 1000)


def batch_size(default: int) -> Knob:
    return Knob("batch_size", "Batch size", int, default, "Images a step. Smaller steps are noisier and more of them.", 1, 512)


def learning_rate(default: float) -> Knob:
    return Knob(
        "learning_rate", "Learning rate", float, default, "Size of Adam's steps. Too large forgets, too small never gets there.", 1e-6, 0.1
    )


def dropout(default: float) -> Knob:
    return Knob("dropout", "Dropout", float, default, "Share of activations switched off at random while training.", 0.0, 0.9)


SIZE = Knob("input_size", "Input size", int, cache.DEFAULT_SIZE, "Pixels a side that the network sees. The paper took 70.", *cache.SIZES)
CLASS_WEIGHTS = Knob(
    "class_weights", "Class weights", bool, True, "Weigh each class by the inverse of its frequency, so that the rare one counts as much."
)
KEEP = Knob(
    "keep",
    "Keep",
    str,
    "last",
    "Which epoch becomes the model: the last, or the one with the lowest loss on the tune side.",
    choices=("last", "best"),
)
PATIENCE = Knob(
    "patience", "Patience", int, 0, "Stop after so many epochs without a lower loss on the tune side; 0 never stops early.", 0, 1000
)
SEED = Knob("seed", "Seed", int, 0, "Start of every random choice: weights, order of images, dropout, and the split.", 0, 2**31 - 1)
