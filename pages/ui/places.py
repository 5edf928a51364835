"""Where jobs run, when that is not this machine."""

from __future__ import annotations

import streamlit as st

from allcore.base.paths import Artifacts
from allcore.jobs import cluster as clusters
from allcore.jobs import control
from pages.ui import widgets


def cluster(artifacts: Artifacts) -> None:
    """One line on the cluster that the runner works with, and what keeps jobs from running there; nothing where there is none."""
    found = clusters.seen(artifacts)
    if found is None or not control.state(artifacts).running:
        return
    st.caption(widgets.plain(found.summary))
    for problem in found.problems:
        st.warning(widgets.plain(problem), icon=":material/warning:")
