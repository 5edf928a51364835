"""Every page, named once."""

from __future__ import annotations

import streamlit as st

HOME = st.Page("pages/home.py", title="Home", default=True)
DATASET = st.Page("pages/dataset.py", title="Dataset", url_path="dataset")
TRAIN = st.Page("pages/train.py", title="Train", url_path="train")
JOBS = st.Page("pages/jobs.py", title="Jobs", url_path="jobs")
RESULTS = st.Page("pages/results.py", title="Results", url_path="results")
CLASSIFY = st.Page("pages/classify.py", title="Classify", url_path="classify")
LESSON = st.Page("pages/lesson.py", title="First lesson", url_path="lesson")

ALL = [HOME, LESSON, DATASET, TRAIN, JOBS, RESULTS, CLASSIFY]
