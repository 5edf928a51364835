"""Leakage: two training sides, one test side, and the gap between them."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.leakage import Leakage
from allcore.metrics.text import number, show
from allcore.plots import theme


def gaps(found: Leakage) -> go.Figure:
    """A line a split, from the model that had not met the test patients to the one that had; the mean of each as a stroke."""
    figure = theme.blank(height=170 + 20 * len(found.repeats))
    places = list(range(1, len(found.repeats) + 1))
    for place, one in zip(places, found.repeats, strict=True):
        line = {"color": theme.GREY, "width": 2}
        ends = [one.strangers, one.acquainted]
        figure.add_trace(go.Scatter(x=ends, y=[place] * 2, mode="lines", line=line, hoverinfo="skip", showlegend=False))
    for name, values, mean, symbol, colour in (
        ("had not met the test patients", [one.strangers for one in found.repeats], found.strangers, "circle-open", theme.ACCENT),
        ("knew other cells of them", [one.acquainted for one in found.repeats], found.acquainted, "circle", theme.FURTHER_COLOURS[1]),
    ):
        figure.add_trace(
            go.Scatter(
                x=values,
                y=places,
                mode="markers",
                name=f"{name}: {number(mean)}",
                marker={"size": 11, "symbol": symbol, "color": colour, "line": {"color": colour, "width": 2}},
                hovertemplate=f"split %{{y}}: %{{x:.3f}}<extra>{name}</extra>",
            )
        )
        figure.add_vline(x=mean, line={"color": colour, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(title_text="balanced accuracy on the same test cells")
    figure.update_yaxes(title_text="split", dtick=1, showgrid=False, autorange="reversed")
    return figure


def describe_gaps(found: Leakage) -> str:
    """What `gaps` shows, in words."""
    return (
        f"{len(found.repeats)} splits. Balanced accuracy on the same test cells: {number(found.strangers)} where training had not met "
        f"the test patients, {number(found.acquainted)} where it knew other cells of them. Gap {show(found.gap)}."
    )


def gaps_table(found: Leakage) -> pd.DataFrame:
    """A row a split: split, strangers, acquainted, gap, images, patients."""
    rows = [
        (at, one.strangers, one.acquainted, one.acquainted - one.strangers, one.images, one.patients)
        for at, one in enumerate(found.repeats, 1)
    ]
    return pd.DataFrame(rows, columns=["split", "strangers", "acquainted", "gap", "images", "patients"])
