"""The only st.cache_*: what several views or sessions read, keyed by what it was made of.

What st.cache_resource keeps is one object for all sessions, and must not be altered; what st.cache_data keeps is copied at each
read, which costs more than it saves for a table or a set of figures.
"""

from __future__ import annotations

import base64
import gc
import importlib
import io
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from allcore.base import fileio
from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import cache, cellmap, images, records, splits
from allcore.data import looks as data_looks
from allcore.data.looks import Looks
from allcore.data.records import DatasetCard
from allcore.data.splits import Certificate, Split, SplitSpec
from allcore.explain import heat as heat_maps
from allcore.explain import randomised
from allcore.explain.heat import HeatMap
from allcore.inference import answers as answering
from allcore.inference import guard, kinds, served, uploads
from allcore.inference import neighbours as nearest
from allcore.inference.answers import Adviser
from allcore.inference.neighbours import Neighbour
from allcore.inference.shelf import Shelf
from allcore.inference.uploads import Found, Refused, Upload
from allcore.jobs import estimate, submit
from allcore.metrics.scores import Scores
from allcore.metrics.thresholds import Sweep
from allcore.runs import store, summary
from allcore.runs.spec import TrainSpec
from allcore.runs.store import Job
from allcore.runs.summary import Summary

Made = TypeVar("Made")
STAMP = "made"
SIGNED_IN = "is_logged_in"
"""Of `st.user`, only where the server's secrets have [auth]."""
_SLOW = ("plotly.graph_objects", "sklearn.model_selection", "onnxruntime")


def artifacts() -> Artifacts:
    """The folder that everything is kept in."""
    return Artifacts.locate()


@st.cache_resource(ttl=10, show_spinner=False)
def people_sign_in() -> bool:
    """Whether this server's secrets have [auth], ten seconds old at most: where there are none, Streamlit looks for their file, and parses
    what is not there, each time that it is asked who looks.
    """
    return SIGNED_IN in st.user


@st.cache_resource(max_entries=8, show_spinner=False)
def _records(root: str, dataset: str, fingerprint: str) -> pd.DataFrame:
    return records.read_records(Artifacts(Path(root)).dataset(dataset))


def dataset_records(card: DatasetCard) -> pd.DataFrame:
    """A data set's table of images."""
    return _records(str(artifacts().root), card.id, card.fingerprint)


def pixels(card: DatasetCard, size: int = cache.DEFAULT_SIZE) -> np.ndarray:
    """A data set's pixels, `size` a side, memory-mapped: what is looked at stays in the server's memory as long as this array lives, so
    don't keep it.
    """
    return cache.opened(artifacts().dataset(card.id), size)


@st.cache_resource(max_entries=8, show_spinner=False)
def _thumbnails(root: str, dataset: str, fingerprint: str) -> Callable[[int], str]:
    paths = Artifacts(Path(root)).dataset(dataset)
    return lru_cache(4000)(lambda row: as_webp(np.asarray(cache.opened(paths)[row])))


def thumbnails(card: DatasetCard, rows: Iterable[int]) -> list[str]:
    """Images of a data set as data URIs."""
    thumbnail = _thumbnails(str(artifacts().root), card.id, card.fingerprint)
    return [thumbnail(row) for row in rows]


@st.cache_resource(max_entries=4, show_spinner=False)
def _looks(root: str, dataset: str, fingerprint: str) -> Looks:
    return data_looks.of(Artifacts(Path(root)).dataset(dataset))


def looks(card: DatasetCard) -> Looks:
    """A data set's cells in numbers: measured the first time that anybody asks, some seconds for 15,000 of them."""
    with st.spinner(f"Measuring {card.images:,} cells, this once", show_time=False):
        return _looks(str(artifacts().root), card.id, card.fingerprint)


@st.cache_resource(max_entries=4, show_spinner=False)
def _cell_map(root: str, dataset: str, mtime_ns: int) -> pd.DataFrame | None:
    found = cellmap.read(Artifacts(Path(root)).dataset(dataset))
    if found is not None:
        found.attrs[STAMP] = mtime_ns
    return found


