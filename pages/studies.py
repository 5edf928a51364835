"""Which settings, models or seeds: many runs from one form, and what they say together."""

import streamlit as st

from allcore.jobs import control
from allcore.jobs.studies import overview
from allcore.jobs.studies.overview import AT_WORK
from allcore.runs import study
from allcore.runs.study import StudySpec
from pages.ui import cached, growth, routes, state, studied, study_form, widgets

artifacts = cached.artifacts()
EVERY = 2.5


def _chosen(specs: dict[str, StudySpec]) -> str:
    """The study that this person looks at, the latest where none was chosen."""
    ids = list(specs)
    now = state.selected(state.STUDY, ids)
    if len(ids) > 1:
        now = st.selectbox("Study", ids, index=ids.index(now), format_func=lambda id_: studied.label(specs[id_]), key=f"study-{len(ids)}")
    state.select(state.STUDY, now)
    return now


with widgets.plain_errors():
    widgets.page("Studies", "Many runs from one form: settings searched, models side by side, folds and seeds. They run in the background.")
    control.ensure_if_needed(artifacts)
    cards = widgets.datasets()
    found = study.every(artifacts)
    if not cards and not found:
        if widgets.empty("A study needs images to learn from, and there is no data set yet.", "Get a data set"):
            st.switch_page(routes.DATASET)
    else:
        box = st.expander("New study", expanded=not found, key=f"new-{bool(found)}", on_change="rerun", icon=":material/add:")
        if cards and box.open:
            with box:
                study_form.form(cards)
        if found:
            paths = artifacts.study(_chosen({one.id: study.read(one) for one in reversed(found)}))
            at_work = overview.read(artifacts, paths).state == AT_WORK
            widgets.part(lambda: studied.watched(paths, at_work=at_work), every=EVERY if at_work else None)
        if cards:
            growth.folded(cards)
