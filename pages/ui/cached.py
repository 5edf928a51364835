"""The only st.cache_*: what several views or sessions read, keyed by what it was made of.

What st.cache_resource keeps is one object for all sessions, and must not be altered; what st.cache_data keeps is copied at each
read, which costs more than it saves for a table or a set of figures.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import io
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from allcore.base import fileio
from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts
from allcore.data import cache, images, records, splits
from allcore.data.records import DatasetCard
from allcore.data.splits import Certificate, Split, SplitSpec
from allcore.inference import served, uploads
from allcore.inference.shelf import Shelf
from allcore.inference.uploads import Classified, Refused, Upload
from allcore.jobs import submit
from allcore.metrics.scores import ConstantScores, Scores
from allcore.runs import store
from allcore.runs.spec import TrainSpec
from allcore.runs.store import Job

Made = TypeVar("Made")
_SLOW = ("plotly.graph_objects", "sklearn.model_selection", "onnxruntime")


def artifacts() -> Artifacts:
    """The folder that everything is kept in."""
    return Artifacts.locate()


@st.cache_resource(max_entries=8, show_spinner=False)
def _records(root: str, dataset: str, fingerprint: str) -> pd.DataFrame:
    return records.read_records(Artifacts(Path(root)).dataset(dataset))


def dataset_records(card: DatasetCard) -> pd.DataFrame:
    """A data set's table of images."""
    return _records(str(artifacts().root), card.id, card.fingerprint)


@st.cache_resource(max_entries=8, show_spinner=False)
def _pixels(root: str, dataset: str, fingerprint: str) -> np.ndarray:
    return cache.opened(Artifacts(Path(root)).dataset(dataset))


def pixels(card: DatasetCard) -> np.ndarray:
    """A data set's pixels, memory-mapped."""
    return _pixels(str(artifacts().root), card.id, card.fingerprint)


@st.cache_resource(max_entries=8, show_spinner=False)
def _thumbnails(root: str, dataset: str, fingerprint: str) -> Callable[[int], str]:
    opened = _pixels(root, dataset, fingerprint)
    return lru_cache(4000)(lambda row: _webp(np.asarray(opened[row])))


def thumbnails(card: DatasetCard, rows: Iterable[int]) -> list[str]:
    """Images of a data set as data URIs."""
    thumbnail = _thumbnails(str(artifacts().root), card.id, card.fingerprint)
    return [thumbnail(row) for row in rows]


@st.cache_resource(max_entries=64, show_spinner=False)
def _once(key: tuple, _make: Callable[[], Any]) -> Any:
    return _make()


def once(key: tuple, make: Callable[[], Made]) -> Made:
    """What `make` gives, made once for each `key`, which says all that it depends on."""
    return _once(key, make)


@st.cache_data(max_entries=5000, show_spinner=False, scope="session")
def upload_thumbnail(content: bytes) -> str:
    """A picture that this person sent, small, as a data URI."""
    return _webp(images.prepared(content, 64))


def _webp(pixels_: np.ndarray) -> str:
    out = io.BytesIO()
    Image.fromarray(pixels_).save(out, "WEBP", quality=90, method=2)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()


@st.cache_resource(max_entries=16, show_spinner=False)
def _split(root: str, dataset: str, fingerprint: str, spec: SplitSpec) -> Split:
    paths = Artifacts(Path(root)).dataset(dataset)
    return splits.split(records.read_records(paths), records.read_card(paths), spec)


def split(card: DatasetCard, spec: SplitSpec) -> Split:
    """A data set split as `spec` says. Raises BadInput where it can't be."""
    return _split(str(artifacts().root), card.id, card.fingerprint, spec)


@st.cache_resource(max_entries=256, show_spinner=False)
def _planned(root: str, data: str, fingerprint: str, model: str, preset: str, seed: int, changed: tuple) -> tuple[TrainSpec, Certificate]:
    return submit.planned(Artifacts(Path(root)), data=data, model=model, preset=preset, seed=seed, changed=dict(changed))


def planned(card: DatasetCard, *, model: str, preset: str, seed: int, changed: Mapping[str, Any]) -> tuple[TrainSpec, Certificate]:
    """As `submit.planned`, which splits the data at each call. Raises BadInput."""
    return _planned(str(artifacts().root), card.id, card.fingerprint, model, preset, seed, tuple(sorted(changed.items())))


