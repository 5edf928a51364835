"""A run on another laboratory's data: its figures on both sides, how far the images lie, and what moved."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.external import Compared, External, Moved, Shift
from allcore.metrics.external_words import measure, signed
from allcore.metrics.intervals import Interval
from allcore.metrics.text import percentage, show
from allcore.plots import theme

OWN, OTHER = theme.GREY, theme.FURTHER_COLOURS[4]
_OWN_NAME = "own test side"


def compared(found: External) -> go.Figure:
    """A row a figure: on the run's own test side and on the other data, each with its interval."""
    figure = theme.blank(height=120 + 52 * len(found.compared))
    for name, symbol, colour, up, pick in (
        (_OWN_NAME, "circle-open", OWN, -0.14, lambda one: one.own),
        (found.data, "circle", OTHER, 0.14, lambda one: one.other),
    ):
        there = [(place, one, pick(one)) for place, one in enumerate(found.compared) if pick(one).estimate is not None]
        figure.add_trace(
            go.Scatter(
                x=[value.estimate for _, _, value in there],
                y=[place + up for place, _, _ in there],
                error_x=_reach([value for _, _, value in there], colour),
                customdata=[[measure(one.measure), show(value), signed(one.difference)] for _, one, value in there],
                mode="markers",
                name=name,
                marker={"size": 11, "symbol": symbol, "color": colour, "line": {"color": colour, "width": 2}},
                hovertemplate="%{customdata[0]} %{customdata[1]}<br>difference %{customdata[2]}<extra>" + name + "</extra>",
            )
        )
    figure.update_yaxes(
        tickvals=list(range(len(found.compared))),
        ticktext=[measure(one.measure) for one in found.compared],
        range=[len(found.compared) - 0.5, -0.5],
        showgrid=False,
    )
    return figure.update_xaxes(title_text="figure, 95 % interval")


def describe_compared(found: External) -> str:
    """What `compared` shows, in words."""
    parts = [
        f"{measure(one.measure)} {show(one.own)} on its own test side, {show(one.other)} on {found.data}, "
        f"difference {signed(one.difference)}."
        for one in found.compared
    ]
    return " ".join(parts)


def compared_table(found: External) -> pd.DataFrame:
    """A row a figure: both with their limits, images and patients; the difference (other less own), its limits and method."""
    rows = [_row(one) for one in found.compared]
    columns = [f"{side}_{what}" for side in ("own", "other") for what in ("figure", "low", "high", "images", "patients")]
    return pd.DataFrame(rows, columns=["measure", *columns, "difference", "difference_low", "difference_high", "method", "note"])


def distances(one: Shift, *, data: str) -> go.Figure:
    """Shares of images by their distance from the training images, own test side and other data; the former's 95th percentile dotted."""
    figure = theme.blank(height=300)
    centres = [(low + high) / 2 for low, high in zip(one.edges, one.edges[1:], strict=False)]
    for name, counts, colour in ((_OWN_NAME, one.own_counts, OWN), (data, one.other_counts, OTHER)):
        total = max(1, sum(counts))
        figure.add_trace(
            go.Scatter(
                x=centres,
                y=[count / total for count in counts],
                customdata=list(counts),
                mode="lines",
                line={"shape": "hvh", "color": colour, "width": 2},
                fill="tozeroy",
                fillcolor=theme.faint(colour),
                name=name,
                hovertemplate="%{y:.1%} of the images, %{customdata}<extra>" + name + "</extra>",
            )
        )
    figure.add_vline(x=one.edge, line={"color": theme.BETWEEN, "width": 1.5, "dash": "dot"})
    figure.add_annotation(
        x=one.edge,
        y=1,
        yref="paper",
        yanchor="top",
        xanchor="left",
        text=f" {percentage(one.beyond.estimate)} of {data} beyond",
        showarrow=False,
    )
    figure.update_xaxes(title_text=f"mean distance to the {one.neighbours} nearest training images", range=[0, one.edges[-1]])
    return figure.update_yaxes(title_text="share of the images", tickformat=".0%", rangemode="tozero")


def describe_distances(one: Shift, *, data: str) -> str:
    """What `distances` shows, in words."""
    return (
        f"Distance to the {one.neighbours} nearest training images: median {one.own_median:.3g} on the own test side, "
        f"{one.other_median:.3g} on {data}. Farther than 95 % of the own test images: {percentage(one.beyond.estimate)}. "
        f"AUROC of distance for the data set {show(one.auroc)}."
    )


def distances_table(one: Shift) -> pd.DataFrame:
    """A row a bin: from, to (the last holds all beyond), own_images, other_images."""
    return pd.DataFrame({"from": one.edges[:-1], "to": one.edges[1:], "own_images": one.own_counts, "other_images": one.other_counts})


def moved(found: tuple[Moved, ...]) -> go.Figure:
    """A bar a measure of looks: how far its mean moved, in standard deviations of the own classes."""
    if not found:
        return theme.message("The run's own data are gone: looks can't be compared.")
    figure = theme.blank(height=90 + 30 * len(found))
    figure.add_trace(
        go.Bar(
            x=[one.shift for one in found],
            y=[one.measure for one in found],
            orientation="h",
            customdata=[[one.own, one.other, show(one.auroc)] for one in found],
            marker={"color": OTHER, "line": {"color": theme.OUTLINE, "width": 1}},
            hovertemplate="%{y}: %{customdata[0]:.3g} to %{customdata[1]:.3g}<br>%{x:+.2f} SD, AUROC %{customdata[2]}<extra></extra>",
        )
    )
    figure.add_vline(x=0, line={"color": theme.GREY, "width": 1.5})
    most = max(1.0, *(abs(one.shift) for one in found)) * 1.1
    figure.update_xaxes(title_text="moved by so many standard deviations", range=[-most, most])
    return figure.update_yaxes(autorange="reversed", showgrid=False)


def describe_moved(found: tuple[Moved, ...]) -> str:
    """What `moved` shows, in words."""
    return "Looks, other less own in standard deviations: " + ", ".join(f"{one.measure} {one.shift:+.2f}" for one in found) + "."


def moved_table(found: tuple[Moved, ...]) -> pd.DataFrame:
    """A row a measure: measure, own_mean, other_mean, shift_in_sd, auroc, low, high."""
    rows = [(one.measure, one.own, one.other, one.shift, one.auroc.estimate, one.auroc.low, one.auroc.high) for one in found]
    return pd.DataFrame(rows, columns=["measure", "own_mean", "other_mean", "shift_in_sd", "auroc", "low", "high"])


def _row(one: Compared) -> tuple:
    sides = [value for side in (one.own, one.other) for value in (side.estimate, side.low, side.high, side.n, side.clusters)]
    gap = one.difference
    return (one.measure, *sides, gap.estimate, gap.low, gap.high, gap.method, gap.note)


def _reach(values: list[Interval], colour: str) -> dict:
    known = [value.low is not None and value.high is not None for value in values]
    return {
        "type": "data",
        "symmetric": False,
        "array": [value.high - value.estimate if there else 0 for value, there in zip(values, known, strict=True)],
        "arrayminus": [value.estimate - value.low if there else 0 for value, there in zip(values, known, strict=True)],
        "color": colour,
        "thickness": 2,
        "width": 5,
    }


def compared_shown(found: External) -> pd.DataFrame:
    """As `compared_table`, in the words that a page shows."""
    rows = [(measure(one.measure), show(one.own), show(one.other), signed(one.difference)) for one in found.compared]
    return pd.DataFrame(rows, columns=["figure", _OWN_NAME, found.data, "difference"])
