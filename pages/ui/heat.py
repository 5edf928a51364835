"""What a model looked at in one picture, shown to who asks for it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from allcore.explain import heat
from allcore.explain.heat import HeatMap
from allcore.metrics import text
from allcore.plots import heat as plots
from allcore.runs.store import Job
from pages.ui import cached, widgets

NAMES = {heat.OCCLUSION: "By covering", heat.ACTIVATION: "By inner maps"}


def offered(job: Job, image: np.ndarray, of: str, *, key: str) -> None:
    """A switch that shows the heat map of one picture, uint8 (size, size, 3) of the model's size, for the class `of`."""
    widgets.part(lambda: _offered(job, image, of, key))


def _offered(job: Job, image: np.ndarray, of: str, key: str) -> None:
    if not st.toggle("Show what it looked at", key=f"heat-{key}", help="Some seconds of work, done only when asked for"):
        return
    ways = heat.methods(cached.shelf().get(job.paths))
    way = heat.OCCLUSION
    if len(ways) > 1:
        way = st.segmented_control("Found", ways, default=way, required=True, format_func=NAMES.get, key=f"heat-way-{key}")
    with st.spinner(f"Finding what speaks for {widgets.plain(of)}"):
        found = cached.heat(job, image, way, of)
    if found.withheld:
        st.info(f"No heat map is shown. {found.withheld}", icon=":material/visibility_off:")
        return
    left, right = st.columns([3, 4], gap="large", vertical_alignment="center")
    with left:
        widgets.chart(
            plots.heat(image, found.values),
            plots.describe_heat(found.values, of=of, share_on_cell=found.share_on_cell),
            plots.heat_table(found.values),
            key=f"heat-map-{key}",
        )
    with right:
        for said in _told(found):
            st.markdown(said)


def _told(found: HeatMap) -> list[str]:
    said = [f"Bright: covered here, the model is less sure of {widgets.plain(found.of)}. Found by {heat.METHODS[found.method]}."]
    if found.share_on_cell is not None:
        said.append(f"{text.percentage(found.share_on_cell)} of the weight lies on the cell, which fills {text.percentage(found.cell)}.")
    said.append(
        f"Checked: with all that the model learned shuffled, the map has a rank correlation of {found.likeness:.2f} with this one; "
        f"from {heat.MOST_LIKENESS} on, in either direction, it would be withheld."
    )
    return said
