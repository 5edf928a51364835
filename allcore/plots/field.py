"""A picture of a smear with its white cells outlined and numbered."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from PIL import Image

from allcore.plots import theme

LARGEST = 1280
"""Longest side at which the picture is sent to a browser."""
HIGHEST, WIDEST = 620, 640
"""Of the figure, in pixels; it takes the picture's shape within."""
CLICK, BOX = "click", "box"
"""Ways to say where a cell is."""
CLICKABLE = 40
"""Places along the longer side that can be clicked: nearer to each other than a browser asks for."""
NOT_JUDGED = "not judged"
_HALO = "rgba(255,255,255,0.75)"


@dataclass(frozen=True, eq=False)
class Outlined:
    """A cell. line: its outline, (points, 2) x and y in pixels of the picture. answer: '' where it was not judged. chosen: looked at."""

    number: int
    line: np.ndarray
    answer: str
    chosen: bool = False

    @property
    def middle(self) -> tuple[float, float]:
        """Of the box about it."""
        x, y = (self.line.min(axis=0) + self.line.max(axis=0)) / 2
        return float(x), float(y)


def field(pixels: np.ndarray, cells: Sequence[Outlined], classes: Sequence[str], *, adding: str = "") -> go.Figure:
    """A uint8 RGB picture (height, width, 3) with its cells; `customdata` of a number's mark is the cell's number.

    Those not judged are dashed and grey. `adding`: with BOX a drag draws one; with CLICK a click anywhere chooses the nearest of invisible
    points, which carry nothing; otherwise only marks can be clicked.
    """
    height, width = pixels.shape[:2]
    figure = theme.blank(height=max(200, min(HIGHEST, round(WIDEST * height / width) + 40)))
    place = {"x": 0, "y": 0, "sizex": width, "sizey": height, "xref": "x", "yref": "y", "sizing": "stretch", "layer": "below"}
    figure.add_layout_image(source=_small(pixels), **place)
    if adding == CLICK:
        figure.add_trace(_anywhere(width, height))
    judged = [name for name in classes if any(one.answer == name for one in cells)]
    groups = [(name, theme.class_colour(name, classes), "solid") for name in judged]
    groups += [("", theme.GREY, "dot")] if any(not one.answer for one in cells) else []
    _lines(figure, cells, {"color": _HALO, "width": 6}, showlegend=False)
    for name, colour, dash in groups:
        mine = [one for one in cells if one.answer == name]
        _lines(figure, mine, {"color": colour, "width": 3, "dash": dash}, name=f"{name or NOT_JUDGED} ({len(mine)})")
        figure.add_trace(
            go.Scatter(
                x=[one.middle[0] for one in mine],
                y=[one.middle[1] for one in mine],
                text=[str(one.number) for one in mine],
                customdata=[one.number for one in mine],
                mode="markers+text",
                textfont={"color": theme.text_on(colour), "size": 13},
                marker={
                    "color": colour,
                    "size": [30 if one.chosen else 24 for one in mine],
                    "opacity": 1,
                    "line": {"color": ["#ffffff" if one.chosen else colour for one in mine], "width": 3},
                },
                # What a click chooses is drawn by who shows the figure; nothing else is to fade.
                unselected={"marker": {"opacity": 1}},
                showlegend=False,
                hovertemplate=f"cell %{{text}}: {name or NOT_JUDGED}<extra></extra>",
            )
        )
    bare = {"visible": False, "constrain": "domain", "fixedrange": True}
    figure.update_xaxes(range=[0, width], **bare)
    figure.update_yaxes(range=[height, 0], scaleanchor="x", constraintoward="top", **bare)
    figure.update_layout(dragmode="select" if adding == BOX else False, newselection={"line": {"color": theme.ACCENT, "width": 3}})
    return figure


def describe_field(cells: Sequence[Outlined]) -> str:
    """What `field` shows, in words."""
    if not cells:
        return "A picture in which no white cell is outlined."
    told = ", ".join(f"cell {one.number} {one.answer or NOT_JUDGED}" for one in cells)
    return f"A picture with {len(cells)} white cell{'s' * (len(cells) > 1)} outlined: {told}."


def field_table(cells: Sequence[Outlined]) -> pd.DataFrame:
    """A row a cell: cell, answer, and the box about its outline: left, top, right, bottom in pixels."""
    boxes = np.array([[*one.line.min(axis=0), *one.line.max(axis=0)] for one in cells]).reshape(-1, 4)
    table = pd.DataFrame({"cell": [one.number for one in cells], "answer": [one.answer or NOT_JUDGED for one in cells]})
    return table.join(pd.DataFrame(boxes, columns=["left", "top", "right", "bottom"]))


def _lines(figure: go.Figure, cells: Sequence[Outlined], line: dict, **options: object) -> None:
    """All outlines as one line with gaps; a trace of no points where there are none, since a chart without traces can't be selected in."""
    points = np.concatenate([np.append(one.line, [[np.nan, np.nan]], axis=0) for one in cells] or [np.empty((0, 2))])
    figure.add_trace(go.Scatter(x=points[:, 0], y=points[:, 1], mode="lines", line=line, hoverinfo="skip", **options))


def _anywhere(width: int, height: int) -> go.Scatter:
    """Points all over the picture that nobody sees: only points of a trace can be clicked."""
    step = max(width, height) / CLICKABLE
    x, y = np.meshgrid(np.arange(step / 2, width, step), np.arange(step / 2, height, step))
    unseen = {"marker": {"opacity": 0}}
    # Of what is skipped when hovered no click is told.
    return go.Scatter(
        x=x.ravel(),
        y=y.ravel(),
        mode="markers",
        marker={"opacity": 0},
        selected=unseen,
        unselected=unseen,
        hoverinfo="none",
        showlegend=False,
    )


def _small(pixels: np.ndarray) -> str:
    image = Image.fromarray(pixels)
    image.thumbnail((LARGEST, LARGEST))
    out = io.BytesIO()
    image.save(out, "WEBP", quality=88, method=0)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()
