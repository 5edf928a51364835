"""Every page, named once."""

from __future__ import annotations

from copy import copy
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).resolve().parents[1]

HOME = st.Page(_FOLDER / "home.py", title="Home", default=True)
DATASET = st.Page(_FOLDER / "dataset.py", title="Dataset", url_path="dataset")
TRAIN = st.Page(_FOLDER / "train.py", title="Train", url_path="train")
JOBS = st.Page(_FOLDER / "jobs.py", title="Jobs", url_path="jobs")
STUDIES = st.Page(_FOLDER / "studies.py", title="Studies", url_path="studies")
RESULTS = st.Page(_FOLDER / "results.py", title="Results", url_path="results")
LEAKAGE = st.Page(_FOLDER / "leakage.py", title="Leakage", url_path="leakage")
PAPER = st.Page(_FOLDER / "paper.py", title="The paper", url_path="paper")
CLASSIFY = st.Page(_FOLDER / "classify.py", title="Classify", url_path="classify")
LESSON = st.Page(_FOLDER / "lesson.py", title="First lesson", url_path="lesson")

_ALL = [HOME, LESSON, DATASET, TRAIN, JOBS, STUDIES, RESULTS, LEAKAGE, PAPER, CLASSIFY]


def anew() -> list[st.Page]:
    """All pages, for `st.navigation`, which writes into them whose turn it is to run: people who come at the same moment must not share
    them."""
    return [copy(page) for page in _ALL]
