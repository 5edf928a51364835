"""One run, from its spec to its figures, told top to bottom."""

from __future__ import annotations

import gc
import time
from typing import Any

import numpy as np
import pandas as pd

from allcore.base import fileio
from allcore.base.errors import BadInput
from allcore.data import images
from allcore.inference import calibrated, guard, guarding
from allcore.inference.served import Answer, ServedCard, ServedModel
from allcore.metrics import classification, cycles
from allcore.models import registry
from allcore.models.features import CELL
from allcore.models.spec import CNN
from allcore.runs import events, status, store, summary
from allcore.runs.attempt import Attempt
from allcore.runs.spec import TrainSpec
from allcore.training import environment, material, parity
from allcore.training.material import Material
from allcore.training.trained import Trained

JUDGED = ("tune", "calibrate", "test")
_AT_ONCE = 512


def train(attempt: Attempt) -> None:
    """Do a job of kind `train`: its folder then holds the model, its graph, predictions, embeddings and figures."""
    paths, began = attempt.paths, time.perf_counter()
    spec = TrainSpec.from_params(attempt.spec.params)
    card = registry.card(spec.model)

    attempt.progress(0.0, "Opening the data")
    data = material.gathered(attempt.artifacts, spec)
    _certify(attempt, data)

    trained = _trained(attempt, data, card.family, spec)
    gc.collect()  # a network's optimiser, as large as two networks, goes before its copies come

    attempt.become(status.FINISHING)
    attempt.progress(0.93, "Saving the model")
    attempt.write_json(
        paths.environment,
        environment.described(
            seed=spec.settings["seed"],
            split_seed=spec.split.seed,
            threads=spec.settings.get("threads", 0) or attempt.threads,
            fingerprint=spec.data_fingerprint,
            split=data.split.certificate.hash,
        ),
    )
    trained.save()
    attempt.progress(0.94, "Exporting to ONNX")
    with attempt.replacing(paths.onnx) as aside:
        trained.graph().write(aside)
    model = ServedModel(_served_card(attempt, spec, data, trained), paths.onnx, trained.features, threads=attempt.threads)

    answer = _answered(attempt, model, data.pixels, trained.vectors)
    same = _checked(data, trained, answer.probabilities)
    parity.require(same)
    attempt.progress(0.99, "Computing the figures")
    _write_answers(attempt, data, answer)
    scores = _scores(data, answer.probabilities)
    metrics = {
        "test": scores["test"].to_dict(),
        **({"tune": scores["tune"].to_dict()} if "tune" in scores else {}),
        "constant": classification.constant(
            data.labels[data.rows("test")], data.labels[data.rows("train")], classes=data.card.class_names
        ).to_dict(),
        "onnx_parity": same.to_dict(),
        "training": {
            "parameters": trained.parameters,
            "epochs": trained.epochs,
            "kept_epoch": trained.kept_epoch,
            "epoch_seconds": _rounded(trained.epoch_seconds),
            "images_per_second": _rounded(trained.images_per_second),
            "seconds": _rounded(time.perf_counter() - began),
            "model_bytes": paths.onnx.stat().st_size,
            **trained.told,
            **_cycles(attempt),
        },
    }
    attempt.write_json(paths.metrics, metrics)
    test_images = data.records["image_id"].to_numpy()[data.rows("test")]
    test_side = summary.side_hash(test_images, data_fingerprint=spec.data_fingerprint)
    attempt.write_json(paths.summary, summary.of(metrics, data.split.certificate, test_side=test_side).to_dict())
    calibrated.save(calibrated.fitted(store.predictions(paths), data.card.class_names), paths, attempt)
    _guarded(attempt, data, answer.embeddings, standardise=model.card.features == CELL)
    # Last, since a run with this file counts as one that can answer.
    attempt.write_json(paths.model_card, model.card.to_dict())
    attempt.event(events.STAGE, stage="done", seconds=_rounded(time.perf_counter() - began))


def _cycles(attempt: Attempt) -> dict[str, Any]:
    found = cycles.read(events.epochs(events.read(attempt.paths)))
    return {} if found is None else {"cycles": found.to_dict()}


