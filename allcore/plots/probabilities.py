"""Predicted probabilities: of one image by class, of many by their true class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from allcore.metrics.text import percentage
from allcore.plots import theme

_BINS = 25


def probabilities(values: Sequence[float], classes: Sequence[str], *, positive: str, threshold: float | None) -> go.Figure:
    """One bar a class for one image: `values` (classes,) float from 0 to 1. The threshold is marked on the bar of `positive`."""
    figure = theme.blank(height=70 + 44 * len(classes))
    figure.add_trace(
        go.Bar(
            x=list(values),
            y=list(classes),
            orientation="h",
            text=[percentage(value) for value in values],
            textposition="outside",
            cliponaxis=False,
            marker={"color": [theme.class_colour(name, classes) for name in classes], "line": {"color": theme.OUTLINE, "width": 1}},
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
            showlegend=False,
        )
    )
    if threshold is not None:
        at = list(classes).index(positive)
        mark = {"symbol": "line-ns", "size": 34, "line": {"width": 3, "color": theme.GREY}}
        hover = f"threshold for {positive}: %{{x:.2f}}<extra></extra>"
        name = f"threshold for {positive} {threshold:.2f}"
        figure.add_trace(go.Scatter(x=[threshold], y=[classes[at]], mode="markers", marker=mark, name=name, hovertemplate=hover))
        figure.update_layout(showlegend=True)
    # Beyond 1 there is room for the text beside a full bar.
    figure.update_xaxes(title_text="probability", range=[0, 1.28], tickvals=[0, 0.5, 1], ticktext=["0 %", "50 %", "100 %"])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def histogram(labels: np.ndarray, p_positive: np.ndarray, classes: Sequence[str], *, positive: str, threshold: float | None) -> go.Figure:
    """Images by their probability of `positive`, a row a true class, on one axis; the threshold crosses all rows.

    `labels` (n,) int, indices into `classes`; `p_positive` (n,) float from 0 to 1.
    """
    counts, edges = _binned(labels, p_positive, len(classes))
    rows = [index for index in _positive_first(classes, positive) if counts[index].any()]
    if not rows:
        return theme.message("There are no predictions to show.")
    figure = make_subplots(
        rows=len(rows), cols=1, shared_xaxes=True, vertical_spacing=0.16 / len(rows), figure=theme.blank(height=120 + 110 * len(rows))
    )
    for row, index in enumerate(rows, 1):
        name, total = classes[index], int(counts[index].sum())
        figure.add_trace(
            go.Bar(
                x=(edges[:-1] + edges[1:]) / 2,
                y=counts[index],
                customdata=np.column_stack([edges[:-1], edges[1:]]),
                name=f"truly {name} (n {total:,})",
                marker={"color": theme.class_colour(name, classes), "line": {"color": theme.OUTLINE, "width": 0.5}},
                hovertemplate=f"%{{y:,}} images truly {name}<br>%{{customdata[0]:.2f}} to %{{customdata[1]:.2f}}<extra></extra>",
            ),
            row=row,
            col=1,
        )
        figure.update_yaxes(title_text="images", nticks=4, row=row, col=1)
    figure.update_layout(bargap=0.05)
    if threshold is not None:
        line = {"color": theme.GREY, "width": 2, "dash": "dash"}
        figure.add_vline(x=threshold, line=line)
        figure.add_trace(go.Scatter(x=[None], y=[None], mode="lines", line=line, name=f"threshold {threshold:.2f}"))  # for the legend
    figure.update_xaxes(range=[0, 1])
    figure.update_xaxes(title_text=f"probability of {positive}", row=len(rows), col=1)
    return figure


def describe_probabilities(values: Sequence[float], classes: Sequence[str], *, positive: str, threshold: float | None) -> str:
    """What `probabilities` shows, in words."""
    order = np.argsort(values)[::-1]
    parts = [", ".join(f"{classes[index]} {percentage(values[index])}" for index in order)]
    if threshold is not None:
        reached = "reaches" if values[list(classes).index(positive)] >= threshold else "stays below"
        parts.append(f"{positive.capitalize()} {reached} the threshold of {threshold:.2f}")
    return "Probabilities: " + ". ".join(parts) + "."


def describe_histogram(
    labels: np.ndarray, p_positive: np.ndarray, classes: Sequence[str], *, positive: str, threshold: float | None
) -> str:
    """What `histogram` shows, in words."""
    parts = []
    for index in _positive_first(classes, positive):
        mine = np.asarray(p_positive)[np.asarray(labels) == index]
        if not len(mine):
            continue
        words = f"Of {len(mine):,} images truly {classes[index]}, the middle probability of {positive} is {np.median(mine):.2f}"
        parts.append(words + (f"; {(mine >= threshold).sum():,} reach the threshold of {threshold:.2f}." if threshold is not None else "."))
    return " ".join(parts) or "There are no predictions to show."


def probabilities_table(values: Sequence[float], classes: Sequence[str]) -> pd.DataFrame:
    """class, probability."""
    return pd.DataFrame({"class": list(classes), "probability": np.asarray(values, dtype=float)})


def histogram_table(labels: np.ndarray, p_positive: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """A row a bin: from, to (the last one closed), one column of images a true class."""
    counts, edges = _binned(labels, p_positive, len(classes))
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], **dict(zip(classes, counts, strict=True))})


def _binned(labels: np.ndarray, p_positive: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    edges = np.linspace(0, 1, _BINS + 1)
    labels, p_positive = np.asarray(labels), np.clip(p_positive, 0, 1)
    return np.array([np.histogram(p_positive[labels == index], edges)[0] for index in range(classes)]), edges


def _positive_first(classes: Sequence[str], positive: str) -> list[int]:
    return sorted(range(len(classes)), key=lambda index: classes[index] != positive)
