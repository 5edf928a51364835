"""Is this like what the model has seen? A verdict on one picture, before its answer is believed.

Five topics, each a distance from the training side: the outline, the scale, the stain, the quality, and the place in the run's
embedding. A topic's distance is Mahalanobis' from the nearest class with one covariance for all (Lee et al. 2018, NeurIPS); in the
embedding only the directions in which the training side varies most have a spread of their own, all others share one (Tipping &
Bishop 1999). Limits come from patients held out of the training: of a new patient's cells 5 % at most are to be refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from allcore.base import fileio
from allcore.base.paths import JobPaths
from allcore.inference import measures

EMBEDDING = "embedding"
TOPICS = (*measures.MEASURES, EMBEDDING)
REASONS = {
    measures.OUTLINE: "It does not show one whole cell in the middle, cut out as the training cells were.",
    measures.SCALE: "The cell is not of the training cells' size in the picture.",
    measures.STAIN: "Its colours are not those of the training cells.",
    measures.QUALITY: "Light or sharpness differ from the training pictures'.",
    EMBEDDING: "To the model it looks unlike every cell it was trained on.",
}
FALSE_ALARMS = 0.05
_STARTS = np.cumsum([0, *map(len, measures.MEASURES.values())])[:-1]
"""Where each topic's measures begin among all."""
HELD_OUT, TRAINED_ON = "held out", "train"


@dataclass(frozen=True)
class Verdict:
    """Whether a picture may be judged. `scores`: each topic's distance by its limit; above 1 it is a reason."""

    ok: bool
    reasons: tuple[str, ...]
    """Sentences, the weightiest first; empty where `ok`."""
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Origin:
    """What a guard's limits were set on."""

    side: str
    """HELD_OUT: the tune and calibrate parts; TRAINED_ON: the training side, where there are no such parts."""
    images: int
    patients: int | None
    """None where patients are unknown: then every image weighs alike."""
    trained_on: int
    """Images that the distances are from."""
    false_alarms: float = FALSE_ALARMS

    @property
    def note(self) -> str:
        """In a sentence."""
        if self.side == TRAINED_ON:
            return "The run kept no part for it: the guard could only be set on training images, and refuses too many proper cells."
        people = "of patients that are not known" if self.patients is None else f"of {self.patients} patients"
        goal = f"so that it refuses at most {self.false_alarms:.0%} of a new patient's proper cells"
        if self.patients is not None and self.patients < 1 / self.false_alarms - 1:
            goal = f"too few to promise how many of a new patient's proper cells it refuses ({self.false_alarms:.0%} is the aim)"
        return f"Set on {self.images:,} cells {people} that the model was not trained on, {goal}."


