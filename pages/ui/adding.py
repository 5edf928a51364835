"""The dialog that brings a data set."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.data.phantom import PhantomSpec
from allcore.jobs import control, submit
from pages.ui import state, widgets

FOLDER, DRAWN = "A folder on this server", "Drawn cells"


@st.dialog("Add a data set", width="medium")
def dialog(artifacts: Artifacts) -> None:
    """Ask for a name and a source; queue the work and close."""
    kind = st.segmented_control("From", [FOLDER, DRAWN], default=FOLDER, required=True)
    name = st.text_input("Name", placeholder="lower-case letters, digits, hyphens")
    with widgets.plain_errors():
        if kind == DRAWN:
            wanted = _drawing()
            if st.button("Draw", type="primary"):
                submit.phantom(artifacts, _named(name), PhantomSpec(**wanted))
                _begun(artifacts, name)
        else:
            folder = st.text_input(
                "Folder", placeholder="/data/C-NMC_Leukemia", help="C-NMC 2019 as downloaded, or a folder for each class."
            )
            st.caption("The images stay where they are. C-NMC's official layout and a folder for each class are recognised.")
            if st.button("Import", type="primary"):
                if not folder:
                    raise BadInput("No folder is named.", "Type the path of the folder that holds the images.")
                submit.importing(artifacts, _named(name), Path(folder).expanduser())
                _begun(artifacts, name)


def _drawing() -> dict[str, float]:
    """What to draw, as PhantomSpec takes it."""
    usual = PhantomSpec()
    left, right = st.columns(2)
    return {
        "images": left.number_input("Images", 8, 20000, usual.images),
        "patients": right.number_input("Patients", 2, 500, usual.patients),
        "difficulty": left.slider(
            "Difficulty", 0.0, 1.0, usual.difficulty, help="0: the classes are far apart. 1: they do not differ at all."
        ),
        "habits": right.slider(
            "Patients' habits", 0.0, 1.0, usual.habits, help="How much stain, light and size are each patient's own. 0: not at all."
        ),
        "seed": left.number_input("Seed", 0, 2**31 - 1, 0, help="The same seed draws the same cells."),
    }


def _named(name: str) -> str:
    if not name:
        raise BadInput("The data set has no name.", "Type one: lower-case letters, digits and hyphens.")
    return name


def _begun(artifacts: Artifacts, name: str) -> None:
    control.ensure(artifacts)
    state.put(state.ADDED, name)
    st.rerun()
