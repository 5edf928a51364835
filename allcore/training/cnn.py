"""Training a network, epoch by epoch, so that it can be stopped anywhere and go on later."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

# Off by default on AMD processors, and worth up to twice the speed; read when TensorFlow is imported, so it comes first.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from allcore.base import fileio
from allcore.models import registry
from allcore.runs import events
from allcore.runs.attempt import Attempt
from allcore.training.material import Material
from allcore.training.trained import Trained

SHARE = 0.92
"""Share of the whole job that the epochs take, for the progress bar."""
_PREDICT_BATCH = 64


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands after `epoch` epochs; written last, so that it never names a file that isn't there."""

    epoch: int = 0
    best_epoch: int = 0
    best_loss: float | None = None
    seconds: tuple[float, ...] = ()
    """Of each epoch."""

    @staticmethod
    def read(folder: Path) -> Checkpoint:
        try:
            document = fileio.read_json(folder / "state.json")
        except FileNotFoundError:
            return Checkpoint()
        return Checkpoint(document["epoch"], document["best_epoch"], document["best_loss"], tuple(document["seconds"]))

    def model_file(self, folder: Path) -> Path:
        return folder / f"epoch-{self.epoch}.keras"

    def best_file(self, folder: Path) -> Path:
        return folder / f"best-{self.best_epoch}.weights.h5"

    def write(self, folder: Path, model: keras.Model, *, is_best: bool) -> None:
        """Weights and optimiser, then this record, then away with what it replaces."""
        folder.mkdir(exist_ok=True)
        model.save(self.model_file(folder))
        fileio.sync(self.model_file(folder))
        if is_best:
            model.save_weights(self.best_file(folder))
            fileio.sync(self.best_file(folder))
        fileio.write_json(folder / "state.json", asdict(self))
        kept = {self.model_file(folder), self.best_file(folder), folder / "state.json"}
        for file in folder.iterdir():
            if file not in kept:
                file.unlink()


class _Watch(keras.callbacks.Callback):
    """Tells how far an epoch is, and lets the attempt stop it: what `progress` raises goes through `fit` to `train`."""

    def __init__(self, attempt: Attempt, epoch: int, epochs: int, steps: int) -> None:
        super().__init__()
        self._attempt, self._epoch, self._epochs, self._steps = attempt, epoch, epochs, steps

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        share = SHARE * (self._epoch - 1 + (batch + 1) / self._steps) / self._epochs
        self._attempt.progress(share, f"Epoch {self._epoch} of {self._epochs}")


