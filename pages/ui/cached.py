"""The only st.cache_*: what several views or sessions read, keyed by what it was made of."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from allcore.base.paths import Artifacts
from allcore.data import cache, records, splits
from allcore.data.splits import Certificate, Split, SplitSpec
from allcore.inference.shelf import Shelf
from allcore.metrics.scores import Scores
from allcore.runs import store
from allcore.runs.store import Job


def artifacts() -> Artifacts:
    """The folder that everything is kept in."""
    return Artifacts.locate()


@st.cache_data(max_entries=8, show_spinner=False)
def _records(root: str, dataset: str, fingerprint: str) -> pd.DataFrame:
    return records.read_records(Artifacts(_path(root)).dataset(dataset))


def dataset_records(card: records.DatasetCard) -> pd.DataFrame:
    """A data set's table of images."""
    return _records(str(artifacts().root), card.id, card.fingerprint)


@st.cache_resource(max_entries=8, show_spinner=False)
def _pixels(root: str, dataset: str, fingerprint: str) -> np.ndarray:
    return cache.opened(Artifacts(_path(root)).dataset(dataset))


def pixels(card: records.DatasetCard) -> np.ndarray:
    """A data set's pixels, memory-mapped."""
    return _pixels(str(artifacts().root), card.id, card.fingerprint)


@st.cache_data(max_entries=4000, show_spinner=False)
def _data_uri(root: str, dataset: str, fingerprint: str, row: int) -> str:
    picture = Image.fromarray(np.asarray(_pixels(root, dataset, fingerprint)[row]))
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=90, method=2)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()


def thumbnail(card: records.DatasetCard, row: int) -> str:
    """One image of a data set as a data URI."""
    return _data_uri(str(artifacts().root), card.id, card.fingerprint, row)


@st.cache_data(max_entries=64, show_spinner=False)
def _split(root: str, dataset: str, fingerprint: str, spec: SplitSpec) -> Split:
    paths = Artifacts(_path(root)).dataset(dataset)
    return splits.split(records.read_records(paths), records.read_card(paths), spec)


def split(card: records.DatasetCard, spec: SplitSpec) -> Split:
    """A data set split as `spec` says. Raises BadInput where it can't be."""
    return _split(str(artifacts().root), card.id, card.fingerprint, spec)


@st.cache_data(max_entries=2000, show_spinner=False)
def _scores(_metrics: dict[str, Any], path: str, mtime_ns: int) -> Scores:
    return Scores.from_dict(_metrics["test"])


def scores(job: Job) -> Scores | None:
    """A run's figures on its test side, None while it has none."""
    metrics = job.metrics
    if metrics is None:
        return None
    return _scores(metrics, str(job.paths.metrics), job.paths.metrics.stat().st_mtime_ns)


@st.cache_data(max_entries=32, show_spinner=False)
def _predictions(root: str, run: str, mtime_ns: int) -> pd.DataFrame:
    return store.predictions(Artifacts(_path(root)).run(run))


def predictions(job: Job) -> pd.DataFrame:
    """A finished run's predictions."""
    return _predictions(str(artifacts().root), job.id, job.paths.predictions.stat().st_mtime_ns)


@st.cache_data(max_entries=2000, show_spinner=False)
def _certificate(_path_: Any, path: str, mtime_ns: int) -> Certificate:
    from allcore.base import fileio

    return Certificate.from_dict(fileio.read_json(_path_))


def certificate(job: Job) -> Certificate | None:
    """The certificate of a run's split, None before the run has written it."""
    try:
        stamp = job.paths.certificate.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _certificate(job.paths.certificate, str(job.paths.certificate), stamp)


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """Loaded models, shared by all sessions."""
    return Shelf()


def _path(root: str):
    from pathlib import Path

    return Path(root)


@st.cache_data(max_entries=2000, show_spinner=False)
def upload_thumbnail(content: bytes) -> str:
    """A picture that was sent, small, as a data URI."""
    from allcore.data import images

    out = io.BytesIO()
    Image.fromarray(images.prepared(content, 64)).save(out, "WEBP", quality=85)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()
