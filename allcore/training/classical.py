"""Training a classical classifier: a feature vector, one fit."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sklearn.base import ClassifierMixin

from allcore.base import fileio
from allcore.models import features, registry
from allcore.runs import events
from allcore.runs.attempt import Attempt
from allcore.training.material import Material
from allcore.training.trained import Trained


def train(attempt: Attempt, material: Material, model_id: str, settings: Mapping[str, Any]) -> Trained:
    """Fit features and classifier on the training side. Raises as `attempt.check` does."""
    import joblib

    rows = material.rows("train")
    attempt.progress(0.05, "Computing features")
    began = time.perf_counter()
    images = material.images(rows)
    made = features.fitted(settings["features"], images, components=settings["components"], seed=settings["seed"])
    vectors = made.of(images)
    attempt.event(events.STAGE, stage="features", seconds=round(time.perf_counter() - began, 3), length=vectors.shape[1])
    attempt.progress(0.3, "Fitting")
    began = time.perf_counter()
    classifier = registry.module(model_id).build(settings, seed=settings["seed"]).fit(vectors, material.labels[rows])
    seconds = time.perf_counter() - began
    attempt.event(events.STAGE, stage="fit", seconds=round(seconds, 3))

    def save() -> None:
        with attempt.replacing(attempt.paths.joblib) as aside:
            joblib.dump(classifier, aside)
        made.save(attempt.paths.features)

    return Trained(
        probabilities=lambda pictures: classifier.predict_proba(made.of(pictures)),
        export=lambda path: _exported(classifier, vectors.shape[1], path),
        save=save,
        features=made,
        parameters=_parameters(classifier),
        epochs=None,
        kept_epoch=None,
        epoch_seconds=None,
        images_per_second=len(rows) / seconds,
    )


def _parameters(classifier: ClassifierMixin) -> int:
    return int(sum(tree.tree_.node_count for tree in classifier.estimators_))


def _exported(classifier: ClassifierMixin, length: int, path: Path) -> None:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    graph = to_onnx(
        classifier,
        initial_types=[("features", FloatTensorType([None, length]))],
        options={"zipmap": False},
        target_opset=18,
    )
    fileio.write_bytes(path, graph.SerializeToString())