def train(attempt: Attempt, material: Material, model_id: str, settings: Mapping[str, Any]) -> Trained:
    """Train a network from its last checkpoint, or from scratch, to the last epoch or until patience ends.

    Raises Cancelled, Interrupted or Fenced as `attempt.check` does; the last whole epoch's checkpoint then stands.
    """
    for device in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(device, True)
    keras.utils.set_random_seed(settings["seed"])
    folder = attempt.paths.checkpoint
    at = Checkpoint.read(folder)
    if at.epoch:
        model = keras.models.load_model(at.model_file(folder))
    else:
        model = _compiled(
            registry.module(model_id).build(settings, classes=len(material.card.class_names), seed=settings["seed"]), settings
        )
    train_rows = material.rows("train")
    watched = "tune" if len(material.rows("tune")) else "test"
    watched_images, watched_labels = material.images(material.rows(watched)), material.labels[material.rows(watched)]
    weights = material.class_weights if settings["class_weights"] else None
    while at.epoch < settings["epochs"] and not _is_out_of_patience(at, settings, watched):
        number = at.epoch + 1
        attempt.progress(SHARE * at.epoch / settings["epochs"], f"Epoch {number} of {settings['epochs']}")
        began = time.perf_counter()
        # The order and the dice are functions of seed and epoch alone, so a resumed run goes on as an undisturbed one does.
        _set_dice(model, number)
        rows = train_rows[np.random.default_rng([settings["seed"], number]).permutation(len(train_rows))]
        watch = _Watch(attempt, number, settings["epochs"], -(-len(rows) // settings["batch_size"]))
        history = model.fit(
            material.images(rows),
            material.labels[rows],
            batch_size=settings["batch_size"],
            shuffle=False,
            class_weight=weights,
            callbacks=[watch],
            verbose=0,
        ).history
        seconds = time.perf_counter() - began
        loss, accuracy = model.evaluate(watched_images, watched_labels, batch_size=_PREDICT_BATCH, verbose=0)
        _require_finite(history["loss"][0], loss)
        is_best = watched == "tune" and (at.best_loss is None or loss < at.best_loss)
        at = replace(at, epoch=number, seconds=(*at.seconds, round(seconds, 3)))
        if is_best:
            at = replace(at, best_epoch=number, best_loss=float(loss))
        # The event first: an attempt that dies between the two does the epoch again and tells it twice, and none is missing.
        attempt.event(
            events.EPOCH,
            epoch=number,
            epochs=settings["epochs"],
            loss=round(float(history["loss"][0]), 6),
            accuracy=round(float(history["accuracy"][0]), 6),
            **{f"{watched}_loss": round(float(loss), 6), f"{watched}_accuracy": round(float(accuracy), 6)},
            seconds=round(seconds, 3),
            images_per_second=round(len(rows) / seconds, 2),
        )
        at.write(folder, model, is_best=is_best)
    kept = at.epoch
    if settings["keep"] == "best" and at.best_epoch:
        kept = at.best_epoch
        model.load_weights(at.best_file(folder))
    # The first epoch holds the compilation; where there are more, it is no measure of the others.
    typical = float(np.median(at.seconds[1:] or at.seconds))
    return Trained(
        probabilities=lambda images: _predicted(model, images),
        export=lambda path: _exported(model, path),
        save=lambda: _saved(model, attempt, attempt.paths.keras),
        features=None,
        parameters=model.count_params(),
        epochs=at.epoch,
        kept_epoch=kept,
        epoch_seconds=typical,
        images_per_second=len(train_rows) / typical,
    )


def _compiled(model: keras.Model, settings: Mapping[str, Any]) -> keras.Model:
    model.compile(
        optimizer=keras.optimizers.Adam(settings["learning_rate"]),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        # XLA makes these networks slower on a processor.
        jit_compile="auto" if tf.config.list_physical_devices("GPU") else False,
    )
    return model


def _set_dice(model: keras.Model, epoch: int) -> None:
    """Let dropout and its like begin an epoch from a state of its own: Keras counts their throws, but does not save the count."""
    for layer in model.layers:
        if generator := getattr(layer, "seed_generator", None):
            generator.state.assign([generator.state[0], epoch * 1_000_000])  # more than an epoch has steps


def _is_out_of_patience(at: Checkpoint, settings: Mapping[str, Any], watched: str) -> bool:
    return bool(settings["patience"]) and watched == "tune" and at.epoch - at.best_epoch >= settings["patience"]


def _require_finite(*losses: float) -> None:
    from allcore.base.errors import AllcoreError

    if not np.isfinite(losses).all():
        raise AllcoreError("The loss is no longer a number: the training has diverged.", "Try a smaller learning rate.")


def _predicted(model: keras.Model, images: np.ndarray) -> np.ndarray:
    parts = [model.predict_on_batch(images[start : start + _PREDICT_BATCH]) for start in range(0, len(images), _PREDICT_BATCH)]
    return np.concatenate(parts)


def _exported(model: keras.Model, path: Path) -> None:
    outputs = {"probabilities": model.output, "embedding": model.get_layer("embedding").output}
    two = keras.Model(model.input, outputs)
    two(np.zeros((1, *model.input.shape[1:]), np.uint8))  # Keras exports only what was called
    with fileio.replacing(path) as aside:
        # Keras tells the format by the suffix, and the file aside has another.
        named = aside.with_suffix(".onnx")
        two.export(named, format="onnx", verbose=False)
        named.rename(aside)


def _saved(model: keras.Model, attempt: Attempt, path: Path) -> None:
    with attempt.replacing(path) as aside:
        named = aside.with_suffix(".keras")
        model.save(named)
        named.rename(aside)
