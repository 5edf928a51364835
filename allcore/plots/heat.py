"""What a model looked at: a heat map over the picture."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from allcore.plots import cells, theme

_FAINTEST, _STRONGEST = 0.1, 0.85
"""Opacity of no heat and of the most: the picture stays visible where nothing speaks."""
_STEPS = 33
_ROWS, _COLUMNS = ("upper", "middle", "lower"), ("left", "centre", "right")


def heat(picture: np.ndarray, values: np.ndarray) -> go.Figure:
    """The picture, uint8 (size, size, 3), with what speaks for the class, `values` (size, size) above 0, laid over it."""
    size, most = len(values), _most(values)
    figure = theme.blank(height=340)
    figure.add_trace(go.Image(z=picture, zsmooth="fast", hoverinfo="skip"))
    figure.add_trace(
        go.Heatmap(
            z=np.maximum(values, 0),
            zmin=0,
            zmax=most,
            zsmooth="best",
            colorscale=_scale(),
            colorbar={"title": {"text": "weight,<br>log-odds"}, "thickness": 14, "len": 0.9, "outlinewidth": 0, "tickformat": ".2~g"},
            hovertemplate="%{z:.2~g} of log-odds<extra></extra>",
        )
    )
    hidden = {"visible": False, "constrain": "domain", "range": [-0.5, size - 0.5]}
    figure.update_xaxes(**hidden)
    figure.update_yaxes(**{**hidden, "range": [size - 0.5, -0.5]}, scaleanchor="x")
    return figure


def describe_heat(values: np.ndarray, *, of: str, share_on_cell: float | None) -> str:
    """What `heat` shows, in words."""
    speaks = np.maximum(values, 0)
    if not speaks.any():
        return f"Heat map: no place of the picture speaks for {of}."
    size = len(values)
    thirds = [
        speaks[row * size // 3 : (row + 1) * size // 3, column * size // 3 : (column + 1) * size // 3]
        for row in range(3)
        for column in range(3)
    ]
    sums = np.array([part.sum() for part in thirds])
    row, column = divmod(int(sums.argmax()), 3)
    where = "the middle" if (row, column) == (1, 1) else f"the {_ROWS[row]} {_COLUMNS[column]}"
    said = f"Heat map of what speaks for {of}: strongest in {where}, where {sums.max() / sums.sum():.0%} of its weight lies."
    return said if share_on_cell is None else f"{said} {share_on_cell:.0%} of the weight lies on the cell."


def heat_table(values: np.ndarray) -> pd.DataFrame:
    """A row a pixel: x and y from the upper left corner, and its weight in log-odds, below 0 where it speaks against the class."""
    y, x = np.indices(values.shape)
    return pd.DataFrame({"x": x.ravel(), "y": y.ravel(), "weight": values.ravel()})


def overlay(picture: np.ndarray, values: np.ndarray) -> np.ndarray:
    """As `heat`, as pixels alone: uint8 (size, size, 3)."""
    share = (np.maximum(values, 0) / _most(values))[..., None]
    alpha = _FAINTEST + (_STRONGEST - _FAINTEST) * share
    return np.rint(picture * (1 - alpha) + cells.heat(share[..., 0], most=1.0) * alpha).astype(np.uint8)


def _most(values: np.ndarray) -> float:
    return max(float(values.max()), 1e-9)


def _scale() -> list[list[float | str]]:
    """The scale for heat, growing opaque."""
    found: list[list[float | str]] = []
    for at in np.linspace(0, 1, _STEPS):
        colour = theme.heat_colour(float(at))
        red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
        found.append([float(at), f"rgba({red},{green},{blue},{_FAINTEST + (_STRONGEST - _FAINTEST) * at:.3f})"])
    return found
