"""What do I have, and can I trust it?"""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from allcore.checks import report
from allcore.data import importing
from allcore.data.records import DatasetCard
from allcore.jobs import control, demo
from allcore.plots import dataset as plots
from allcore.runs import spec, status, store
from allcore.runs.store import Job
from pages.ui import adding, cached, cells, checks, mapping, routes, splitting, state, widgets

CELLS, MAP, MEASURES, COMPARE = "Cells", "Map", "Colour and shape", "Compare"
SPLITS, CHECKS, MANAGE = "Splits", "Checks", "Manage"
artifacts = cached.artifacts()


def _watch_jobs() -> None:
    """Data sets that are being made, and the last one that could not be."""
    making = [job.id for job in _making()]
    if making:
        control.ensure_if_needed(artifacts)
        widgets.part(lambda: _progress(making), every=1.5)
    failed = [job for job in store.jobs(artifacts) if job.spec.kind in (spec.PHANTOM, spec.IMPORT) and job.state == status.FAILED]
    for job in failed[-1:]:
        st.error(f"Data set {job.spec.params['name']} could not be made. {widgets.plain(job.status.reason)}", icon=":material/error:")
        if st.button("Understood", key=f"away-{job.id}"):
            store.delete(job.paths)
            st.rerun()


def _making() -> list[Job]:
    return [job for job in store.active(artifacts) if job.spec.kind in (spec.PHANTOM, spec.IMPORT)]


def _progress(at_start: list[str]) -> None:
    now = _making()
    if [job.id for job in now] != at_start:
        st.rerun(scope="app")
    for job in now:
        st.progress(job.share, text=f"Data set {job.spec.params['name']}: {widgets.doing(job)}")


def _head(card: DatasetCard) -> None:
    left, right = st.columns([2, 3], gap="large")
    with left.container(gap="xsmall"):
        counts = [f"**{count:,}** {widgets.plain(name)}" for name, count in card.classes.items()]
        people = sum(card.subjects.values())
        unlabelled = card.images - sum(card.classes.values())
        counts += [f"**{unlabelled:,}** without a label"] if unlabelled else []
        st.markdown(" · ".join(counts) + (f" · **{people:,}** patients" if people else " · patients unknown"))
        if card.synthetic:
            widgets.drawn_badge()
        for severity, finding in _findings(card):
            st.markdown(f":{'orange' if severity else 'green'}[:material/{'warning' if severity else 'check_circle'}:] {finding}")
        lines = [card.about, f"Licence: {card.licence}." if card.licence else "", f"Source: {card.source}." if card.source else ""]
        lines.append("Click a bar to see that patient's cells." if card.has_subjects else "Click a bar to see the cells of that class.")
        st.caption(" ".join(filter(None, lines)))
    with right:
        key = f"overview-{card.id}"
        clicked = (lambda: _patient(key)) if card.has_subjects else (lambda: _class(key))
        height = 200 if card.has_subjects else "content"
        widgets.kept_chart(("dataset", card.fingerprint), lambda: _overview(card), key=key, height=height, on_click=clicked)


def _patient(chart: str) -> None:
    points = state.points(chart)
    _filtered("patient", str(np.ravel(points[0]["customdata"])[0]) if points else cells.ALL_PATIENTS)


def _class(chart: str) -> None:
    points = state.points(chart)
    _filtered("class", str(points[0]["y"]) if points else cells.ALL_CLASSES)


def _filtered(widget: str, value: str) -> None:
    """Open the cells with one filter set by a click on a chart."""
    state.fill(widget, value)
    state.fill("view", CELLS)


def _overview(card: DatasetCard) -> tuple[go.Figure, str, pd.DataFrame]:
    """Patients where they are known, else classes: the picture, what it says, its data."""
    if not card.has_subjects:
        return (
            plots.images_by_class(card.classes),
            plots.describe_images_by_class(card.classes),
            plots.images_by_class_table(card.classes),
        )
    table = cached.dataset_records(card)
    known = table[table["label"] != ""]
    arguments = (known["subject"].tolist(), known["label"].tolist(), card.class_names)
    return plots.patients(*arguments), plots.describe_patients(*arguments), plots.patients_table(*arguments)


