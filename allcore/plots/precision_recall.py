"""Precision against recall: of one run with its band, of several runs by name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.bands import Band, PrecisionRecall
from allcore.metrics.scores import OperatingPoint
from allcore.metrics.text import number, percentage, show
from allcore.plots import theme
from allcore.plots.marks import add_band, clickable, here, mark

_HOVER = "recall %{x:.3f}<br>precision %{y:.3f}<br>threshold %{customdata:.3f}"
_MOST = 400


def precision_recall(curve: PrecisionRecall, *, colour: str, band: Band | None = None, point: OperatingPoint | None = None) -> go.Figure:
    """The curve of the positive class with its pointwise band; `point` marks the threshold in use."""
    figure = _square(curve.prevalence)
    if band is not None:
        add_band(figure, band, colour)
    thinned = _thinned(curve)
    figure.add_trace(
        go.Scatter(
            x=thinned["recall"],
            y=thinned["precision"],
            customdata=thinned["threshold"],
            name=f"average precision {show(curve.average)}",
            hovertemplate=_HOVER + "<extra></extra>",
            **clickable({"color": colour, "width": 2.5}),
        )
    )
    if point is not None and point.sensitivity is not None and point.ppv is not None:
        figure.add_trace(here(point.sensitivity, point.ppv, point.threshold, colour, _HOVER))
    return figure


def precision_recall_runs(runs: Mapping[str, PrecisionRecall]) -> go.Figure:
    """The curves of several runs by name, in the order given."""
    figure = _square(next(iter(runs.values())).prevalence if runs else 0.5)
    for index, (name, curve) in enumerate(runs.items()):
        thinned = _thinned(curve)
        figure.add_trace(
            go.Scatter(
                x=thinned["recall"],
                y=thinned["precision"],
                customdata=thinned["threshold"],
                mode="lines",
                name=f"{name} {show(curve.average)}",
                line={"color": theme.run_colour(index), "dash": theme.run_dash(index), "width": 2},
                hovertemplate=_HOVER + f"<extra>{name}</extra>",
            )
        )
    return figure


def describe_precision_recall(curve: PrecisionRecall, *, point: OperatingPoint | None = None) -> str:
    """What `precision_recall` shows, in words."""
    words = f"Precision-recall curve. Average precision {show(curve.average)}; calling every image positive: {number(curve.prevalence)}."
    if point is not None and point.sensitivity is not None and point.ppv is not None:
        words += f" At the threshold {point.threshold:.2f}: recall {point.sensitivity:.2f}, precision {point.ppv:.2f}."
    return words


def describe_precision_recall_runs(runs: Mapping[str, PrecisionRecall]) -> str:
    """What `precision_recall_runs` shows, in words."""
    areas = "; ".join(f"{name}: {show(one.average)}" for name, one in runs.items())
    return f"Precision-recall curves of {len(runs)} runs. Average precision: {areas}." if runs else "No runs to compare."


def precision_recall_table(curve: PrecisionRecall) -> pd.DataFrame:
    """recall, precision, threshold."""
    return pd.DataFrame({"recall": curve.recall, "precision": curve.precision, "threshold": curve.threshold})


def precision_recall_runs_table(runs: Mapping[str, PrecisionRecall]) -> pd.DataFrame:
    """run, recall, precision, threshold."""
    parts = [precision_recall_table(one).assign(run=name)[["run", "recall", "precision", "threshold"]] for name, one in runs.items()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["run", "recall", "precision", "threshold"])


def _square(prevalence: float) -> go.Figure:
    figure = theme.blank(height=420)
    name = f"every image called positive: {percentage(prevalence)}"
    line = {"color": theme.GREY, "width": 1, "dash": "dot"}
    figure.add_trace(go.Scatter(x=[0, 1], y=[prevalence] * 2, mode="lines", line=line, name=name, hoverinfo="skip"))
    figure.update_xaxes(title_text="recall (sensitivity)", range=[-0.01, 1.01], dtick=0.2)
    figure.update_yaxes(title_text="precision", range=[-0.01, 1.03], dtick=0.2)
    return mark(figure)


def _thinned(curve: PrecisionRecall) -> pd.DataFrame:
    table = precision_recall_table(curve)
    if len(table) <= _MOST:
        return table
    # Evenly along the line as drawn, where its steep parts need points too.
    length = np.append(0, np.cumsum(np.hypot(np.diff(table["recall"]), np.diff(table["precision"]))))
    at = np.searchsorted(length, np.linspace(0, length[-1], _MOST))
    return table.iloc[np.unique(np.append(at, len(table) - 1).clip(max=len(table) - 1))]
