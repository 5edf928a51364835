"""What do I have, and can I trust it?"""

from pathlib import Path

import numpy as np
import streamlit as st

from allcore.base.errors import BadInput
from allcore.data import importing, records, splits
from allcore.data.phantom import PhantomSpec
from allcore.data.splits import SplitSpec
from allcore.jobs import control, demo, submit
from allcore.plots import dataset as plots
from allcore.plots import theme
from allcore.runs import spec, status, store
from pages.ui import cached, routes, state, widgets
from pages.ui.gallery import Cell, gallery

PAGE_SIZE = 96
artifacts = cached.artifacts()


def _watch_jobs() -> None:
    """Data sets that are being made."""
    making = [job for job in store.active(artifacts) if job.spec.kind in (spec.PHANTOM, spec.IMPORT)]

    @widgets.live(1.5, bool(making))
    def progress() -> None:
        now = [job for job in store.active(artifacts) if job.spec.kind in (spec.PHANTOM, spec.IMPORT)]
        if len(now) != len(making):
            st.rerun()
        for job in now:
            st.progress(job.share, text=f"Data set {job.spec.params['name']}: {job.beat.doing if job.beat else 'waiting'}")

    if making:
        control.ensure_if_needed(artifacts)
        progress()
    failed = [job for job in store.jobs(artifacts) if job.spec.kind in (spec.PHANTOM, spec.IMPORT) and job.state == status.FAILED]
    for job in failed[-1:]:
        st.error(f"Data set {job.spec.params['name']} could not be made. {job.status.reason}")
        if st.button("Understood", key=f"away-{job.id}"):
            store.delete(job.paths)
            st.rerun()


@st.dialog("Add a data set", width="medium")
def _add() -> None:
    kind = st.segmented_control("From", ["A folder on this server", "Drawn cells"], default="A folder on this server", required=True)
    name = st.text_input("Name", placeholder="lower-case letters, digits, hyphens")
    with widgets.plain_errors():
        if kind == "Drawn cells":
            left, right = st.columns(2)
            images = left.number_input("Images", 8, 20000, PhantomSpec().images)
            patients = right.number_input("Patients", 2, 500, PhantomSpec().patients)
            difficulty = left.slider(
                "Difficulty", 0.0, 1.0, PhantomSpec().difficulty, help="0: the classes are far apart. 1: they do not differ at all."
            )
            habits = right.slider(
                "Patients' habits",
                0.0,
                1.0,
                PhantomSpec().habits,
                help="How much stain, light and size are each patient's own. 0: not at all.",
            )
            seed = left.number_input("Seed", 0, 2**31 - 1, 0, help="The same seed draws the same cells.")
            if st.button("Draw", type="primary"):
                drawing = PhantomSpec(images=images, patients=patients, difficulty=difficulty, habits=habits, seed=seed)
                submit.phantom(artifacts, name, drawing)
                _begun(name)
        else:
            folder = st.text_input(
                "Folder", placeholder="/data/C-NMC_Leukemia", help="C-NMC 2019 as downloaded, or a folder for each class."
            )
            st.caption("The images stay where they are. C-NMC's official layout and a folder for each class are recognised.")
            if st.button("Import", type="primary"):
                if not folder:
                    raise BadInput("No folder is named.", "Type the path of the folder that holds the images.")
                submit.importing(artifacts, name, Path(folder))
                _begun(name)


def _begun(name: str) -> None:
    control.ensure(artifacts)
    state.put(state.DATA, name)
    st.rerun()


def _head(card: records.DatasetCard) -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        counts = [f"**{count:,}** {name}" for name, count in card.classes.items()]
        people = sum(card.subjects.values())
        st.markdown(" · ".join(counts) + (f" · **{people}** patients" if people else " · patients unknown"))
        if card.synthetic:
            st.badge("drawn cells", icon=":material/draw:", color="violet", help="Synthetic. Not one of these cells was ever alive.")
        lines = [card.about, f"Licence: {card.licence}." if card.licence else "", f"Source: {card.source}." if card.source else ""]
        st.caption(" ".join(filter(None, lines)))
        for severity, finding in _findings(card):
            st.markdown(f":{'orange' if severity else 'green'}[:material/{'warning' if severity else 'check_circle'}:] {finding}")
    with right:
        table = cached.dataset_records(card)
        known = table[table["label"] != ""]
        if card.has_subjects:
            arguments = (known["subject"].tolist(), known["label"].tolist(), card.class_names)
            widgets.chart(plots.patients(*arguments), plots.describe_patients(*arguments), plots.patients_table(*arguments), key="patients")
        else:
            widgets.chart(
                plots.images_by_class(card.classes),
                plots.describe_images_by_class(card.classes),
                plots.images_by_class_table(card.classes),
                key="classes",
            )


def _findings(card: records.DatasetCard) -> list[tuple[int, str]]:
    """(severity, sentence) of what can be said at once, the worst first."""
    found = []
    table = cached.dataset_records(card)
    if not card.has_subjects:
        found.append((1, "The patients are unknown: no result on these images can be shown to hold for new people."))
    if card.unreadable:
        found.append((1, f"{len(card.unreadable)} files could not be read and were left out."))
    twins = int(table["sha256"].duplicated().sum())
    if twins:
        found.append((1, f"{twins} images stand here twice, byte for byte."))
    shares = np.array(list(card.classes.values()))
    if shares.max() > 1.5 * shares.min():
        largest = max(card.classes, key=card.classes.get)
        found.append(
            (0, f"A constant answer of '{largest}' would be right for {shares.max() / shares.sum():.1%} of the images: beat that.")
        )
    if card.has_subjects:
        found.append((0, "Patients are known: splits by patient are possible."))
    return found


