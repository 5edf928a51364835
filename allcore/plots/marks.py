"""Marks that several curves share: a band, the point of the threshold in use, a line that can be clicked."""

from __future__ import annotations

import plotly.graph_objects as go

from allcore.metrics.bands import Band
from allcore.plots import theme

_UNSEEN = {"marker": {"opacity": 0}}


def clickable(line: dict) -> dict:
    """A line with points that are not seen but take a click, which Plotly denies to bare lines."""
    return {"mode": "lines+markers", "line": line, "marker": {"size": 10, "opacity": 0}, "selected": _UNSEEN, "unselected": _UNSEEN}


def mark(figure: go.Figure) -> go.Figure:
    """Legends below, one entry a line, as all square curves have them."""
    return figure.update_layout(legend={"orientation": "v", "y": -0.17, "yanchor": "top", "x": 0.5, "xanchor": "center"}, showlegend=True)


def here(x: float, y: float, threshold: float, colour: str, hover: str) -> go.Scatter:
    """The point of the threshold in use."""
    return go.Scatter(
        x=[x],
        y=[y],
        customdata=[threshold],
        mode="markers",
        name=f"threshold {threshold:.3g}",
        marker={"size": 13, "color": colour, "line": {"color": "#ffffff", "width": 2}},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        hovertemplate=hover + "<extra>now</extra>",
    )


def add_band(figure: go.Figure, band: Band, colour: str) -> None:
    """Shade between a band's limits; nothing where it has none."""
    if not band.low:
        return
    figure.add_trace(
        go.Scatter(
            x=[*band.x, *reversed(band.x)],
            y=[*band.high, *reversed(band.low)],
            fill="toself",
            mode="lines",
            line={"width": 0},
            fillcolor=theme.faint(colour),
            hoverinfo="skip",
            name="95 % at each point" + (f", {band.note}" if band.note else ", over patients"),
        )
    )


def grey_line(x: list[float], y: list[float], name: str) -> go.Scatter:
    """A line for orientation."""
    line = {"color": theme.GREY, "width": 1, "dash": "dot"}
    return go.Scatter(x=x, y=y, mode="lines", line=line, name=name, hoverinfo="skip", showlegend=False)