@dataclass(frozen=True)
class Guard:
    """Fitted to one run. Arrays: m measures, d dimensions of the embedding, k directions kept, c classes."""

    origin: Origin
    limits: Mapping[str, float]
    centres: np.ndarray
    """float64 (c, m): the classes' mean measures."""
    whitening: Mapping[str, np.ndarray]
    """For each topic of measures float64 (own, own): what turns differences into ones of spread 1."""
    mean: np.ndarray
    """float32 (d,)."""
    unit: np.ndarray
    """float32 (d,): what an embedding's differences are divided by first."""
    directions: np.ndarray
    """float32 (k, d), orthonormal."""
    hubs: np.ndarray
    """float64 (c, k): the classes' means along the directions."""
    spreads: np.ndarray
    """float64 (k,): within a class, along each direction."""
    rest: float
    """Spread along any other direction."""
    places: np.ndarray
    """float32 (n, k): training cells along the directions."""
    rows: np.ndarray
    """int64 (n,): their rows in the data set's records."""

    def placed(self, embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of embeddings (n, d): places along the directions (n, k), and squared lengths of what these leave over (n,)."""
        off = (np.asarray(embeddings, np.float32) - self.mean) / self.unit
        along = off @ self.directions.T
        return along, np.maximum(_squared(off) - _squared(along), 0.0)

    def distances(self, measured: np.ndarray, embeddings: np.ndarray) -> dict[str, np.ndarray]:
        """Of pictures' measures (n, m) and embeddings (n, d), for each topic its distance (n,)."""
        off = (measured[:, None] - self.centres) @ self._whitening
        nearest = np.add.reduceat(off * off, _STARTS, axis=2).min(axis=1)
        found = dict(zip(measures.MEASURES, np.sqrt(nearest).T, strict=True))
        along, left = self.placed(embeddings)
        off = (along / self.spreads)[:, None] - self._spread_hubs
        near = np.einsum("nck,nck->nc", off, off).min(axis=1)
        found[EMBEDDING] = np.sqrt((near + left / self.rest**2) / max(len(self.mean), len(self.spreads)))
        return found

    @cached_property
    def _whitening(self) -> np.ndarray:
        """All topics' in one, float64 (m, m): what makes a topic's squared distance a mean over its measures."""
        from scipy.linalg import block_diag

        return block_diag(*(self.whitening[topic] / np.sqrt(len(names)) for topic, names in measures.MEASURES.items()))

    @cached_property
    def _spread_hubs(self) -> np.ndarray:
        return self.hubs / self.spreads


def _squared(vectors: np.ndarray) -> np.ndarray:
    """Their squared lengths, float64 (n,)."""
    return np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)


def judge(guard: Guard, pixels: np.ndarray, embedding: np.ndarray) -> Verdict:
    """A verdict on one prepared picture, uint8 (size, size, 3), and its embedding (d,) by the run's model."""
    return judge_measured(guard, measures.of(pixels), embedding)


def judge_measured(guard: Guard, measured: np.ndarray, embedding: np.ndarray) -> Verdict:
    """As `judge`, of measures (m,) taken before."""
    found = guard.distances(measured[None], np.asarray(embedding)[None])
    scores = {topic: float(found[topic][0] / guard.limits[topic]) for topic in TOPICS}
    outside = sorted((topic for topic in TOPICS if not scores[topic] <= 1), key=lambda topic: -scores[topic])
    return Verdict(not outside, tuple(REASONS[topic] for topic in outside), scores)


class Files(Protocol):
    """Who writes: `fileio`, or the attempt that is at work on the run."""

    def replacing(self, path: Path) -> AbstractContextManager[Path]: ...

    def write_json(self, path: Path, document: dict[str, Any]) -> None: ...


def save(guard: Guard, paths: JobPaths, files: Files = fileio) -> None:
    """Into the run's folder, the arrays first: a guard is there once its JSON is."""
    arrays = {name: getattr(guard, name) for name in _ARRAYS}
    arrays |= {f"whitening_{topic}": array for topic, array in guard.whitening.items()}
    with files.replacing(paths.guard_arrays) as aside, open(aside, "wb") as file:
        np.savez(file, **arrays)
    document = {"origin": asdict(guard.origin), "note": guard.origin.note, "limits": dict(guard.limits), "rest": guard.rest}
    files.write_json(paths.guard, {**document, "measures": list(measures.NAMES)})


_ARRAYS = ("centres", "mean", "unit", "directions", "hubs", "spreads", "places", "rows")


def _parsed(path: Path) -> Guard:
    document = fileio.read_json(path)
    if document["measures"] != list(measures.NAMES):  # of another version: to be fitted anew
        raise FileNotFoundError(path)
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in _ARRAYS}
        whitening = {topic: stored[f"whitening_{topic}"] for topic in measures.MEASURES}
    return Guard(Origin(**document["origin"]), document["limits"], whitening=whitening, rest=document["rest"], **arrays)


_read = fileio.remembered(_parsed, most=16)


def read(paths: JobPaths) -> Guard | None:
    """A run's guard, None where it has none yet; shared, not to be altered."""
    try:
        return _read(paths.guard)
    except FileNotFoundError:
        return None