def _cells(card: records.DatasetCard) -> None:
    table = cached.dataset_records(card)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox("Class", ["all classes", *card.class_names], key="class", bind="query-params", width=200)
        patients = sorted(set(table.loc[table["subject"] != "", "subject"]), key=lambda name: (len(name), name))
        patient = st.selectbox("Patient", ["all patients", *patients], key="patient", bind="query-params", width=200) if patients else None
        order = st.selectbox("Order", ["mixed", "as stored"], key="order", bind="query-params", width=160)
    rows = np.arange(len(table))
    if label in card.class_names:
        rows = rows[(table["label"] == label).to_numpy()[rows]]
    if patient in patients:
        rows = rows[(table["subject"] == patient).to_numpy()[rows]]
    if order == "mixed":  # one class alone on the first page would say little
        rows = np.random.default_rng(0).permutation(rows)
    if not len(rows):
        widgets.empty("No cell fits these filters.")
        return
    pages = -(-len(rows) // PAGE_SIZE)
    number = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    shown = rows[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    wall, detail = st.columns([3, 1], gap="medium")
    chosen = state.get(f"cell-{card.id}")
    with wall:
        cells = [_cell(card, table.iloc[row], int(row)) for row in shown]
        clicked = gallery(cells, label=f"{len(rows):,} cells, {len(shown)} shown", key="wall", chosen=chosen)
        st.caption(f"{len(rows):,} cells. Click one to see it large.")
    if clicked:
        chosen = clicked
        state.put(f"cell-{card.id}", clicked)
    with detail:
        _one(card, table, chosen if chosen in set(table["image_id"]) else table["image_id"].iloc[int(shown[0])])


def _cell(card: records.DatasetCard, record, row: int) -> Cell:
    text = record["label"] or "no label"
    if record["subject"]:
        text += f", patient {record['subject']}"
    colour = theme.class_colour(record["label"], card.class_names) if record["label"] else theme.GREY
    return Cell(record["image_id"], cached.thumbnail(card, row), text, colour)


def _one(card: records.DatasetCard, table, image_id: str) -> None:
    row = int(np.flatnonzero((table["image_id"] == image_id).to_numpy())[0])
    record = table.iloc[row]
    st.image(np.asarray(cached.pixels(card)[row]), width="stretch", alt=f"One cell: {record['label'] or 'no label'}")
    st.markdown(f"**{record['label'] or 'no label'}**")
    facts = {
        "patient": record["subject"] or "unknown",
        "phase": record["phase"],
        "fold": record["fold"] if record["fold"] >= 0 else "",
        "pixels": f"{record['width']} x {record['height']} ({record['mode']}, {record['format']})",
        "file": image_id.rsplit("/", 1)[-1],
    }
    st.caption("  \n".join(f"{name}: {value}" for name, value in facts.items() if value != ""))


def _splits(card: records.DatasetCard) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = st.segmented_control(
            "Split by", splits.LEVELS, default="patient" if card.has_subjects else "image", key="split", required=True, bind="query-params"
        )
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, width=120, key="seed")
    with widgets.plain_errors():
        made = cached.split(card, SplitSpec(level, seed=seed))
        widgets.certificate(made.certificate)
        table = cached.dataset_records(card)
        used = made.sides != splits.UNUSED
        if card.has_subjects:
            arguments = (table["subject"].to_numpy()[used].tolist(), made.sides[used].tolist())
            st.caption(
                "A bar for each patient, by the side on which the images stand. A bar of several colours is a patient on several sides."
            )
            widgets.chart(plots.sides(*arguments), plots.describe_sides(*arguments), plots.sides_table(*arguments), key="sides")
        st.caption(
            f"Certificate {made.certificate.hash[:12]} · {made.certificate.duplicate_test_images} test images stand elsewhere byte for byte."
        )


with widgets.plain_errors():
    head, button = st.columns([5, 1], vertical_alignment="bottom")
    with head:
        widgets.page("Dataset")
    with button:
        if st.button("Add a data set", icon=":material/add:", width="stretch"):
            _add()
    _watch_jobs()
    cards = widgets.datasets()
    if not cards:
        widgets.empty("Here you will see your cells, patient by patient. There is no data set yet.")
        if st.button("Draw the demo cells", type="primary", icon=":material/draw:"):
            demo.queue(artifacts)
            control.ensure(artifacts)
            st.rerun()
    else:
        card = widgets.dataset_choice(cards, key="dataset-choice")
        _head(card)
        cells_tab, splits_tab, manage_tab = st.tabs(["Cells", "Splits", "Manage"])
        with cells_tab:
            _cells(card)
        with splits_tab:
            _splits(card)
        with manage_tab:
            st.caption(f"Fingerprint {card.fingerprint}")
            for problem in card.unreadable[:50]:
                st.caption(f"Left out: {problem['path']} ({problem['reason']})")
            users = [job.id for job in store.runs(artifacts) if job.spec.params["data"] == card.id]
            if users:
                st.caption(f"{len(users)} runs were trained on it; they keep their results if it goes.")
            sure = st.checkbox(f"Yes, delete '{card.id}'. Imported images stay where they lie.", key=f"sure-{card.id}")
            if st.button("Delete this data set", disabled=not sure, icon=":material/delete:"):
                importing.delete(artifacts, card.id)
                st.query_params.clear()
                st.rerun()
        st.page_link(routes.TRAIN, label="Train a model on it", icon=":material/arrow_forward:")