@dataclass(frozen=True)
class Headline:
    """A finished run's figures without its curves: small enough to keep for thousands of runs."""

    scores: Scores
    """Of the test side; `roc` and `roc_micro` are None."""
    constant: ConstantScores
    epoch_seconds: float | None
    certificate: Certificate

    @property
    def trusted(self) -> bool:
        """Whether no patient stands on both sides."""
        return self.certificate.overlapping_subjects == 0

    @property
    def rank(self) -> tuple[bool, float]:
        """To sort by: runs tested on unseen patients above all others, then by balanced accuracy."""
        return (self.trusted, self.scores.balanced_accuracy)


@lru_cache(4000)  # Streamlit's own cache takes a millisecond a look: too much for a thousand runs
def _headline(metrics: str, certificate_: str, mtime_ns: int) -> Headline:
    document = fileio.read_json(Path(metrics))
    full = Scores.from_dict(document["test"])
    return Headline(
        replace(full, by_class=tuple(replace(one, roc=None) for one in full.by_class), roc_micro=None),
        ConstantScores.from_dict(document["constant"]),
        document["training"]["epoch_seconds"],
        Certificate.from_dict(fileio.read_json(Path(certificate_))),
    )


def headline(job: Job) -> Headline | None:
    """A run's figures in short, None while it has none."""
    try:
        stamp = job.paths.metrics.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _headline(str(job.paths.metrics), str(job.paths.certificate), stamp)


@st.cache_resource(max_entries=16, show_spinner=False)
def _scores(metrics: str, mtime_ns: int) -> Scores:
    return Scores.from_dict(fileio.read_json(Path(metrics))["test"])


def scores(job: Job) -> Scores:
    """All figures of a finished run on its test side, curves and all."""
    return _scores(str(job.paths.metrics), job.paths.metrics.stat().st_mtime_ns)


@st.cache_resource(max_entries=16, show_spinner=False)
def _predictions(root: str, run: str, mtime_ns: int) -> pd.DataFrame:
    table = store.predictions(Artifacts(Path(root)).run(run))
    return table[table["side"] == "test"].reset_index(drop=True)


def test_predictions(job: Job) -> pd.DataFrame:
    """A finished run's predictions on its test side."""
    return _predictions(str(artifacts().root), job.id, job.paths.predictions.stat().st_mtime_ns)


@st.cache_resource(max_entries=1000, show_spinner=False)
def _certificate(path: str, mtime_ns: int) -> Certificate:
    return Certificate.from_dict(fileio.read_json(Path(path)))


def certificate(job: Job) -> Certificate | None:
    """The certificate of a run's split, None before the run has written it."""
    try:
        stamp = job.paths.certificate.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _certificate(str(job.paths.certificate), stamp)


def synthetic(job: Job) -> bool:
    """Whether a training job learns from drawn cells. A finished run says so itself; before, its data set does."""
    try:
        return served.read_card(job.paths).synthetic
    except NotFound:
        pass
    try:
        return bool(fileio.read_json_cached(artifacts().dataset(job.spec.params["data"]).card)["synthetic"])
    except FileNotFoundError:
        return False


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """Loaded models, shared by all sessions."""
    return Shelf()


@st.cache_data(max_entries=8, show_spinner=False, scope="session")
def _answers(run: str, mtime_ns: int, digests: tuple[str, ...], _job: Job, _sent: list[Upload]) -> list[Classified | Refused]:
    return uploads.classify(shelf().get(_job.paths), _sent)


def answers(job: Job, sent: list[Upload]) -> list[Classified | Refused]:
    """What a run's model says of the pictures that this person sent. Raises BadInput for too many of them."""
    digests = tuple(f"{one.name} {hashlib.blake2b(one.content).hexdigest()}" for one in sent)
    return _answers(job.id, job.paths.onnx.stat().st_mtime_ns, digests, job, sent)


@st.cache_resource(show_spinner=False)
def warm() -> None:
    """Import in the background, once, what takes seconds and the next pages need: splits want scikit-learn, answers ONNX Runtime."""
    threading.Thread(target=lambda: [importlib.import_module(name) for name in _SLOW], daemon=True).start()
