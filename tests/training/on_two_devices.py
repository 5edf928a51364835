"""Trains in a process whose processor counts as two devices, which must be said before TensorFlow computes; prints the runs' ids."""

from __future__ import annotations

import itertools
import json
import os
from typing import Any
from unittest.mock import patch

# As `allcore.training.cnn` does, which is imported later here.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import tensorflow as tf

from allcore import worker
from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs import slots, submit
from allcore.models.cnn import proposed_cnn, resnet50
from allcore.runs import status
from allcore.runs.attempt import Attempt, Interrupted

# Of 25 images the last batch has one: a device then has nothing to count.
PLAIN = {"input_size": 32, "batch_size": 3, "learning_rate": 0.01, "epochs": 3, "dropout": 0.0, "weight_decay": 0.1, "keep": "last"}
CHANGING = {**PLAIN, "dropout": 0.3, "schedule": "cosine", "turns": "any", "balance": "focal", "keep": "best"}
THAWING = {name: value for name, value in PLAIN.items() if name != "dropout"} | {
    "start": "imagenet",
    "frozen_epochs": 1,
    "weights_file": __file__,  # the net that stands in does not read it
}


def small_net(settings: dict[str, Any], *, classes: int, seed: int):
    """Three layers; where there is dropout, batch normalisation too."""
    import keras
    from keras import layers

    images = keras.Input((settings["input_size"], settings["input_size"], 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(images)
    x = layers.AveragePooling2D(8, name="activations")(x)
    if settings.get("dropout"):
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Dropout(settings["dropout"], seed=seed)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(8, name="embedding", kernel_initializer=keras.initializers.GlorotUniform(seed=seed))(x)
    last = keras.initializers.GlorotUniform(seed=seed + 1)
    return keras.Model(images, layers.Dense(classes, activation="softmax", dtype="float32", kernel_initializer=last)(x))


def trained(artifacts: Artifacts, run: JobPaths) -> JobPaths:
    worker.work(artifacts, run, status.change(run, status.STARTING).attempt)
    return run


def stopped_in_epoch(number: int):
    """Lets an attempt be stopped in the midst of an epoch."""
    progress, seen = Attempt.progress, itertools.count()

    def stopping(self: Attempt, share: float, doing: str) -> None:
        progress(self, share, doing)
        if doing.startswith(f"Epoch {number} of") and next(seen) == 2:
            raise Interrupted("The runner was stopped.")

    return patch.object(Attempt, "progress", stopping)


def main() -> None:
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    artifacts = Artifacts.locate()

    def queued(settings: dict[str, Any], model: str = "proposed_cnn", **changed: Any) -> JobPaths:
        plan, _ = submit.planned(artifacts, data="tiny", model=model, preset="patient", changed={**settings, **changed})
        return submit.training(artifacts, plan)

    with patch.object(proposed_cnn, "build", small_net), patch.object(slots, "gpus", lambda: 3):
        runs = {
            "one": trained(artifacts, queued(PLAIN)),
            "two": trained(artifacts, queued(PLAIN, gpus=2)),
            "undisturbed": trained(artifacts, queued(CHANGING, gpus=2)),
            "half": trained(artifacts, queued(CHANGING, gpus=2, mixed_precision=True)),
            "three": trained(artifacts, queued(PLAIN, gpus=3)),
        }
        with patch.multiple(resnet50, build=small_net, EMBEDDING="embedding", ACTIVATIONS="activations", BASE_ENDS="embedding"):
            runs["thawed on one"] = trained(artifacts, queued(THAWING, "resnet50"))
            runs["thawed on two"] = trained(artifacts, queued(THAWING, "resnet50", gpus=2))
        with stopped_in_epoch(2):
            runs["resumed"] = trained(artifacts, queued(CHANGING, gpus=2))
        status.change(runs["resumed"], status.QUEUED)
        trained(artifacts, runs["resumed"])
    print(json.dumps({name: run.id for name, run in runs.items()}))


if __name__ == "__main__":
    main()
