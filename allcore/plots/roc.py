"""Receiver operating characteristics: of one run by class, of several runs by name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.bands import Band
from allcore.metrics.scores import OperatingPoint, RocCurve, Scores
from allcore.metrics.text import number, show
from allcore.plots import theme
from allcore.plots.marks import add_band, clickable, here

MICRO = "micro-average"
_HOVER = "false positive rate %{x:.3f}<br>true positive rate %{y:.3f}<br>threshold %{customdata:.3f}"


def roc(scores: Scores, *, point: OperatingPoint | None = None, band: Band | None = None) -> go.Figure:
    """The curve of each class against the rest and of the micro-average, with a marker where the threshold of `point` stands.

    Of two classes the second curve mirrors the first: it waits in the legend. `point` and `band` belong to the positive class.
    """
    figure = _square(entries=len(scores.classes) + 2)
    if band is not None:
        add_band(figure, band, theme.class_colour(scores.positive, scores.classes))
    for one in scores.by_class:
        if one.roc is None:
            continue
        positive = one.name == scores.positive
        area = show(scores.intervals["auroc"]) if positive else number(one.auroc)
        line = {"color": theme.class_colour(one.name, scores.classes), "width": 2.5 if positive else 1.5}
        figure.add_trace(_line(one.roc, f"{one.name} {area}", line).update(clickable(line) if positive else {}))
        if len(scores.classes) == 2 and not positive:
            figure.data[-1].visible = "legendonly"
    if scores.roc_micro is not None:
        figure.add_trace(
            _line(scores.roc_micro, f"{MICRO} {number(scores.auroc_micro)}", {"color": theme.GREY, "width": 1.5, "dash": "dash"})
        )
    if point is not None and point.false_positive_rate is not None and point.sensitivity is not None:
        colour = theme.class_colour(scores.positive, scores.classes)
        figure.add_trace(here(point.false_positive_rate, point.sensitivity, point.threshold, colour, _HOVER))
    return figure


def roc_runs(runs: Mapping[str, Scores]) -> go.Figure:
    """The curve of the positive class of several runs, by name, in the order given."""
    figure = _square(entries=len(runs))
    for index, (name, scores) in enumerate(runs.items()):
        curve = scores.of(scores.positive).roc
        if curve is not None:
            line = {"color": theme.run_colour(index), "dash": theme.run_dash(index), "width": 2}
            figure.add_trace(_line(curve, f"{name} {show(scores.intervals['auroc'])}", line))
    return figure


def describe_roc(scores: Scores, *, point: OperatingPoint | None = None) -> str:
    """What `roc` shows, in words."""
    curve = scores.of(scores.positive).roc
    if curve is None:
        return "No ROC curve: it needs images of more than one class."
    patients = "" if scores.subjects is None else f" of {scores.subjects:,} patients"
    parts = [
        f"ROC curve on {scores.n:,} images{patients}. Area for {scores.positive}: {show(scores.intervals['auroc'])}; {_at_rates(curve)}.",
        *(f"Area for {one.name}: {number(one.auroc)}." for one in scores.by_class if one.name != scores.positive and one.roc),
        f"Micro-average: {number(scores.auroc_micro)}. 0.5 is a coin toss, 1 is perfect.",
    ]
    if point is not None and point.sensitivity is not None and point.false_positive_rate is not None:
        rates = f"true positive rate {point.sensitivity:.2f} and false positive rate {point.false_positive_rate:.2f}"
        parts.append(f"At the threshold {point.threshold:.2f}: {rates}.")
    return " ".join(parts)


def describe_roc_runs(runs: Mapping[str, Scores]) -> str:
    """What `roc_runs` shows, in words."""
    areas = [f"{name}: {scores.positive} {show(scores.intervals['auroc'])}" for name, scores in runs.items()]
    return f"ROC curves of {len(runs)} runs. Area under the curve: {'; '.join(areas)}." if areas else "No runs to compare."


def roc_table(scores: Scores) -> pd.DataFrame:
    """The points of `roc`: curve, false_positive_rate, true_positive_rate, threshold."""
    curves = {**{one.name: one.roc for one in scores.by_class}, MICRO: scores.roc_micro}
    return _points(curves, "curve")


def roc_runs_table(runs: Mapping[str, Scores]) -> pd.DataFrame:
    """The points of `roc_runs`: run, false_positive_rate, true_positive_rate, threshold."""
    return _points({name: scores.of(scores.positive).roc for name, scores in runs.items()}, "run")


def _square(*, entries: int) -> go.Figure:
    figure = theme.blank(height=400 + 20 * entries)
    diagonal = go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": theme.GREY, "width": 1, "dash": "dot"})
    figure.add_trace(diagonal.update(name="coin toss", hoverinfo="skip", showlegend=False))
    figure.update_xaxes(title_text="false positive rate", range=[-0.01, 1.01], constrain="domain", dtick=0.2)
    figure.update_yaxes(title_text="true positive rate", range=[-0.01, 1.01], constrain="domain", dtick=0.2, scaleanchor="x")
    figure.update_layout(legend={"orientation": "v", "y": -0.17, "yanchor": "top", "x": 0.5, "xanchor": "center"})
    return figure


def _line(curve: RocCurve, name: str, line: dict) -> go.Scatter:
    hover = _HOVER + f"<extra>{name}</extra>"
    return go.Scatter(x=curve.fpr, y=curve.tpr, customdata=curve.threshold, mode="lines", name=name, line=line, hovertemplate=hover)


def _at_rates(curve: RocCurve) -> str:
    found = np.interp([0.05, 0.1, 0.2], curve.fpr, curve.tpr)
    return (
        "true positive rate "
        + ", ".join(f"{rate:.2f} at {share} %" for rate, share in zip(found, (5, 10, 20), strict=True))
        + " false positives"
    )


def _points(curves: Mapping[str, RocCurve | None], key: str) -> pd.DataFrame:
    columns = [key, "false_positive_rate", "true_positive_rate", "threshold"]
    rows = [(name, *point) for name, one in curves.items() if one for point in zip(one.fpr, one.tpr, one.threshold, strict=True)]
    return pd.DataFrame(rows, columns=columns)
