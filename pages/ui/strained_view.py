"""How a run bears disturbed pictures: a curve a kind, and what the strengths look like."""

from __future__ import annotations

import numpy as np
import streamlit as st

from allcore.base.errors import AllcoreError
from allcore.data import strained
from allcore.inference import robustness
from allcore.metrics import robustness as figures
from allcore.metrics.robustness import Robustness
from allcore.metrics.text import show
from allcore.plots import robustness as plots
from allcore.runs.store import Job
from pages.ui import cached, widgets


def shown(job: Job, found: Robustness) -> None:
    """A curve a kind."""
    whose = f" of {widgets.counted(found.subjects, 'patient')}" if found.subjects else ""
    st.markdown(f"**Balanced accuracy as the images are: {show(found.base)}**, on {widgets.counted(found.n, 'test image')}{whose}.")
    st.caption(
        "Filled: a loss is shown at this strength, paired image by image and corrected for all strengths tried. Dashed: undisturbed. "
        "Dotted: chance. Pictures are disturbed as the model sees them."
    )
    if found.synthetic:
        st.caption(":violet[:material/draw:] Drawn cells: this says nothing about real ones.")
    example = _example(job)
    columns = st.columns(2, gap="large")
    for place, one in enumerate(found.curves):
        with columns[place % 2]:
            st.subheader(one.kind.capitalize() if one.kind != strained.JPEG else "JPEG", anchor=False)
            if example is not None:
                strengths = [point.strength for point in one.points]
                st.image(strained.strip(example, one.kind, strengths), width="stretch", alt=f"A test image at {one.kind} {strengths}")
            widgets.chart(
                plots.curve(one, found.base, classes=len(found.classes)),
                plots.describe_curve(one),
                plots.curve_table(one),
                key=f"strained-{one.kind}",
            )
            st.caption(figures.told(one, found.base))


def _example(job: Job) -> np.ndarray | None:
    """The first test image as the model sees it; None where the data set is not as it was."""
    try:
        return robustness.example(cached.artifacts(), job.paths)
    except AllcoreError:
        return None
