"""Balanced accuracy by the number of patients trained on."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.growth import Growth
from allcore.metrics.text import show
from allcore.plots import theme
from allcore.plots.ranking import reach

_LINES = (
    ("every", "all their cells", "circle", "solid", theme.ACCENT),
    ("same", "as many cells as at the first step", "square-open", "dash", theme.FURTHER_COLOURS[4]),
)


def growth(found: Growth) -> go.Figure:
    """Two curves over patients on a logarithmic axis, each point with its interval over the test patients."""
    figure = theme.blank(height=380)
    places = [one.patients for one in found.steps]
    for nudge, (field, name, symbol, dash, colour) in zip((0.985, 1.015), _LINES, strict=True):
        values = [getattr(one, field) for one in found.steps]
        low, high = zip(*(reach(value) for value in values), strict=True)
        figure.add_trace(
            go.Scatter(
                x=[place * nudge for place in places],
                y=[value.estimate for value in values],
                error_y={"type": "data", "symmetric": False, "array": high, "arrayminus": low, "thickness": 1.5, "width": 4},
                customdata=[[one.patients, show(value)] for one, value in zip(found.steps, values, strict=True)],
                mode="lines+markers",
                name=name,
                line={"color": colour, "dash": dash, "width": 2},
                marker={"size": 9, "symbol": symbol, "color": colour, "line": {"color": colour, "width": 2}},
                hovertemplate="%{customdata[0]} patients: %{customdata[1]}<extra>" + name + "</extra>",
            )
        )
    figure.update_xaxes(title_text="patients trained on", type="log", tickvals=places, ticktext=[f"{place:,}" for place in places])
    return figure.update_yaxes(title_text="balanced accuracy")


def describe_growth(found: Growth) -> str:
    """What `growth` shows, in words."""
    parts = [f"{one.patients} patients {show(one.every)}, with as many cells as at first {show(one.same)}" for one in found.steps]
    return f"Balanced accuracy by patients trained on, means of {found.draws} draws: {'; '.join(parts)}."


def growth_table(found: Growth) -> pd.DataFrame:
    """A row a step: patients, images, then of all cells and of as many as at first the figure and its limits, the draws' spread."""
    rows = [
        (one.patients, one.images, *(value for i in (one.every, one.same) for value in (i.estimate, i.low, i.high)), one.spread)
        for one in found.steps
    ]
    columns = ["patients", "images", "all_cells", "all_low", "all_high", "same_cells", "same_low", "same_high", "spread_of_draws"]
    return pd.DataFrame(rows, columns=columns)
