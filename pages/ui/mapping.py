"""The map of all cells: a lasso fills the wall beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from allcore.data import cellmap, looks, selection
from allcore.data.records import DatasetCard
from allcore.jobs import control, submit
from allcore.plots import cells as plots
from allcore.plots import theme
from allcore.runs import spec, store
from allcore.runs.store import Job
from pages.ui import cached, cells, person, state, widgets

PRINCIPAL, NEIGHBOURS = "two main directions", "neighbourhoods"
CLASS, PART = "class", "phase and fold"
_SHOWN = 60


def tab(card: DatasetCard) -> None:
    """The map at the left, what was picked on it at the right."""
    table = cached.dataset_records(card)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        with st.container(horizontal=True):
            kind = st.segmented_control("Map", [PRINCIPAL, NEIGHBOURS], default=PRINCIPAL, required=True, key="map", bind="query-params")
            parts = cached.once(("parts", card.fingerprint), lambda: selection.parts(table))
            by = st.segmented_control("Colour", [CLASS, *([PART] if parts else [])], default=CLASS, required=True, key="map-colour")
        found = _places(card, kind)
        if found is None:
            _ask_for_it(card)
            return
        places, axes, stamp = found
        key = f"map-{card.id}-{kind}-{by}".replace(" ", "-")
        widgets.kept_chart(
            ("map", card.fingerprint, kind, by, stamp),
            lambda: _figure(card, table, places, by, parts, axes),
            key=key,
            on_area=lambda: _pick(card, key),
        )
        if kind == PRINCIPAL:
            x, y = cached.looks(card).explained
            st.caption(f"Colours in rings about the centre, and shape, on their two principal components: {x + y:.0%} of all variance.")
        else:
            st.caption("t-SNE: neighbours look alike; distances between groups, and their sizes, mean nothing.")
    with right:
        _picked(card, table)


def _places(card: DatasetCard, kind: str) -> tuple[pd.DataFrame, tuple[str, str], int] | None:
    """Where each cell lies, what the axes are, and a number that tells this map from a later one; None where it is not made yet."""
    if kind == PRINCIPAL:
        x, y = cached.looks(card).explained
        return cached.looks(card).table, (f"first component ({x:.0%})", f"second component ({y:.0%})"), 0
    places = cached.cell_map(card)
    return None if places is None else (places, ("", ""), places.attrs[cached.STAMP])


def _figure(
    card: DatasetCard, table: pd.DataFrame, places: pd.DataFrame, by: str, parts: list[str], axes: tuple[str, str]
) -> tuple[go.Figure, str, pd.DataFrame]:
    if by == CLASS:
        groups = table["label"].to_numpy()
        colours = {name: theme.class_colour(name, card.class_names) for name in card.class_names}
    else:
        groups = selection.part_of_each(table)
        colours = {name: theme.class_colour(name, parts) for name in parts}
    x, y = places["x"].to_numpy(), places["y"].to_numpy()
    return (
        plots.cell_map(x, y, groups, colours, axes=axes),
        plots.describe_cell_map(groups),
        plots.cell_map_table(table["image_id"].tolist(), x, y, groups),
    )


def _pick(card: DatasetCard, key: str) -> None:
    state.put(f"{cells.PICKED}-{card.id}", tuple(int(np.ravel(point["customdata"])[0]) for point in state.points(key)))


def _picked(card: DatasetCard, table: pd.DataFrame) -> None:
    picked = np.array(state.get(f"{cells.PICKED}-{card.id}", ()), int)
    picked = picked[picked < len(table)]
    if not len(picked):
        widgets.empty("Draw a loop or a box on the map: the cells within it come here.")
        return
    labels = table["label"].iloc[picked].replace("", selection.NO_LABEL).value_counts()
    people = table["subject"].iloc[picked]
    words = ", ".join(f"{count:,} {widgets.plain(name)}" for name, count in labels.items())
    patients = f", of {widgets.counted(people[people != ''].nunique(), 'patient')}" if card.has_subjects else ""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{widgets.counted(len(picked), 'cell')} picked**: {words}{patients}", width="content")
        cells.as_csv(card, table, picked, key="picked-csv")
    shown = selection.mixed(picked)[:_SHOWN]
    cells.wall(card, table, shown, label=f"{len(picked):,} cells picked, {len(shown)} shown", key="picked-wall", side=64)
    if len(picked) > len(shown):
        st.caption(f"{len(shown)} of them. Under Cells, 'Only the {len(picked):,} picked cells' shows all.")


def _making(card: DatasetCard) -> Job | None:
    found = [job for job in store.active(cached.artifacts()) if job.spec.kind == spec.MAP and job.spec.params["name"] == card.id]
    return found[0] if found else None


def _ask_for_it(card: DatasetCard) -> None:
    """The button that begins it, or how far it is."""
    if _making(card):
        control.ensure_if_needed(cached.artifacts())
        st.fragment(_progress, run_every=2.0)(card)
    elif card.images < cellmap.FEWEST:
        widgets.empty(f"{card.images} cells are too few for this map.")
    elif widgets.empty(
        f"A map on which neighbours look alike (t-SNE). It takes about {widgets.minutes(cellmap.seconds(card.images))} in the background.",
        "Lay out the map",
        icon=":material/scatter_plot:",
    ):
        submit.mapping(cached.artifacts(), card.id, tags=person.tags())
        control.ensure(cached.artifacts())
        st.rerun(scope="app")


def _progress(card: DatasetCard) -> None:
    job = _making(card)
    if job is None:
        st.rerun(scope="app")
    st.progress(job.share, text=f"The map of {card.id}: {widgets.doing(job)}")


def measures(card: DatasetCard) -> None:
    """Mean and variability of each class, and the distribution of one measure."""
    found, table = cached.looks(card), cached.dataset_records(card)
    top = max(float(one.max()) for one in found.spreads.values())
    columns = st.columns(min(max(len(card.class_names), 2), 4))
    for place, name in enumerate(card.class_names):
        with columns[place % len(columns)]:
            st.markdown(f"**{widgets.plain(name)}** · {card.classes[name]:,}")
            with st.container(horizontal=True):
                st.image(found.means[name], width=140, caption="mean", alt=f"Mean image of {name}")
                st.image(
                    plots.heat(found.spreads[name], most=top), width=140, caption="how they vary", alt=f"Where images of class {name} vary"
                )
    st.caption(f"How they vary: standard deviation of brightness at each pixel, dark 0, light {top:.0f} grey levels, one scale for all.")
    measure = st.selectbox("Measure", list(looks.MEASURES), format_func=looks.MEASURES.get, key="measure", bind="query-params")
    labels, values = table["label"].to_numpy(), found.table[measure].to_numpy()
    by_class = {name: values[labels == name] for name in card.class_names}
    colours = {name: theme.class_colour(name, card.class_names) for name in card.class_names}
    widgets.chart(
        plots.distribution(by_class, colours, label=looks.MEASURES[measure]),
        plots.describe_distribution(by_class, label=looks.MEASURES[measure]),
        plots.distribution_table(by_class),
        key=f"measure-{measure}",
    )


def comparison(card: DatasetCard) -> None:
    """Two filters side by side."""
    table, found = cached.dataset_records(card), cached.looks(card)
    sides = {}
    firsts = (card.class_names[0], card.class_names[-1])
    for name, first, column in zip(("A", "B"), firsts, st.columns(2, gap="large"), strict=True):
        with column:
            st.markdown(f"**{name}**")
            wanted, level = cells.asked(card, table, f"-{name}", label=first)
            sides[name] = cells.fitting(card, table, wanted, level)
            if not len(sides[name]):
                widgets.empty("No cell fits these filters.")
                continue
            st.caption(widgets.counted(len(sides[name]), "cell"))
            shown = selection.mixed(sides[name])[:24]
            cells.wall(card, table, shown, label=f"{name}: {len(sides[name]):,} cells, {len(shown)} shown", key=f"wall-{name}", side=58)
            cells.as_csv(card, table, sides[name], key=f"csv-{name}")
    measure = st.selectbox("Measure", list(looks.MEASURES), format_func=looks.MEASURES.get, key="compared")
    values = {name: found.table[measure].to_numpy()[rows] for name, rows in sides.items()}
    colours = {"A": theme.FURTHER_COLOURS[0], "B": theme.FURTHER_COLOURS[1]}
    widgets.chart(
        plots.distribution(values, colours, label=looks.MEASURES[measure]),
        plots.describe_distribution(values, label=looks.MEASURES[measure]),
        plots.distribution_table(values),
        key=f"compared-{measure}",
    )