def cell_map(card: DatasetCard) -> pd.DataFrame | None:
    """A data set's map by t-SNE, None where none was made; its `attrs[STAMP]` tells it from one that was made later."""
    try:
        stamp = artifacts().dataset(card.id).map.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _cell_map(str(artifacts().root), card.id, stamp)


@st.cache_resource(max_entries=64, show_spinner=False)
def _once(key: tuple, _make: Callable[[], Any]) -> Any:
    return _make()


def once(key: tuple, make: Callable[[], Made]) -> Made:
    """What `make` gives, made once for each `key`, which says all that it depends on."""
    return _once(key, make)


@st.cache_data(max_entries=5000, show_spinner=False, scope="session")
def upload_thumbnail(content: bytes) -> str:
    """A picture that this person sent, small, as a data URI."""
    return as_webp(images.prepared(content, 64))


def as_webp(pixels_: np.ndarray) -> str:
    """A uint8 RGB picture as a data URI."""
    out = io.BytesIO()
    Image.fromarray(pixels_).save(out, "WEBP", quality=85, method=0)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()


@st.cache_resource(max_entries=16, show_spinner=False)
def _split(root: str, dataset: str, fingerprint: str, duplicates: int, spec: SplitSpec) -> Split:
    return splits.of_dataset(Artifacts(Path(root)).dataset(dataset), spec)


def split(card: DatasetCard, spec: SplitSpec) -> Split:
    """A data set split as `spec` says. Raises BadInput where it can't be."""
    try:
        duplicates = artifacts().dataset(card.id).duplicates.stat().st_mtime_ns
    except FileNotFoundError:
        duplicates = 0
    return _split(str(artifacts().root), card.id, card.fingerprint, duplicates, spec)


@st.cache_resource(max_entries=256, show_spinner=False)
def _planned(
    root: str, data: str, fingerprint: str, model: str, preset: str, seed: int, changed: tuple, calibrate: float | None, _card: DatasetCard
) -> tuple[TrainSpec, Certificate]:
    return submit.planned(
        Artifacts(Path(root)),
        data=data,
        model=model,
        preset=preset,
        seed=seed,
        changed=dict(changed),
        calibrate=calibrate,
        sides=lambda paths, spec: split(_card, spec),  # ten models ask for one split
    )


def planned(
    card: DatasetCard, *, model: str, preset: str, seed: int, changed: Mapping[str, Any], calibrate: float | None = None
) -> tuple[TrainSpec, Certificate]:
    """As `submit.planned`, which splits the data at each call. Raises BadInput."""
    settings = tuple(sorted(changed.items()))
    return _planned(str(artifacts().root), card.id, card.fingerprint, model, preset, seed, settings, calibrate, card)


@st.cache_data(max_entries=16, ttl=60, show_spinner=False)
def _speeds(root: str, active: tuple[str, ...]) -> dict[str, float]:
    return estimate.speeds(store.jobs(Artifacts(Path(root))))


def speeds() -> dict[str, float]:
    """Images a second that the models now waiting and running were trained at before, as `estimate.speeds`, a minute old at most."""
    return _speeds(str(artifacts().root), tuple(sorted({job.spec.params.get("model", "") for job in store.active(artifacts())})))


def headline(job: Job) -> Summary | None:
    """A run's figures in short, None while it has none."""
    try:
        return summary.read(job.paths)
    except NotFound:
        return None


@st.cache_resource(max_entries=16, show_spinner=False)
def _scores(metrics: str, mtime_ns: int) -> Scores:
    return Scores.from_dict(fileio.read_json(Path(metrics))["test"])


def scores(job: Job) -> Scores:
    """All figures of a finished run on its test side, curves and all."""
    return _scores(str(job.paths.metrics), job.paths.metrics.stat().st_mtime_ns)


