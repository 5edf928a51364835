"""The confusion matrix: how many images of each class were called what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.text import percentage
from allcore.plots import theme

_MANY = 5


def confusion(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> go.Figure:
    """Counts with the share of their row beneath; `counts[true][predicted]` in the order of `classes`."""
    table = np.asarray(counts, dtype=np.int64)
    rates = _rates(table)
    few = len(classes) <= _MANY
    figure = theme.blank(height=400 if few else 120 + 48 * len(classes))
    truly, called = np.meshgrid(classes, classes, indexing="ij")
    figure.add_trace(
        go.Heatmap(
            z=rates,
            customdata=np.dstack([table, truly, called]),
            zmin=0,
            zmax=1,
            colorscale=theme.HEAT,
            showscale=False,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            hovertemplate="%{customdata[0]} images of %{customdata[1]} called %{customdata[2]}<br>%{z:.1%} of them<extra></extra>",
        )
    )
    figure.add_trace(_targets(table, classes, few))
    notes = [
        {"x": column, "y": row, "showarrow": False, **_cell(int(count), rates[row, column], few)}
        for (row, column), count in np.ndenumerate(table)
    ]
    figure.update_layout(annotations=notes)  # one by one, each is checked with all before it
    places = np.arange(len(classes))
    rows = [f"{name}<br>n {total:,}" for name, total in zip(classes, table.sum(axis=1), strict=True)]
    figure.update_xaxes(
        title_text="called", tickvals=places, ticktext=list(classes), showgrid=False, constrain="domain", tickangle=0 if few else -45
    )
    figure.update_yaxes(title_text="truly", tickvals=places, ticktext=rows, showgrid=False, autorange="reversed")
    if few:
        figure.update_yaxes(scaleanchor="x", constrain="domain", constraintoward="top")
    return figure


def describe_confusion(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """What `confusion` shows, in words."""
    table = np.asarray(counts)
    rates = _rates(table)
    parts = [f"Confusion matrix of {table.sum():,} images."]
    for row, name in enumerate(classes):
        total = table[row].sum()
        if not total:
            parts.append(f"No image is truly {name}.")
            continue
        calls = [f"{table[row, at]:,} ({percentage(rates[row, at])}) called {other}" for at, other in enumerate(classes) if table[row, at]]
        parts.append(f"Of {total:,} images truly {name}: {', '.join(calls)}.")
    return " ".join(parts)


def confusion_table(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> pd.DataFrame:
    """One row a cell: truly, called, images, share_of_row (NaN for a class without images)."""
    table = np.asarray(counts)
    rates = _rates(table)
    rows = [(classes[i], classes[j], int(count), rates[i, j]) for (i, j), count in np.ndenumerate(table)]
    return pd.DataFrame(rows, columns=["truly", "called", "images", "share_of_row"])


def _targets(table: np.ndarray, classes: Sequence[str], few: bool) -> go.Scatter:
    """Unseen squares that take a click, which Plotly denies to heat maps: `customdata` is (true, called) of the cell, as indices."""
    rows, columns = np.indices(table.shape)
    unseen = {"marker": {"opacity": 0}}
    return go.Scatter(
        x=columns.ravel(),
        y=rows.ravel(),
        # A list, not an array: a browser gives rows of an array back as something else than it was sent.
        customdata=np.stack([rows.ravel(), columns.ravel()], axis=1).tolist(),
        mode="markers",
        marker={"symbol": "square", "size": 110 if few else 34, "opacity": 0},
        selected=unseen,
        unselected=unseen,
        text=[
            f"{table[row, column]:,} images of {classes[row]} called {classes[column]}"
            for row, column in zip(rows.ravel(), columns.ravel(), strict=True)
        ],
        hovertemplate="%{text}<br>click to see them<extra></extra>",
        showlegend=False,
    )


def _rates(table: np.ndarray) -> np.ndarray:
    totals = table.sum(axis=1, keepdims=True)
    return np.divide(table, totals, out=np.full(table.shape, np.nan), where=totals > 0)


def _cell(count: int, rate: float, few: bool) -> dict:
    """Text and font of a cell, in black or white after its colour; a class without images has no rate and no colour."""
    font = {"size": 17 if few else 11}
    if np.isnan(rate):
        return {"text": "–", "font": font}
    # Cells of many classes are narrow on a phone.
    share = percentage(rate) if few else f"{100 * rate:.0f}%"
    beneath = f"<br><span style='font-size:{12 if few else 10}px'>{share}</span>" if count else ""
    return {"text": f"<b>{count:,}</b>{beneath}", "font": {**font, "color": theme.text_on(theme.heat_colour(rate))}}