def _findings(card: DatasetCard) -> list[tuple[int, str]]:
    """(severity, sentence), the worst first: what the checks found, or what can be said without them."""
    if told := checks.worst(card):
        return [(int(severity in (report.SERIOUS, report.WARNING)), widgets.plain(line)) for severity, line in told]
    found = []
    table = cached.dataset_records(card)
    if not card.has_subjects:
        found.append((1, "The patients are unknown: no result on these images can be shown to hold for new people."))
    if card.unreadable:
        found.append((1, f"{widgets.counted(len(card.unreadable), 'file')} could not be read and were left out: see Manage."))
    twins = int(table["sha256"].duplicated().sum())
    if twins:
        found.append((1, f"Byte for byte the same as another: {widgets.counted(twins, 'image')}."))
    shares = np.array(list(card.classes.values()))
    if shares.max() > 1.5 * shares.min():
        largest, share = max(card.classes, key=card.classes.get), f"{shares.max() / shares.sum():.1%}"
        found.append((0, f"A constant answer of '{widgets.plain(largest)}' would be right for {share} of the images: beat that."))
    if card.has_subjects:
        found.append((0, "Patients are known: splits by patient are possible."))
    return found


def _manage(card: DatasetCard) -> None:
    st.caption(f"Fingerprint {card.fingerprint}")
    for problem in card.unreadable[:50]:
        st.caption(widgets.plain(f"Left out: {problem['path']} ({problem['reason']})"))
    users = sum(job.spec.params["data"] == card.id for job in store.runs(artifacts))
    if users:
        st.caption(f"{widgets.counted(users, 'run')} learnt from it; they keep their results if it goes.")
    sure = st.checkbox(f"Yes, delete '{card.id}'. Imported images stay where they lie.", key=f"sure-{card.id}")
    if st.button("Delete this data set", disabled=not sure, icon=":material/delete:"):
        importing.delete(artifacts, card.id)
        state.forget(state.DATA)
        st.rerun(scope="app")


def _tabs(card: DatasetCard) -> None:
    """Only the tab that is open is drawn."""
    drawn = {
        CELLS: cells.tab,
        MAP: mapping.tab,
        MEASURES: mapping.measures,
        COMPARE: mapping.comparison,
        SPLITS: splitting.tab,
        CHECKS: checks.view,
        MANAGE: _manage,
    }
    for tab, draw in zip(st.tabs(list(drawn), key="view", bind="query-params"), drawn.values(), strict=True):
        if tab.open:
            with tab:
                draw(card)


with widgets.plain_errors():
    head, picker, button = st.columns([5, 4, 3], vertical_alignment="bottom", gap="medium")
    with head:
        widgets.page("Dataset")
    cards = widgets.datasets()
    with button:
        if st.button("Add a data set", icon=":material/add:", width="stretch"):
            adding.dialog(artifacts)
    _watch_jobs()
    if cards:
        if state.get(state.ADDED) in {card.id for card in cards}:
            state.select(state.DATA, state.pop(state.ADDED))
        with picker:
            card = widgets.dataset_choice(cards, key="dataset-choice")
            if len(cards) == 1:
                st.markdown(f"Data set **{card.id}**")
        _head(card)
        widgets.part(lambda: _tabs(card))
        st.page_link(routes.TRAIN, label="Train a model on it", icon=":material/arrow_forward:", query_params={state.DATA: card.id})
    elif not _making() and widgets.empty(
        "Here you will see your cells, patient by patient. There is no data set yet.", "Draw the demo cells", icon=":material/draw:"
    ):
        demo.queue(artifacts)
        control.ensure(artifacts)
        st.rerun()
