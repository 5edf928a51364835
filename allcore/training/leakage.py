"""Leakage measured: a quick model trained twice for each of many designs, and the gap between the two on the same test cells."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from allcore.base.errors import BadInput
from allcore.data import cache, paired, records
from allcore.data.paired import Design
from allcore.metrics import leakage
from allcore.models import features
from allcore.runs.attempt import Attempt

MODEL = "support vector machine (radial kernel, C 3) on 48 principal components"
_COMPONENTS = 48


def measure(attempt: Attempt) -> None:
    """Do a job of kind `leakage`: its folder then holds `leakage.json`."""
    params, (pixels, labels, subjects) = attempt.spec.params, opened(attempt)
    repeats, found = params["repeats"], []
    for number in range(repeats):
        attempt.progress(0.02 + 0.96 * number / repeats, f"Split {number + 1} of {repeats}")
        found.append(answered(pixels, labels, paired.design(labels, subjects, seed=params["seed"] + number), seed=number))
    attempt.write_json(attempt.paths.leakage, {**leakage.concluded(found, labels, subjects).to_dict(), "model": MODEL})


def opened(attempt: Attempt) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels (n, size, size, 3), classes (n,) and patients (n,) of a job's data set. Raises BadInput where that is another now."""
    params = attempt.spec.params
    paths = attempt.artifacts.dataset(params["name"])
    attempt.progress(0.0, "Opening the data")
    card = records.read_card(paths)
    if card.fingerprint != params["data_fingerprint"]:
        raise BadInput(f"Data set '{card.id}' is not the one this was submitted for.", "Submit it anew.")
    return cache.opened(paths), *records.labels_and_subjects(records.read_records(paths), card)


def answered(pixels: np.ndarray, labels: np.ndarray, design: Design, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Test rows, and whether the model that knew their patients, and the one that did not, answered each rightly; (n,) each."""
    test = pooled(pixels[design.test])
    right = [fitted(pixels, labels, rows, seed)(test) == labels[design.test] for rows in (design.acquainted, design.strangers)]
    return design.test, *right


def fitted(pixels: np.ndarray, labels: np.ndarray, rows: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """The quick model of `MODEL`, learnt from these rows of `pixels`: from `pooled` pictures to classes (n,)."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    images = pooled(pixels[rows])
    made = features.fitted(features.PCA, images, components=_COMPONENTS, seed=seed)
    model = make_pipeline(StandardScaler(), SVC(C=3, class_weight="balanced"))
    model.fit(made.of(images), labels[rows])
    return lambda pictures: model.predict(made.of(pictures))


def pooled(images: np.ndarray) -> np.ndarray:
    """Half the side, by the mean of four pixels: a quarter of the work, and little is lost."""
    side = images.shape[1] // 2
    whole = np.asarray(images)[:, : 2 * side, : 2 * side]
    return whole.reshape(len(whole), side, 2, side, 2, 3).mean(axis=(2, 4)).round().astype(np.uint8)