@st.cache_resource(max_entries=32, show_spinner=False)
def _predictions(root: str, run: str, side: str, mtime_ns: int) -> pd.DataFrame:
    table = store.predictions(Artifacts(Path(root)).run(run))
    return table[table["side"] == side].reset_index(drop=True)


def predictions(job: Job, side: str) -> pd.DataFrame:
    """A finished run's predictions on one side of its split; empty where there is no such side."""
    return _predictions(str(artifacts().root), job.id, side, job.paths.predictions.stat().st_mtime_ns)


def test_predictions(job: Job) -> pd.DataFrame:
    """A finished run's predictions on its test side."""
    return predictions(job, "test")


@st.cache_resource(max_entries=64, show_spinner=False)
def _sweep(root: str, run: str, side: str, positive: str, mtime_ns: int) -> Sweep:
    table = _predictions(root, run, side, mtime_ns)
    return Sweep.of((table["label"] == positive).to_numpy(), table[f"p_{positive}"].to_numpy())


def sweep(job: Job, positive: str, side: str = "test") -> Sweep:
    """A finished run at every threshold on one side. Raises BadInput where the side has not both classes."""
    return _sweep(str(artifacts().root), job.id, side, positive, job.paths.predictions.stat().st_mtime_ns)


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


def adviser(job: Job) -> Adviser:
    """What stands beside a run's graph. A run from before there were guards gets one now."""
    if guard.read(job.paths) is None:
        with st.spinner("Learning what this model's training cells look like, this once", show_time=False):
            return answering.adviser(artifacts(), job.paths)
    return answering.adviser(artifacts(), job.paths)


@st.cache_data(max_entries=8, show_spinner=False, scope="session")
def _answers(
    run: str, mtime_ns: int, threshold: float | None, digests: tuple[str, ...], kind: str, _job: Job, _sent: list[Upload], _adviser: Adviser
) -> list[Found | Refused]:
    return uploads.classify(shelf().get(_job.paths), _sent, adviser=_adviser, kind=kind)


def answers(job: Job, sent: list[Upload], *, kind: str = kinds.AUTO) -> list[Found | Refused]:
    """What a run's model says of the pictures that this person sent, as `uploads.classify`. Raises BadInput for too many of them."""
    digests = tuple(f"{one.name} {one.digest}" for one in sent)
    beside = adviser(job)
    return _answers(job.id, job.paths.onnx.stat().st_mtime_ns, beside.threshold, digests, kind, job, sent, beside)


def neighbours(job: Job, upload: Upload) -> list[Neighbour]:
    """The training cells nearest to a picture. Raises NotFound where the run's data set has gone or changed."""
    model = shelf().get(job.paths)
    embedding = model.answer(upload.read(model.card.input_size).pixels[None]).embeddings[0]
    return nearest.nearest(artifacts(), job.paths, adviser(job).guard, embedding)


@st.cache_resource(show_spinner=False)
def _shuffled() -> Shelf:
    """Models with all that they learned shuffled, by which heat maps are checked."""
    return Shelf(load=randomised.load)


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def _heat(run: str, mtime_ns: int, image: np.ndarray, method: str, of: str, _paths: JobPaths) -> HeatMap:
    return heat_maps.explained(shelf().get(_paths), _shuffled().get(_paths), image, method=method, of=of)


def heat(job: Job, image: np.ndarray, method: str, of: str) -> HeatMap:
    """What a run's model looked at in one picture, uint8 (size, size, 3) of its size, as `heat.explained`. Raises BadInput."""
    return _heat(job.id, job.paths.onnx.stat().st_mtime_ns, image, method, of, job.paths)


@st.cache_resource(show_spinner=False)
def warm() -> None:
    """Import in the background, once, what takes seconds and the next pages need: splits want scikit-learn, answers ONNX Runtime."""
    threading.Thread(target=_imported, daemon=True).start()


def _imported() -> None:
    for name in _SLOW:
        importlib.import_module(name)
    # Streamlit collects garbage after each run of a page or a part. Half a million objects of libraries, which never become any, made
    # that take twice as long as the run itself.
    gc.collect()
    gc.freeze()
