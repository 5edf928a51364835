"""How a guard is fitted to a run: distances from its training side, limits from patients that it was not trained on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import cache, records
from allcore.inference import guard, measures, served
from allcore.inference.guard import HELD_OUT, TRAINED_ON, Guard, Origin
from allcore.models.features import CELL
from allcore.runs import spec, store
from allcore.runs.spec import TrainSpec

MOST = 3000
"""Training cells that the distances are learnt from; of more, so many at random."""
DIRECTIONS = 32


def fitted(
    pixels: np.ndarray, embeddings: np.ndarray, labels: np.ndarray, sides: np.ndarray, subjects: np.ndarray | None, *, standardise: bool
) -> Guard:
    """Fit a guard.

    pixels: uint8 (images, size, size, 3). embeddings: (images, d). labels: int (images,), -1 without one. sides: text (images,).
    subjects: text (images,), None where unknown. standardise: whether the embedding's numbers have units of their own.
    """
    dice = np.random.default_rng(0)
    everyone = np.flatnonzero((sides == "train") & (labels >= 0))
    train = everyone if len(everyone) <= MOST else np.sort(dice.choice(everyone, MOST, replace=False))
    held = np.flatnonzero(np.isin(sides, ("tune", "calibrate")))
    side = HELD_OUT if len(held) else TRAINED_ON
    judged = held if len(held) else train
    if len(judged) > MOST:
        judged = np.sort(dice.choice(judged, MOST, replace=False))

    codes = np.unique(labels[train], return_inverse=True)[1]
    measured = measures.of_all(pixels[train])
    centres, whitening = _measures_learnt(measured, codes)
    space = _embedding_learnt(np.asarray(embeddings[train], np.float32), codes, standardise=standardise)
    people = None if subjects is None else subjects[judged]
    origin = Origin(side, len(judged), None if people is None else len(set(people)), len(train))
    none, nowhere = dict.fromkeys(guard.TOPICS, 1.0), np.empty((0, len(space["spreads"])), np.float32)
    made = Guard(origin, none, centres, whitening, **space, places=nowhere, rows=everyone)
    parts = [made.placed(embeddings[everyone[start : start + 512]])[0] for start in range(0, len(everyone), 512)]
    found = made.distances(measured if side == TRAINED_ON else measures.of_all(pixels[judged]), embeddings[judged])
    units = origin.patients or origin.images
    return replace(made, limits=_limits(found, _weights(people, len(judged)), _level(units)), places=np.concatenate(parts))


def _measures_learnt(measured: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    centres = np.stack([measured[codes == one].mean(axis=0) for one in range(codes.max() + 1)])
    off, whitening, start = measured - centres[codes], {}, 0
    for topic, floors in measures.MEASURES.items():
        own = off[:, start : start + len(floors)]
        covariance = own.T @ own / len(own) + np.diag(np.square(list(floors.values())))
        whitening[topic] = np.linalg.inv(np.linalg.cholesky(covariance)).T
        start += len(floors)
    return centres, whitening


def _embedding_learnt(embeddings: np.ndarray, codes: np.ndarray, *, standardise: bool) -> dict:
    from sklearn.decomposition import PCA

    mean = embeddings.mean(axis=0)
    unit = embeddings.std(axis=0) if standardise else np.ones_like(mean)
    unit = np.where(unit > 1e-6 * max(float(unit.max()), 1e-12), unit, max(float(np.median(unit)), 1e-6)).astype(np.float32)
    off = (embeddings - mean) / unit
    # Fewer directions than a tenth of the cells: the spread along each must be known.
    count = max(1, min(DIRECTIONS, len(off) // 10, off.shape[1]))
    pca = PCA(count, svd_solver="randomized", random_state=0).fit(off)
    directions = pca.components_.astype(np.float32)
    along = off @ (directions.T)
    hubs = np.stack([along[codes == one].mean(axis=0) for one in range(codes.max() + 1)]).astype(np.float64)
    within = (along - hubs[codes]).std(axis=0).astype(np.float64)
    left = np.maximum((off.astype(np.float64) ** 2).sum() - (along.astype(np.float64) ** 2).sum(), 0.0)
    others = off.shape[1] - count
    rest = float(np.sqrt(left / (len(off) * others))) if others else 1.0
    least = 1e-3 * max(float(within.max()), 1e-6)
    return {
        "mean": mean.astype(np.float32),
        "unit": unit,
        "directions": directions,
        "hubs": hubs,
        "spreads": np.maximum(within, least),
        "rest": max(rest, least),
    }


def _weights(people: np.ndarray | None, count: int) -> np.ndarray:
    """(count,): every patient weighs alike, however many cells."""
    if people is None:
        return np.full(count, 1 / count)
    _, codes, sizes = np.unique(people, return_inverse=True, return_counts=True)
    return 1 / (len(sizes) * sizes[codes])


def _level(units: int) -> float:
    """The share of the held-out weight to lie within the limits, so that of a new patient's cells at most FALSE_ALARMS lie outside.

    The new patient counts as one more, of whom nothing is known (Lee, Barber & Willett 2023, arXiv:2306.06342); with fewer than 19 that
    can't be promised, and the limits are the farthest cell's.
    """
    return min(1.0, (1 - guard.FALSE_ALARMS) * (units + 1) / units)


def _limits(found: dict[str, np.ndarray], weights: np.ndarray, level: float) -> dict[str, float]:
    """Each topic's limit: of its own quantile the multiple within which, all topics together, a share `level` of the weight lies."""
    own = {topic: max(_quantile(values, weights, level), 1e-9) for topic, values in found.items()}
    worst = np.max([values / own[topic] for topic, values in found.items()], axis=0)
    together = _quantile(worst, weights, level)
    return {topic: limit * together for topic, limit in own.items()}


def _quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    """The smallest value within which a share `level` of the weight lies."""
    order = np.argsort(values)
    place = int(np.searchsorted(np.cumsum(weights[order]), level - 1e-12))
    return float(values[order][min(place, len(values) - 1)])


def of_run(artifacts: Artifacts, paths: JobPaths) -> Guard:
    """A finished run's guard; of a run from before there were guards it is fitted now, some seconds for thousands of cells, and kept.

    Raises NotFound where that can't be: the run isn't done, or its data set has gone or changed.
    """
    found = guard.read(paths)
    if found is not None:
        return found
    card = served.read_card(paths)
    plan = TrainSpec.from_params(spec.read(paths).params)
    data = artifacts.dataset(plan.data)
    about = records.read_card(data)
    if about.fingerprint != plan.data_fingerprint:
        raise NotFound(f"Data set '{plan.data}' is not the one that run '{paths.id}' was trained on.", "Train it anew to give it a guard.")
    table = records.read_records(data)
    names = {name: index for index, name in enumerate(card.class_names)}
    made = fitted(
        cache.opened(data, card.input_size),
        store.embeddings(paths),
        table["label"].map(names).fillna(-1).to_numpy(np.int64),
        store.sides(paths),
        table["subject"].to_numpy() if about.has_subjects else None,
        standardise=card.features == CELL,
    )
    guard.save(made, paths)
    return made
