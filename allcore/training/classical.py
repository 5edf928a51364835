"""Training a classical classifier: a feature vector, a fit, and a temperature from further fits on patients held out in turn."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from allcore.models import features, registry, vectors
from allcore.models.classical import calibration, fitted
from allcore.models.classical.fitted import Fitted
from allcore.models.features import Features
from allcore.runs import events
from allcore.runs.attempt import Attempt
from allcore.training.material import Material
from allcore.training.trained import Trained

FEATURES, FIT, CALIBRATION = (0.02, 0.3), (0.3, 0.5), (0.5, 0.92)
"""Shares of the whole job, for the progress bar."""


@dataclass(frozen=True)
class Vectors:
    """The training side's vectors, with what makes others."""

    made: Features
    train: np.ndarray
    """float32 (images, d)."""
    every: np.ndarray | None
    """Of all images, float32, where they are kept on disk."""


def train(attempt: Attempt, material: Material, model_id: str, settings: Mapping[str, Any]) -> Trained:
    """Fit features, classifier and temperature on the training side. Raises as `attempt.check` does."""
    import joblib

    rows = material.rows("train")
    labels = material.labels[rows]
    began = time.perf_counter()
    found = _vectors(attempt, material, rows, settings)
    attempt.event(events.STAGE, stage="features", seconds=_since(began), length=found.train.shape[1])

    attempt.progress(FIT[0], "Fitting")
    began = time.perf_counter()
    classifier = fitted.fit(model_id, settings, found.train, labels, seed=settings["seed"])
    learned = registry.module(model_id).learned(classifier.estimator)
    attempt.event(events.STAGE, stage="fit", seconds=_since(began), iterations=learned.iterations, converged=learned.converged)
    told: dict[str, Any] = {"calibrated": False, "calibration_note": "Switched off."}
    if settings["calibrate"]:
        classifier, told = _calibrated(attempt, material, rows, found, classifier, settings)
    seconds = time.perf_counter() - began

    def save() -> None:
        with attempt.replacing(attempt.paths.joblib) as aside:
            joblib.dump(classifier, aside)
        found.made.save(attempt.paths.features)

    return Trained(
        probabilities=lambda pictures: classifier.probabilities(found.made.of(pictures)),
        graph=lambda: classifier.graph(found.train.shape[1]),
        save=save,
        features=found.made,
        vectors=found.every,
        parameters=learned.parameters,
        epochs=None,
        kept_epoch=None,
        epoch_seconds=None,
        images_per_second=len(rows) / seconds,
        told={"unit": learned.unit, "iterations": learned.iterations, "converged": learned.converged, **told},
    )


def _vectors(attempt: Attempt, material: Material, rows: np.ndarray, settings: Mapping[str, Any]) -> Vectors:
    attempt.progress(FEATURES[0], "Computing features")
    if settings["features"] == features.CELL:
        low, high = FEATURES
        every = vectors.opened(
            attempt.artifacts.dataset(material.card.id),
            material.pixels,
            lambda share: attempt.progress(low + (high - low) * share, "Measuring cells"),
        )
        return Vectors(Features(features.CELL, material.pixels.shape[1]), np.asarray(every[rows]), every)
    images = material.images(rows)
    made = features.fitted(settings["features"], images, components=settings["components"], seed=settings["seed"])
    return Vectors(made, made.of(images), None)


def _calibrated(
    attempt: Attempt, material: Material, rows: np.ndarray, found: Vectors, classifier: Fitted, settings: Mapping[str, Any]
) -> tuple[Fitted, dict[str, Any]]:
    """The classifier with its temperature, and what is told of it. What features learn is learnt anew without those held out."""
    began = time.perf_counter()
    labels = material.labels[rows]
    groups = material.records["subject"].to_numpy()[rows] if material.card.has_subjects else None
    parts = calibration.folds(labels, groups, seed=settings["seed"])
    unit = "images" if groups is None else "patients"
    if not parts:
        told = {"calibrated": False, "calibration_note": f"A class has too few {unit} on the training side to hold any out."}
        attempt.event(events.STAGE, stage="calibration", seconds=_since(began), **told)
        return classifier, told
    scores = []
    low, high = CALIBRATION
    for number, (fit, rest) in enumerate(parts):
        attempt.progress(low + (high - low) * number / len(parts), f"Calibrating, fit {number + 1} of {len(parts)}")
        known, unseen = _apart(found, material, rows, fit, rest, settings)
        part = fitted.fit(classifier.model, settings, known, labels[fit], seed=settings["seed"])
        scores.append(part.scores(unseen))
    held_out = np.concatenate([rest for _, rest in parts])
    # Weighed as the fit was: the classifier's answer is one for equally frequent classes then, and so is its sureness.
    weights = compute_sample_weight("balanced" if settings.get("class_weights") else None, labels[held_out])
    temperature = calibration.temperature(np.concatenate(scores), labels[held_out], weights)
    told = {"calibrated": True, "temperature": temperature, "calibration_folds": len(parts), "calibration_by": unit}
    attempt.event(events.STAGE, stage="calibration", seconds=_since(began), **told)
    return replace(classifier, temperature=temperature), told


def _apart(
    found: Vectors, material: Material, rows: np.ndarray, fit: np.ndarray, rest: np.ndarray, settings: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors to fit on and to score, the way to make them learnt from the former alone."""
    if not found.made.learned:
        return found.train[fit], found.train[rest]
    images = material.images(rows[fit])
    made = features.fitted(found.made.kind, images, components=settings["components"], seed=settings["seed"])
    return made.of(images), made.of(material.images(rows[rest]))


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 3)
