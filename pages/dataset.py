"""What do I have, and can I trust it?"""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from allcore.data import importing, splits
from allcore.data.records import DatasetCard
from allcore.data.splits import SplitSpec
from allcore.jobs import control, demo
from allcore.plots import dataset as plots
from allcore.plots import theme
from allcore.runs import spec, status, store
from allcore.runs.store import Job
from pages.ui import adding, cached, routes, state, widgets
from pages.ui.gallery import Cell, gallery

PAGE_SIZE = 96
CELLS, SPLITS, MANAGE = "Cells", "Splits", "Manage"
ALL_CLASSES, ALL_PATIENTS, MIXED = "all classes", "all patients", "mixed"
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
    with left:
        counts = [f"**{count:,}** {widgets.plain(name)}" for name, count in card.classes.items()]
        people = sum(card.subjects.values())
        st.markdown(" · ".join(counts) + (f" · **{people:,}** patients" if people else " · patients unknown"))
        if card.synthetic:
            widgets.drawn_badge()
        for severity, finding in _findings(card):
            st.markdown(f":{'orange' if severity else 'green'}[:material/{'warning' if severity else 'check_circle'}:] {finding}")
        lines = [card.about, f"Licence: {card.licence}." if card.licence else "", f"Source: {card.source}." if card.source else ""]
        st.caption(" ".join(filter(None, lines)))
    with right:
        figure, words, table = cached.once(("dataset", card.fingerprint), lambda: _overview(card))
        widgets.chart(figure, words, table, key="patients", height=230 if card.has_subjects else "content")


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
    """(severity, sentence) of what can be said at once, the worst first."""
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


def _cells(card: DatasetCard) -> None:
    """The wall, with filters and one cell large beside it."""
    table = cached.dataset_records(card)
    rail, wall = st.columns([1, 4], gap="medium")
    with rail:
        label = st.selectbox("Class", [ALL_CLASSES, *card.class_names], key="class", bind="query-params")
        patients = sorted(set(table["subject"]) - {""}, key=lambda name: (len(name), name))
        patient = st.selectbox("Patient", [ALL_PATIENTS, *patients], key="patient", bind="query-params") if patients else None
        order = st.selectbox("Order", [MIXED, "as stored"], key="order", bind="query-params")
        detail = st.container()
    fits = np.ones(len(table), bool)
    if label in card.class_names:
        fits &= (table["label"] == label).to_numpy()
    if patient in patients:
        fits &= (table["subject"] == patient).to_numpy()
    rows = np.flatnonzero(fits)
    if order == MIXED:  # one class alone on the first page would say little
        rows = np.random.default_rng(0).permutation(rows)
    with wall:
        if not len(rows):
            widgets.empty("No cell fits these filters.")
            return
        pages = -(-len(rows) // PAGE_SIZE)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(f"{widgets.counted(len(rows), 'cell')}. {_legend(card)}", width="content")
            number = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
        number = min(number, pages)  # there were more before the filter
        shown = rows[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        said = f"{len(rows):,} cells, {len(shown)} shown"
        chosen = gallery(_wall(card, table, shown), label=said, key="wall", keep=f"cell-{card.id}")
    at = np.flatnonzero((table["image_id"] == chosen).to_numpy()) if chosen else shown
    with detail:
        _one(card, table, int(at[0] if len(at) else shown[0]))


def _legend(card: DatasetCard) -> str:
    """What the colours under the cells mean, where a colour has a name."""
    names = {"healthy": "Blue: healthy", "leukemia": "orange: leukemia"}
    return ", ".join(names[name] for name in card.class_names) + "." if set(card.class_names) == set(names) else ""


def _wall(card: DatasetCard, table: pd.DataFrame, rows: np.ndarray) -> list[Cell]:
    cells = []
    for record, image in zip(table.iloc[rows].itertuples(index=False), cached.thumbnails(card, rows.tolist()), strict=True):
        text = record.label or "no label"
        if record.subject:
            text += f", patient {record.subject}"
        colour = theme.class_colour(record.label, card.class_names) if record.label else theme.GREY
        cells.append(Cell(record.image_id, image, text, colour))
    return cells


def _one(card: DatasetCard, table: pd.DataFrame, row: int) -> None:
    record = table.iloc[row]
    st.image(np.asarray(cached.pixels(card)[row]), width="stretch", alt=f"One cell: {record['label'] or 'no label'}")
    facts = {
        "patient": record["subject"] or "unknown",
        "phase": record["phase"],
        "fold": record["fold"] if record["fold"] >= 0 else "",
        "pixels": f"{record['width']} x {record['height']} ({record['mode']}, {record['format']})",
        "file": record["image_id"].rsplit("/", 1)[-1],
    }
    st.markdown(f"**{widgets.plain(record['label'] or 'no label')}**")
    st.caption("  \n".join(f"{name}: {widgets.plain(str(value))}" for name, value in facts.items() if value != ""))


def _splits(card: DatasetCard) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = st.pills(
            "Split by",
            splits.LEVELS,
            default="patient" if card.has_subjects else "image",
            key="split",
            required=True,
            wrap=True,
            bind="query-params",
        )
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, width=120, key="split-seed")
    made = cached.split(card, SplitSpec(level, seed=seed))
    widgets.certificate(made.certificate)
    if card.has_subjects:
        used = made.sides != splits.UNUSED
        arguments = (cached.dataset_records(card)["subject"].to_numpy()[used].tolist(), made.sides[used].tolist())
        st.caption("A bar for each patient, by the side on which the images stand. A bar of several colours is a patient on several sides.")
        widgets.chart(plots.sides(*arguments), plots.describe_sides(*arguments), plots.sides_table(*arguments), key="sides")
    twins = widgets.counted(made.certificate.duplicate_test_images, "test image")
    st.caption(f"Certificate {made.certificate.hash[:12]} · byte for byte on another side too: {twins}.")


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
    drawn = {CELLS: _cells, SPLITS: _splits, MANAGE: _manage}
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
