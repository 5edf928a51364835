"""Training a network, epoch by epoch, so that it can be stopped anywhere and go on later."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

# Off by default on AMD processors, and worth up to twice the speed; read when TensorFlow is imported, so it comes first.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from allcore.base.errors import AllcoreError, Cancelled
from allcore.models import registry
from allcore.models.cnn import imagenet, knobs
from allcore.runs import events
from allcore.runs.attempt import Attempt, Interrupted
from allcore.training import batches, graph, learning
from allcore.training.checkpoint import Checkpoint
from allcore.training.material import Material
from allcore.training.spread import Spread
from allcore.training.trained import Trained

SHARE = 0.92
"""Share of the whole job that the epochs take, for the progress bar."""
_PREDICT_BATCH = 32
_KEEP_EVERY = 60.0
"""Seconds between checkpoints within an epoch; a large network waits longer, so that writing takes a twentieth at most."""


def train(attempt: Attempt, material: Material, model_id: str, settings: Mapping[str, Any]) -> Trained:
    """Train a network from its last checkpoint, or from scratch, to the last epoch, or until patience ends or somebody has had enough.

    Raises Cancelled, Interrupted or Fenced as `attempt.check` does; but for the last, a checkpoint of that very step then stands.
    """
    set_up(settings, attempt.threads)
    module = registry.module(model_id)
    classes = len(material.card.class_names)
    folder = attempt.paths.checkpoint
    at = Checkpoint.read(folder)
    with _precision(settings):
        if at.has_model:
            model = learning.resumed(*at.model(folder), settings)
        else:
            model = module.build(settings, classes=classes, seed=settings["seed"])
            if settings.get("start") == knobs.IMAGENET and settings["frozen_epochs"]:
                imagenet.frozen(model, until=module.BASE_ENDS)
            learning.compiled(model, settings)
    spread = _spread(model, settings)
    watched = "tune" if len(material.rows("tune")) else "test"
    images = len(material.rows("train"))
    steps = -(-images // settings["batch_size"])
    while at.epoch < settings["epochs"] and not _is_out_of_patience(at, settings, watched) and not _is_enough(at, attempt, settings):
        number = at.epoch + 1
        if settings.get("start") == knobs.IMAGENET and number == settings["frozen_epochs"] + 1 and number > 1 and not at.step:
            imagenet.thawed(model)
            learning.compiled(model, settings)
            spread = _spread(model, settings)
        attempt.progress(SHARE * at.epoch / settings["epochs"], f"Epoch {number} of {settings['epochs']}")
        began = time.perf_counter()
        # The order and the dice are functions of seed, epoch and step alone, so a resumed run goes on as an undisturbed one does.
        _set_dice(spread or model, number, at.step)
        watch = _Watch(attempt, settings, at, steps, began)
        fed = batches.of_epoch(material.cells, material.rows("train"), settings, epoch=number, first=at.step)
        if spread:
            learnt = spread.fit(fed, watch)
        else:
            history = model.fit(fed, shuffle=False, callbacks=[watch], verbose=0).history
            learnt = history["loss"][0], history["accuracy"][0]
        seconds = at.spent + time.perf_counter() - began
        loss, accuracy = model.evaluate(batches.of_side(material.cells, material.rows(watched), size=_PREDICT_BATCH), verbose=0)
        _require_finite(learnt[0], loss)
        is_best = watched == "tune" and (at.best_loss is None or loss < at.best_loss)
        at = replace(at, epoch=number, step=0, sums=(), spent=0.0, seconds=(*at.seconds, round(seconds, 3)))
        if is_best:
            at = replace(at, best_epoch=number, best_loss=float(loss))
        # The event first: an attempt that dies between the two does the epoch again and tells it twice, and none is missing.
        attempt.event(
            events.EPOCH,
            epoch=number,
            epochs=settings["epochs"],
            loss=round(float(learnt[0]), 6),
            accuracy=round(float(learnt[1]), 6),
            **{f"{watched}_loss": round(float(loss), 6), f"{watched}_accuracy": round(float(accuracy), 6)},
            seconds=round(seconds, 3),
            images_per_second=round(images / seconds, 2),
        )
        at.write(folder, model, is_best=is_best)
    kept = at.epoch
    if settings["keep"] == "best" and at.best_epoch:
        kept = at.best_epoch
        model.load_weights(at.best_file(folder))
    # The first epoch holds the compilation; where there are more, it is no measure of the others.
    typical = float(np.median(at.seconds[1:] or at.seconds))
    answering = graph.served(model, settings)
    return Trained(
        probabilities=lambda pictures: _predicted(answering, pictures),
        graph=lambda: graph.drawn(answering, module),
        save=lambda: _saved(answering, attempt, attempt.paths.keras),
        features=None,
        parameters=model.count_params(),
        epochs=at.epoch,
        kept_epoch=kept,
        epoch_seconds=typical,
        images_per_second=images / typical,
        told={"finished_on_request": True} if at.epoch < settings["epochs"] and not _is_out_of_patience(at, settings, watched) else {},
    )


class _Watch(keras.callbacks.Callback):
    """At each step: sets the rate, tells how far the epoch is, keeps a checkpoint now and then, and lets the attempt stop it.

    What `progress` raises goes through `fit` to `train`.
    """

    def __init__(self, attempt: Attempt, settings: Mapping[str, Any], at: Checkpoint, steps: int, began: float) -> None:
        super().__init__()
        self._attempt, self._settings, self._at, self._steps, self._began = attempt, settings, at, steps, began
        self._next, self._rate = time.monotonic() + _KEEP_EVERY, math.nan

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if batch == 0:
            for variable, value in zip(self.model.metrics_variables, _flat(self._at.sums), strict=False):
                variable.assign(value)
        step = self._at.epoch * self._steps + self._at.step + batch
        rate = learning.rate(self._settings, step, self._settings["epochs"] * self._steps)
        if rate != self._rate:  # to set it takes a hundredth of a small network's step
            self.model.optimizer.learning_rate = self._rate = rate

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        done = self._at.step + batch + 1
        share = SHARE * (self._at.epoch + done / self._steps) / self._settings["epochs"]
        try:
            self._attempt.progress(share, f"Epoch {self._at.epoch + 1} of {self._settings['epochs']}")
        except (Cancelled, Interrupted):
            self._keep(done)
            raise
        if time.monotonic() > self._next and done < self._steps:
            before = time.monotonic()
            self._keep(done)
            self._next = time.monotonic() + max(_KEEP_EVERY, 20 * (time.monotonic() - before))

    def _keep(self, done: int) -> None:
        sums = tuple(tuple(np.asarray(variable, np.float64).ravel().tolist()) for variable in self.model.metrics_variables)
        spent = self._at.spent + time.perf_counter() - self._began
        model = self.model.brought_home() if isinstance(self.model, Spread) else self.model
        replace(self._at, step=done, sums=sums, spent=round(spent, 3)).write(self._attempt.paths.checkpoint, model)


def _flat(sums: tuple[tuple[float, ...], ...]) -> Iterator[Any]:
    return (np.array(values, np.float32).reshape(()) if len(values) == 1 else np.array(values, np.float32) for values in sums)


def set_up(settings: Mapping[str, Any], allotted: int) -> None:
    """Seeds, threads (those of the settings, else those allotted, else all), and memory that grows as it is needed."""
    threads = settings["threads"] or allotted
    for device in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(device, True)
    if threads:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        except RuntimeError as error:  # TensorFlow has computed before in this process
            if tf.config.threading.get_intra_op_parallelism_threads() != threads:
                raise AllcoreError("The number of threads can't be set any more in this process.", "Set threads to 0.") from error
    keras.utils.set_random_seed(settings["seed"])
    tf.config.experimental.enable_op_determinism()


@contextmanager
def _precision(settings: Mapping[str, Any]) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if settings["mixed_precision"] else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _spread(model: keras.Model, settings: Mapping[str, Any]) -> Spread | None:
    """What trains `model`, which is compiled, on several devices; None where one does."""
    if settings.get("gpus", 1) == 1:  # a run that was begun before there was the setting has none
        return None
    with _precision(settings):
        return Spread(model, settings)


def _set_dice(model: keras.Model | Spread, epoch: int, step: int) -> None:
    """Let dropout and its like begin from a state that epoch and step give: Keras counts their throws, but does not save the count."""
    throws = epoch * 1_000_000 + step  # more than an epoch has steps; one throw a step
    if isinstance(model, Spread):
        model.set_dice(throws)
        return
    for layer in model.layers:
        if generator := getattr(layer, "seed_generator", None):
            generator.state.assign([generator.state[0], throws])


def _is_out_of_patience(at: Checkpoint, settings: Mapping[str, Any], watched: str) -> bool:
    waited = at.epoch - max(at.best_epoch, at.since)
    return bool(settings["patience"]) and watched == "tune" and not at.step and waited >= settings["patience"]


def _is_enough(at: Checkpoint, attempt: Attempt, settings: Mapping[str, Any]) -> bool:
    """Whether somebody asked for the end, and what is kept is of a whole epoch."""
    return attempt.is_to_finish and bool(at.best_epoch if settings["keep"] == "best" else at.epoch and not at.step)


def _require_finite(*losses: float) -> None:
    if not np.isfinite(losses).all():
        raise AllcoreError("The loss is no longer a number: the training has diverged.", "Try a smaller learning rate.")


def _predicted(model: keras.Model, images: np.ndarray) -> np.ndarray:
    parts = [model.predict_on_batch(images[start : start + _PREDICT_BATCH]) for start in range(0, len(images), _PREDICT_BATCH)]
    return np.concatenate(parts)


def _saved(model: keras.Model, attempt: Attempt, path: Path) -> None:
    with attempt.replacing(path) as aside:
        named = aside.with_suffix(".keras")
        try:
            model.save(named)
            named.rename(aside)
        finally:
            named.unlink(missing_ok=True)
