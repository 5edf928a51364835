"""Leakage measured: a model trained twice for each of many designs, and the gap between the two on the same test cells."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import numpy as np

from allcore.base.errors import BadInput
from allcore.data import cache, paired, records
from allcore.data.paired import Design
from allcore.metrics import leakage
from allcore.models import features, presets, registry
from allcore.runs.attempt import Attempt
from allcore.runs.leakage import QUICK
from allcore.training.material import Cells

MODEL = "support vector machine (radial kernel, C 3) on 48 principal components"
_COMPONENTS = 48

Told = Callable[[float], None]
"""Is given the share of one training that is done, 0 to 1."""
Learn = Callable[[np.ndarray, int, Told], Callable[[np.ndarray], np.ndarray]]
"""From training rows and a seed to a model: from test rows (n,) to classes (n,)."""

Answers = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Of one split: test rows (n,) int, whether the model that knew their patients answered each rightly (n,) bool, and the other one (n,)."""
_ANSWERS = ("rows", "acquainted", "strangers")


def measure(attempt: Attempt) -> None:
    """Do a job of kind `leakage` or `leakage-network`: its folder then holds `leakage.json`."""
    params, (pixels, labels, subjects) = attempt.spec.params, opened(attempt)
    repeats = params["repeats"]
    learn, said = quick(pixels, labels), MODEL
    if params.get("model", QUICK) != QUICK:
        attempt.progress(0.0, "Starting TensorFlow")
        learn, said = _network(attempt, params["model"], labels)

    def split(number: int) -> Answers:
        def told(share: float) -> None:
            attempt.progress(0.02 + 0.96 * (number + share) / repeats, f"Split {number + 1} of {repeats}")

        told(0.0)
        made = paired.design(labels, subjects, seed=params["seed"] + number)
        return answered(labels, made, learn, seed=number, told=told)

    found = [_once(attempt, number, split) for number in range(repeats)]
    attempt.write_json(attempt.paths.leakage, leakage.concluded(found, labels, subjects, model=said).to_dict())
    shutil.rmtree(attempt.paths.checkpoint, ignore_errors=True)


def _once(attempt: Attempt, number: int, split: Callable[[int], Answers]) -> Answers:
    """A split's answers, from an earlier attempt where one got so far: a network takes minutes for each."""
    path = attempt.paths.checkpoint / f"split-{number}.npz"
    if path.exists():
        with np.load(path) as kept:
            return tuple(kept[name] for name in _ANSWERS)
    found = split(number)
    with attempt.replacing(path) as aside, open(aside, "wb") as file:
        np.savez(file, **dict(zip(_ANSWERS, found, strict=True)))
    return found


def opened(attempt: Attempt) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels (n, size, size, 3), classes (n,) and patients (n,) of a job's data set. Raises BadInput where that is another now."""
    params = attempt.spec.params
    paths = attempt.artifacts.dataset(params["name"])
    attempt.progress(0.0, "Opening the data")
    card = records.read_card(paths)
    if card.fingerprint != params["data_fingerprint"]:
        raise BadInput(f"Data set '{card.id}' is not the one this was submitted for.", "Submit it anew.")
    return cache.opened(paths), *records.labels_and_subjects(records.read_records(paths), card)


def answered(labels: np.ndarray, design: Design, learn: Learn, *, seed: int, told: Told = lambda share: None) -> Answers:
    """Test rows, and whether the model that knew their patients, and the one that did not, answered each rightly; (n,) each."""
    right = []
    for place, rows in enumerate((design.acquainted, design.strangers)):
        model = learn(rows, seed, lambda share, place=place: told((place + share) / 2))
        right.append(model(design.test) == labels[design.test])
    return design.test, *right


def quick(pixels: np.ndarray, labels: np.ndarray) -> Learn:
    """The model of `MODEL`, from cells of these `pixels` (n, size, size, 3) and `labels` (n,)."""

    def learn(rows: np.ndarray, seed: int, told: Told) -> Callable[[np.ndarray], np.ndarray]:
        model = fitted(pixels, labels, rows, seed)
        return lambda test: model(pooled(pixels[test]))

    return learn


def _network(attempt: Attempt, model_id: str, labels: np.ndarray) -> tuple[Learn, str]:
    """A network by its first lesson, and what it is in words."""
    from allcore.training import brief

    card = registry.card(model_id)
    form = card.form(presets.FIRST_LESSON)
    if attempt.spec.params.get("form", form) != form:
        raise BadInput(
            f"{card.name} is another since an update: its answers could not be put together with earlier ones.", "Submit it anew."
        )
    first = brief.settings(model_id)
    paths = attempt.artifacts.dataset(attempt.spec.params["name"])
    cells = Cells(cache.opened(paths, first["input_size"]), labels, len(np.unique(labels[labels >= 0])))

    def learn(rows: np.ndarray, seed: int, told: Told) -> Callable[[np.ndarray], np.ndarray]:
        return brief.learnt(cells, rows, model_id, {**first, "seed": seed}, threads=attempt.threads, told=told)

    return learn, f"{card.name} as in its first lesson, {first['epochs']} epochs at {first['input_size']} pixels"


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
