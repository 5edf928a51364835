"""What a data set holds and how a split divides it: images by class, patients by class, patients by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.text import percentage
from allcore.plots import theme

NO_PATIENTS = "The patients are not known."
_LABELLED = 30
"""Up to so many patients, each bar has its name beneath."""
_SIDE_NAMES = {"": "unused"}


def images_by_class(counts: Mapping[str, int]) -> go.Figure:
    """One bar a class, in the order given, with its number of images and its share."""
    figure = theme.blank(height=60 + 48 * len(counts))
    figure.add_trace(
        go.Bar(
            x=list(counts.values()),
            y=list(counts),
            orientation="h",
            marker={"color": [theme.class_colour(name, tuple(counts)) for name in counts], "line": {"color": theme.OUTLINE, "width": 1}},
            hovertemplate="%{y}: %{x:,} images<extra></extra>",
        )
    )
    total = sum(counts.values())
    labels = [f"<b>{name}</b><br>{count:,} ({_share(count, total)})" for name, count in counts.items()]
    figure.update_xaxes(title_text="images", rangemode="tozero", tickformat=",d", nticks=5)
    figure.update_yaxes(autorange="reversed", showgrid=False, tickvals=list(counts), ticktext=labels)
    return figure


def patients(subjects: Sequence[str], labels: Sequence[str], classes: Sequence[str]) -> go.Figure:
    """One bar a patient, as high as the patient's images, coloured by class; sorted by class, then by images.

    `subjects` and `labels` (images,) text, '' for unknown, left out.
    """
    return _bars(subjects, labels, {name: theme.class_colour(name, tuple(classes)) for name in classes})


def sides(subjects: Sequence[str], sides: Sequence[str]) -> go.Figure:
    """One bar a patient, coloured by the side of a split; a bar of several colours is a patient who stands on several sides.

    `subjects` and `sides` (images,) text; a side is 'train', 'tune', 'calibrate', 'test' or '' for unused.
    """
    return _bars(subjects, [_SIDE_NAMES.get(one, one) for one in sides], _side_colours())


def describe_images_by_class(counts: Mapping[str, int]) -> str:
    """What `images_by_class` shows, in words."""
    total = sum(counts.values())
    return f"{total:,} images: " + ", ".join(f"{count:,} {name} ({_share(count, total)})" for name, count in counts.items()) + "."


def describe_patients(subjects: Sequence[str], labels: Sequence[str], classes: Sequence[str]) -> str:
    """What `patients` shows, in words."""
    return _describe(_counts(subjects, labels, list(classes)), "images of more than one class")


def describe_sides(subjects: Sequence[str], sides: Sequence[str]) -> str:
    """What `sides` shows, in words."""
    table = _counts(subjects, [_SIDE_NAMES.get(one, one) for one in sides], list(_side_colours()))
    return _describe(table, "images on more than one side")


def images_by_class_table(counts: Mapping[str, int]) -> pd.DataFrame:
    """class, images."""
    return pd.DataFrame({"class": list(counts), "images": list(counts.values())})


def patients_table(subjects: Sequence[str], labels: Sequence[str], classes: Sequence[str]) -> pd.DataFrame:
    """A row a patient: subject, one column of images a class."""
    return _counts(subjects, labels, list(classes)).rename_axis("subject").reset_index()


def sides_table(subjects: Sequence[str], sides: Sequence[str]) -> pd.DataFrame:
    """A row a patient: subject, one column of images a side."""
    return _counts(subjects, [_SIDE_NAMES.get(one, one) for one in sides], list(_side_colours())).rename_axis("subject").reset_index()


def _side_colours() -> dict[str, str]:
    return {_SIDE_NAMES.get(side, side): colour for side, colour in theme.SIDE_COLOURS.items()}


def _counts(subjects: Sequence[str], groups: Sequence[str], order: list[str]) -> pd.DataFrame:
    """Images by patient (index) and group (columns, in `order`), each patient beside its like: by main group, then by images."""
    table = pd.DataFrame({"subject": list(subjects), "group": list(groups)})
    table = table[(table["subject"] != "") & table["subject"].notna() & table["group"].isin(order)]
    counts = pd.crosstab(table["subject"], table["group"]).reindex(columns=order, fill_value=0)
    counts = counts.loc[:, counts.sum() > 0].astype(int)
    if counts.empty:
        return counts
    main = counts.to_numpy().argmax(axis=1)
    place = pd.DataFrame({"main": main, "images": -counts.sum(axis=1)}, index=counts.index)
    return counts.loc[place.sort_values(["main", "images"], kind="stable").index].rename_axis(columns=None)


def _bars(subjects: Sequence[str], groups: Sequence[str], colours: Mapping[str, str]) -> go.Figure:
    table = _counts(subjects, groups, list(colours))
    if table.empty:
        return theme.message(NO_PATIENTS)
    figure = theme.blank(height=320)
    few = len(table) <= _LABELLED
    for name in table.columns:
        number = int((table[name] > 0).sum())
        figure.add_trace(
            go.Bar(
                x=list(range(len(table))),
                y=table[name].tolist(),
                customdata=table.index.tolist(),
                name=f"{name} ({number} patient{'s' if number != 1 else ''})",
                marker={"color": colours[name], "line": {"color": theme.OUTLINE, "width": 1 if few else 0}},
                hovertemplate=f"patient %{{customdata}}<br>%{{y:,}} images, {name}<extra></extra>",
            )
        )
    figure.update_layout(barmode="stack", bargap=0.15, legend={"traceorder": "normal"})
    ticks = {"tickvals": list(range(len(table))), "ticktext": table.index.tolist(), "tickangle": -90 if len(table) > 8 else 0}
    figure.update_xaxes(title_text=f"{len(table)} patients", showgrid=False, **(ticks if few else {"showticklabels": False}))
    figure.update_yaxes(title_text="images")
    return figure


def _describe(table: pd.DataFrame, straddling: str) -> str:
    if table.empty:
        return NO_PATIENTS
    images = table.sum(axis=1)
    parts = [f"{len(table)} patients with {images.min():,} to {images.max():,} images each, {images.median():,.0f} in the middle."]
    parts += [f"{name.capitalize()}: {int((table[name] > 0).sum())} patients, {int(table[name].sum()):,} images." for name in table.columns]
    several = int(((table > 0).sum(axis=1) > 1).sum())
    return " ".join([*parts, f"{several or 'No'} patient{'s have' if several > 1 else ' has'} {straddling}."])


def _share(count: int, total: int) -> str:
    return percentage(count / total if total else None)