def _certify(attempt: Attempt, data: Material) -> None:
    certificate = data.split.certificate
    if attempt.paths.certificate.exists() and fileio.read_json(attempt.paths.certificate)["hash"] != certificate.hash:
        raise BadInput(
            "The sides are not those that this run began with; duplicates may have been looked for since.", "Submit a new run in its place."
        )
    with attempt.replacing(attempt.paths.split) as aside:
        pd.DataFrame({"image_id": data.records["image_id"], "side": data.split.sides}).to_parquet(aside)
    attempt.write_json(attempt.paths.certificate, {**certificate.to_dict(), "verdict": certificate.verdict()})


def _trained(attempt: Attempt, data: Material, family: str, spec: TrainSpec) -> Trained:
    if family == CNN:
        attempt.progress(0.0, "Starting TensorFlow")
        from allcore.training import cnn

        return cnn.train(attempt, data, spec.model, spec.settings)
    from allcore.training import classical

    return classical.train(attempt, data, spec.model, spec.settings)


def _served_card(attempt: Attempt, spec: TrainSpec, data: Material, trained: Trained) -> ServedCard:
    return ServedCard(
        run=attempt.paths.id,
        model=spec.model,
        family=registry.card(spec.model).family,
        class_names=data.card.class_names,
        positive=data.card.positive,
        input_size=spec.settings["input_size"],
        transform=images.TRANSFORM,
        features=trained.features.kind if trained.features else "",
        data=spec.data,
        synthetic=data.card.synthetic,
    )


def _answered(attempt: Attempt, model: ServedModel, pixels: np.ndarray, vectors: np.ndarray | None) -> Answer:
    """For all images; embeddings are megabytes by the thousand, and held once: a classifier's are its vectors."""
    parts, embeddings = [], vectors
    for start in range(0, len(pixels), _AT_ONCE):
        attempt.progress(0.95 + 0.04 * start / len(pixels), "Answering for every image")
        at_once = slice(start, start + _AT_ONCE)
        part = model.answer(pixels[at_once]) if vectors is None else model.answer_vectors(np.asarray(vectors[at_once]))
        parts.append(part.probabilities)
        if vectors is None:
            embeddings = np.empty((len(pixels), part.embeddings.shape[1]), np.float32) if embeddings is None else embeddings
            embeddings[at_once] = part.embeddings
    return Answer(np.concatenate(parts), embeddings)


def _checked(data: Material, trained: Trained, answered: np.ndarray) -> parity.Parity:
    rows = data.rows("test")
    return parity.compared(trained.probabilities(data.images(rows)), answered[rows])


def _write_answers(attempt: Attempt, data: Material, answer: Answer) -> None:
    """predictions.parquet for the sides that were not trained on, embeddings.npy for all images."""
    rows = np.flatnonzero(np.isin(data.split.sides, JUDGED))
    table = data.records.iloc[rows][["image_id", "subject", "label"]].reset_index(drop=True)
    table.insert(2, "side", data.split.sides[rows])
    table.insert(3, "fold", np.full(len(rows), data.split.certificate.fold, np.int16))
    for index, name in enumerate(data.card.class_names):
        table[f"p_{name}"] = answer.probabilities[rows, index].astype(np.float32)
    with attempt.replacing(attempt.paths.predictions) as aside:
        table.to_parquet(aside)
    with attempt.replacing(attempt.paths.embeddings) as aside, open(aside, "wb") as file:
        np.save(file, answer.embeddings.astype(np.float16))


def _guarded(attempt: Attempt, data: Material, embeddings: np.ndarray, *, standardise: bool) -> None:
    attempt.progress(0.99, "Learning what its cells look like")
    people = data.records["subject"].to_numpy() if data.card.has_subjects else None
    made = guarding.fitted(data.pixels, embeddings, data.labels, data.split.sides, people, standardise=standardise)
    guard.save(made, attempt.paths, attempt)


def _scores(data: Material, probabilities: np.ndarray) -> dict[str, classification.Scores]:
    found = {}
    for side in ("tune", "test"):
        rows = data.rows(side)
        if len(rows):
            found[side] = classification.evaluate(
                data.labels[rows],
                probabilities[rows],
                classes=data.card.class_names,
                positive=data.card.positive,
                subjects=data.records["subject"].to_numpy()[rows] if data.card.has_subjects else None,
            )
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)
