"""The cells of a data set: filters, the wall, and one cell with all that is known of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from allcore.base.errors import Unreadable
from allcore.checks import report
from allcore.data import images, looks, records, selection, splits
from allcore.data.records import DatasetCard
from allcore.data.selection import Filter
from allcore.data.splits import SplitSpec
from allcore.plots import theme
from pages.ui import cached, checks, state, widgets
from pages.ui.gallery import Cell, gallery

PAGE_SIZE = 96
ALL_CLASSES, ALL_PATIENTS, ANY, MIXED, STORED, BY_AREA = "all classes", "all patients", "any", "mixed", "as stored", "largest first"
PICKED = "picked"
"""Kept with the data set's id behind it: rows that were picked on the map, or by whoever else puts them there."""


def tab(card: DatasetCard) -> None:
    """The wall, with filters and one cell beside it."""
    table = cached.dataset_records(card)
    rail, wall_ = st.columns([1, 4], gap="medium")
    with rail:
        wanted, level = asked(card, table, "")
        order = _order(card)
        detail = st.container()
    rows = fitting(card, table, wanted, level)
    if order == MIXED:  # one class alone on the first page would say little
        rows = selection.mixed(rows)
    elif order == BY_AREA:
        rows = rows[np.argsort(-cached.looks(card).table["area"].to_numpy()[rows], kind="stable")]
    with wall_:
        if not len(rows):
            widgets.empty("No cell fits these filters.")
            return
        pages = -(-len(rows) // PAGE_SIZE)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(f"{widgets.counted(len(rows), 'cell')}. {legend(card)}", width="content")
            number = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
            as_csv(card, table, rows, key="cells-csv")
        number = min(number, pages)  # there were more before the filter
        shown = rows[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        chosen = wall(card, table, shown, label=f"{len(rows):,} cells, {len(shown)} shown", key="wall", keep=f"cell-{card.id}")
    at = np.flatnonzero((table["image_id"] == chosen).to_numpy()) if chosen else shown
    with detail:
        one(card, table, int(at[0] if len(at) else shown[0]), level)


def asked(card: DatasetCard, table: pd.DataFrame, name: str, *, label: str = ALL_CLASSES) -> tuple[Filter, str]:
    """The widgets of a filter, with `name` behind their keys; what they say, and the level of the split whose sides are meant.

    `label` is the class that is asked for at first.
    """
    patients, parts = cached.once(("facets", card.fingerprint), lambda: (selection.subjects(table), selection.parts(table)))
    unlabelled = [selection.NO_LABEL] if card.images > sum(card.classes.values()) else []
    link = {} if name else {"bind": "query-params"}
    labels = [ALL_CLASSES, *card.class_names, *unlabelled]
    label = st.selectbox("Class", labels, index=labels.index(label), key=f"class{name}", **link)
    patient = st.selectbox("Patient", [ALL_PATIENTS, *patients], key=f"patient{name}", **link) if patients else None
    with st.popover("More filters", width="stretch", key=f"more{name}"):
        part = st.selectbox("Phase and fold", [ANY, *parts], key=f"part{name}", **link) if parts else None
        side = st.selectbox("Side", [ANY, *splits.SIDES], key=f"side{name}", help="Of the split below", **link)
        level = "patient" if card.has_subjects else "image"
        if card.has_subjects:
            level = st.selectbox("Side in the split by", [level, "image"], key=f"side-of{name}", help="With seed 0, as in Splits")
        area = st.slider("Area, % of the frame", 0, 100, (0, 100), key=f"area{name}", help="Of the pixels that are not black")
        told = {one.title: one for one in checks.about_images(card)}
        finding = st.selectbox("Named by a check", [ANY, *told], key=f"check{name}", **link) if told else None
        picked = state.get(f"{PICKED}-{card.id}")
        on_map = bool(picked) and st.checkbox(f"Only the {len(picked):,} picked cells", key=f"on-map{name}")
    only = [frozenset(table["image_id"].iloc[list(picked)])] if on_map else []
    only += [report.named(cached.artifacts().dataset(card.id), told[finding])] if finding in told else []
    return Filter(
        label=None if label == ALL_CLASSES else label,
        subject=patient if patient in patients else None,
        part=part if part in parts else None,
        side=side if side in splits.SIDES else None,
        area=area if area != (0, 100) else None,
        image_ids=frozenset.intersection(*only) if only else None,
    ), level


def fitting(card: DatasetCard, table: pd.DataFrame, wanted: Filter, level: str) -> np.ndarray:
    """Rows that fit a filter."""
    sides = cached.split(card, SplitSpec(level)).sides if wanted.side else None
    areas = cached.looks(card).table["area"].to_numpy() if wanted.area else None
    return selection.rows(table, wanted, sides=sides, areas=areas)


def _order(card: DatasetCard) -> str:
    return st.selectbox("Order", [MIXED, STORED, BY_AREA], key="order", bind="query-params")


def legend(card: DatasetCard) -> str:
    """What the colours under the cells mean, where a colour has a name."""
    names = {"healthy": "Blue: healthy", "leukemia": "orange: leukemia"}
    return ", ".join(names[name] for name in card.class_names) + "." if set(card.class_names) == set(names) else ""


def wall(card: DatasetCard, table: pd.DataFrame, rows: np.ndarray, *, label: str, key: str, keep: str = "", side: int = 78) -> str | None:
    """Some cells; the id of the one that was clicked last."""
    cells = []
    for record, image in zip(table.iloc[rows].itertuples(index=False), cached.thumbnails(card, rows.tolist()), strict=True):
        text = record.label or selection.NO_LABEL
        if record.subject:
            text += f", patient {record.subject}"
        colour = theme.class_colour(record.label, card.class_names) if record.label else theme.GREY
        cells.append(Cell(record.image_id, image, text, colour))
    return gallery(cells, label=label, key=key, keep=keep, side=side)


def as_csv(card: DatasetCard, table: pd.DataFrame, rows: np.ndarray, *, key: str) -> None:
    """The records of some cells, with their measures, to take away."""
    st.download_button(
        "CSV",
        lambda: table.iloc[rows].merge(cached.looks(card).table, on="image_id", how="left").to_csv(index=False),
        f"{card.id}-cells.csv",
        "text/csv",
        key=key,
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
        help=f"All that is known of these {widgets.counted(len(rows), 'cell')}",
    )


def one(card: DatasetCard, table: pd.DataFrame, row: int, level: str) -> None:
    """One cell beside the wall."""
    record = table.iloc[row]
    st.image(np.array(cached.pixels(card)[row]), width=208, alt=f"One cell: {record['label'] or selection.NO_LABEL}")
    st.markdown(f"**{widgets.plain(record['label'] or selection.NO_LABEL)}**")
    facts = {"patient": record["subject"] or "unknown", "file": record["image_id"].rsplit("/", 1)[-1]}
    st.caption("  \n".join(f"{name}: {widgets.plain(str(value))}" for name, value in facts.items()))
    if st.button("All about it", key="large", icon=":material/zoom_in:", width="stretch"):
        _large(card, table, row, level)


@st.dialog("One cell", width="large")
def _large(card: DatasetCard, table: pd.DataFrame, row: int, level: str) -> None:
    record = table.iloc[row]
    left, right = st.columns([1, 1], gap="medium")
    with left:
        picture, note = _picture(card, record, row)
        st.image(picture, width="stretch", alt=f"The cell {record['image_id']}")
        st.caption(f"{widgets.plain(record['image_id'])}  \n{note}")
    with right:
        of_patient = int((table["subject"] == record["subject"]).sum()) if record["subject"] else 0
        facts = {
            "class": record["label"] or "not told",
            "patient": f"{record['subject']} ({widgets.counted(of_patient, 'cell')})" if of_patient else "unknown",
            "phase": record["phase"],
            "fold": str(record["fold"]) if record["fold"] >= 0 else "",
            f"side, split by {level}": cached.split(card, SplitSpec(level)).sides[row] or "none",
            "pixels": f"{record['width']} x {record['height']}, {record['mode']}",
            "format": f"{record['format']}, {record['bytes']:,} bytes",
            "SHA-256": f"{record['sha256'][:16]}...",
        }
        shown = {name: value for name, value in facts.items() if value}
        st.dataframe(pd.DataFrame({"what": list(shown), "value": list(shown.values())}), hide_index=True, alt="Facts about this cell")
        found = looks.standing(cached.looks(card), table["label"].to_numpy(), row)
        measured = {
            "measure": [looks.MEASURES[name] for name in found],
            "value": [f"{value:.3g}" for value, _ in found.values()],
            "above so many of its class": [f"{share:.0%}" for _, share in found.values()],
        }
        st.dataframe(pd.DataFrame(measured), hide_index=True, alt="Colours and shape of this cell")


def _picture(card: DatasetCard, record: pd.Series, row: int) -> tuple[np.ndarray, str]:
    """The image file itself, else what the cache keeps of it."""
    file = records.image_root(cached.artifacts().dataset(card.id), card) / record["image_id"]
    try:
        pixels = images.decoded(file.read_bytes()).pixels
        note = "The image file itself."
    except (OSError, Unreadable):
        pixels, note = np.array(cached.pixels(card)[row]), "The file has gone; this is the small copy that was kept."
    side = max(pixels.shape[:2])
    if side < 256:  # enlarged without inventing what is not there
        scale = -(-256 // side)
        pixels = np.asarray(Image.fromarray(pixels).resize((pixels.shape[1] * scale, pixels.shape[0] * scale), Image.Resampling.NEAREST))
    return pixels, note
