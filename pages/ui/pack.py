"""The evidence pack of a run, and of others that it is to be compared with, as a download."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from allcore.reports import evidence, pack, tracking
from allcore.runs.store import Job
from pages.ui import cached, widgets

_HOLDS = """
- **A report** that opens in any browser, without a network: it reads like a short paper, and its charts stay alive
- **A model card** under the headings of Mitchell et al. 2019
- **Every number** as CSV: predictions, metrics, curves, sides of the split
- **How to repeat it**: settings, split certificate, versions, the model as ONNX with a script that feeds it, checksums
"""


def offered(job: Job, rivals: Sequence[Job]) -> None:
    """What a pack holds, which runs go in, and the button."""
    left, right = st.columns([3, 2], gap="large")
    left.markdown("One zip file, for a paper's supplement, a reviewer or a class:")
    left.markdown(_HOLDS)
    others = {one.id: one for one in rivals if one.id != job.id}
    with right:
        added = (
            st.multiselect(
                "Compared with",
                list(others),
                format_func=lambda id_: widgets.run_name(others[id_]),
                max_selections=evidence.MOST_RUNS - 1,
                key=f"pack-{job.id}",
                help="Differences are paired on the same test images; runs tested on others stand beside it without one.",
            )
            if others
            else []
        )
        wanted = [job.id, *added]
        st.download_button(
            "Evidence pack",
            lambda: pack.opened(cached.artifacts(), wanted),
            pack.file_name(wanted),
            "application/zip",
            on_click="ignore",
            type="primary",
            icon=":material/folder_zip:",
            help="Made when you click; a few seconds a run",
        )
        _tracked(wanted)
        if cached.synthetic(job):
            st.caption("The pack says that this model was trained on drawn cells.")


def _tracked(runs: Sequence[str]) -> None:
    """The way to an MLflow server, where this one was told of one."""
    server = tracking.configured()
    if server is None or not st.button(
        "Send to MLflow",
        icon=":material/send:",
        help="Settings, figures, curves and the pack, to the server that this one knows; a run that stands there is not sent again",
    ):
        return
    with st.spinner("Sending"):
        for one in tracking.send(pack.gathered(cached.artifacts(), runs), server):
            st.caption(widgets.plain(tracking.told(one)))
