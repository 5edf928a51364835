"""Runs ranked by one figure, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.intervals import Interval
from allcore.metrics.text import show
from allcore.plots import theme

_LONGEST = 30
_ROW = 50


@dataclass(frozen=True)
class Ranked:
    """One run. `constant`: what calling every image the majority class reaches on its test side. `apart`: no patient on two sides."""

    name: str
    interval: Interval
    constant: float | None
    apart: bool


def ranking(runs: Sequence[Ranked], *, measure: str) -> go.Figure:
    """A row a run, the best on top: estimate and interval; hollow where patients are shared or unknown; the constant predictor as
    a grey stroke. Runs without a figure come last.
    """
    if not runs:
        return theme.message("No run has ended yet.")
    ordered = _ordered(runs)
    figure = theme.blank(height=110 + _ROW * len(ordered))
    places = {id(run): place for place, run in enumerate(ordered)}
    for apart, name in ((True, "no patient on both sides"), (False, "patients shared or unknown")):
        mine = [run for run in ordered if run.apart == apart and run.interval.estimate is not None]
        if not mine:
            continue
        low, high = zip(*(reach(run.interval) for run in mine), strict=True)
        figure.add_trace(
            go.Scatter(
                x=[run.interval.estimate for run in mine],
                y=[places[id(run)] for run in mine],
                error_x={"type": "data", "symmetric": False, "array": high, "arrayminus": low, "thickness": 2, "width": 5},
                customdata=[[run.name, show(run.interval), run.interval.note] for run in mine],
                mode="markers",
                name=name,
                marker={
                    "size": 11,
                    "symbol": "circle" if apart else "circle-open",
                    "color": theme.ACCENT,
                    "line": {"color": theme.ACCENT, "width": 2},
                },
                hovertemplate=f"%{{customdata[0]}}<br>{measure} %{{customdata[1]}}<br>%{{customdata[2]}}<extra>{name}</extra>",
            )
        )
    _add_constant(figure, ordered)
    for place, run in enumerate(ordered):
        name = run.name if len(run.name) <= _LONGEST else run.name[: _LONGEST - 1] + "…"
        for x, anchor, text in ((0, "left", name), (1, "right", show(run.interval))):
            figure.add_annotation(text=text, x=x, xref="x domain", xanchor=anchor, y=place, yshift=18, showarrow=False)
    figure.update_yaxes(visible=False, range=[len(ordered) - 0.55, -0.75])
    figure.update_xaxes(title_text=measure, range=_range(ordered))
    return figure


def describe_ranking(runs: Sequence[Ranked], *, measure: str) -> str:
    """What `ranking` shows, in words."""
    if not runs:
        return "No run has ended yet."
    words = []
    for place, run in enumerate(_ordered(runs), 1):
        constant = "" if run.constant is None else f", constant predictor {run.constant:.3f}"
        words.append(f"{place}. {run.name}: {show(run.interval)}{constant}{'' if run.apart else ', patients shared or unknown'}.")
    return f"{len(runs)} run{'s' if len(runs) > 1 else ''} by {measure}, the best first. " + " ".join(words)


def ranking_table(runs: Sequence[Ranked]) -> pd.DataFrame:
    """A row a run, the best first: run, estimate, low, high, images, patients, method, note, constant, patients_apart."""
    columns = ["run", "estimate", "low", "high", "images", "patients", "method", "note", "constant", "patients_apart"]
    rows = [
        (run.name, i.estimate, i.low, i.high, i.n, i.clusters, i.method, i.note, run.constant, run.apart)
        for run in _ordered(runs)
        for i in [run.interval]
    ]
    return pd.DataFrame(rows, columns=columns)


def _ordered(runs: Sequence[Ranked]) -> list[Ranked]:
    return sorted(runs, key=lambda run: -1.0 if run.interval.estimate is None else run.interval.estimate, reverse=True)


def reach(interval: Interval) -> tuple[float, float]:
    """How far an interval goes below its estimate, and above; 0 where there is none."""
    if interval.low is None or interval.high is None:
        return 0.0, 0.0
    return interval.estimate - interval.low, interval.high - interval.estimate


def _range(runs: Sequence[Ranked]) -> list[float]:
    """All that is drawn, with air on both sides."""
    values = [value for run in runs for value in (run.interval.estimate, run.interval.low, run.interval.high, run.constant)]
    known = [value for value in values if value is not None] or [0.0, 1.0]
    air = 0.05 * max(max(known) - min(known), 0.1)
    return [min(known) - air, max(known) + air]


def _add_constant(figure: go.Figure, ordered: Sequence[Ranked]) -> None:
    values = [run.constant for run in ordered]
    if any(value is not None for value in values):
        mark = {"symbol": "line-ns", "size": 15, "line": {"color": theme.GREY, "width": 3}}
        name, rows = "constant predictor", list(range(len(ordered)))
        hover = f"{name} %{{x:.3f}}<extra></extra>"
        figure.add_trace(go.Scatter(x=values, y=rows, mode="markers", marker=mark, name=name, hovertemplate=hover))
