"""The dialog that brings a data set."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.data import archives, importers, places
from allcore.data.importers import Options, manifest, medmnist
from allcore.data.phantom import PhantomSpec
from allcore.jobs import control, submit
from pages.ui import person, state, widgets

ON_SERVER, UPLOAD, DRAWN = "On this server", "Upload a zip", "Drawn cells"
_LAYOUTS = {
    importers.AUTO: "find out",
    "cnmc": "C-NMC 2019",
    "folders": "a folder for each class",
    "manifest": "a table of paths and labels",
    "medmnist": "MedMNIST",
}


@st.dialog("Add a data set", width="medium")
def dialog(artifacts: Artifacts) -> None:
    """Ask for a name and a source; queue the work and close."""
    widgets.above_style()
    kind = st.segmented_control("From", [ON_SERVER, UPLOAD, DRAWN], default=ON_SERVER, required=True)
    name = st.text_input("Name", placeholder="lower-case letters, digits, hyphens")
    with widgets.plain_errors():
        if kind == DRAWN:
            wanted = _drawing()
            if st.button("Draw", type="primary"):
                submit.phantom(artifacts, _named(name), PhantomSpec(**wanted), tags=person.tags())
                _begun(artifacts, name)
        elif kind == UPLOAD:
            sent = st.file_uploader("Zip or MedMNIST file", type=[archives.SUFFIX[1:], medmnist.SUFFIX[1:]])
            st.caption("It is unpacked into the data set's own folder. Recognised: C-NMC 2019, a folder for each class, a table, MedMNIST.")
            layout, said = _details()
            if st.button("Import", type="primary"):
                if sent is None:
                    raise BadInput("No file was sent.", "Choose a zip that holds the images, a folder for each class.")
                submit.importing_upload(artifacts, _named(name), sent, sent.name, layout, said(), tags=person.tags())
                _begun(artifacts, name)
        else:
            path = st.text_input(
                "Folder or file",
                placeholder="/data/C-NMC_Leukemia",
                help=f"A folder, a zip, a table (CSV or Parquet) or an .npz file, in {', '.join(map(str, places.roots()))}.",
            )
            st.caption("Images in a folder stay where they are. Recognised: C-NMC 2019, a folder for each class, a table, MedMNIST.")
            layout, said = _details()
            if st.button("Import", type="primary"):
                if not path:
                    raise BadInput("No folder is named.", "Type the path of the folder that holds the images.")
                submit.importing(artifacts, _named(name), places.allowed(path), layout, said(), tags=person.tags())
                _begun(artifacts, name)


def _details() -> tuple[str, Callable[[], Options]]:
    """The layout, and what gives the options typed; that raises BadInput where they can't be understood."""
    with st.expander("Patients, classes, layout"):
        pattern = st.text_input(
            "Patient pattern",
            placeholder=r"(?P<patient>P\d+)_",
            help="A regular expression with a group named patient, looked for in each image's path. Leave empty where the layout tells.",
        )
        left, right = st.columns(2)
        positive = left.text_input("Positive class", placeholder="leukemia", help="The class that is looked for.")
        layout = right.selectbox("Layout", list(_LAYOUTS), format_func=_LAYOUTS.get)
        columns = left.text_input(
            "Columns of a table", placeholder="label=diagnosis, path=file", help=f"Which column is the {', '.join(manifest.COLUMNS)}."
        )
        names = right.text_input("Names of MedMNIST's classes", placeholder="basophil, eosinophil, ...", help="In the order of the labels.")
    return layout, lambda: Options(
        positive=positive.strip(),
        patient_pattern=pattern.strip(),
        columns=_pairs(columns),
        class_names=tuple(part.strip() for part in names.split(",") if part.strip()),
    )


def _pairs(typed: str) -> dict[str, str]:
    """`label=diagnosis, path=file` as a mapping."""
    parts = [part.strip() for part in typed.split(",") if part.strip()]
    if wrong := [part for part in parts if "=" not in part]:
        raise BadInput(f"'{wrong[0]}' maps no column.", "Write label=diagnosis, path=file.")
    return {ours.strip(): theirs.strip() for ours, theirs in (part.split("=", 1) for part in parts)}


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
