"""Accuracy against cost: a point a model, or a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.text import show
from allcore.plots import theme
from allcore.plots.ranking import Ranked, reach


@dataclass(frozen=True)
class Costed:
    """One model: its cost in the chart's unit, the accuracy stated (None: nobody stated one) and the one that its matrix gives, both in
    percent.
    """

    name: str
    source: str
    cost: float
    stated: float | None
    computed: float


def cost(models: Sequence[Costed], *, unit: str) -> go.Figure:
    """Stated accuracy as a hollow, computed accuracy as a full mark, joined by a line; a colour and a symbol a source."""
    if not models:
        return theme.message("There is nothing to compare.")
    figure, widest = theme.blank(height=340), max(one.cost for one in models)
    for index, source in enumerate(dict.fromkeys(one.source for one in models)):
        mine = [one for one in models if one.source == source]
        colour, symbol = theme.run_colour(index), ("circle", "square", "diamond")[index % 3]
        for one in [each for each in mine if each.stated is not None]:
            line = {"color": colour, "width": 1.5, "dash": "dot"}
            ends = [one.stated, one.computed]
            figure.add_trace(go.Scatter(x=[one.cost] * 2, y=ends, mode="lines", line=line, hoverinfo="skip", showlegend=False))
        for kind, hollow in (("computed", ""), ("stated", "-open")):
            if all(getattr(one, kind) is None for one in mine):
                continue
            figure.add_trace(
                go.Scatter(
                    x=[one.cost for one in mine],
                    y=[getattr(one, kind) for one in mine],
                    text=[one.name if kind == "computed" else "" for one in mine],
                    customdata=[one.name for one in mine],
                    # What costs next to nothing stands at the axis, and its name would stand across it.
                    textposition=["top center" if one.cost > 0.1 * widest else "top right" for one in mine],
                    mode="markers+text",
                    cliponaxis=False,
                    name=f"{source}, {'from the matrix' if kind == 'computed' else 'as stated'}",
                    marker={"size": 12, "color": colour, "symbol": symbol + hollow, "line": {"color": colour, "width": 2}},
                    hovertemplate="%{customdata}: %{y:.1f} % at %{x:.3g} " + f"{unit}<extra></extra>",
                )
            )
    values = [value for one in models for value in (one.stated, one.computed) if value is not None]
    figure.update_xaxes(title_text=unit, range=[0, 1.15 * widest])
    figure.update_yaxes(title_text="accuracy, %", range=[min(values) - 1, max(values) + 1.5])
    return figure


def describe_cost(models: Sequence[Costed], *, unit: str) -> str:
    """What `cost` shows, in words."""
    parts = []
    for one in models:
        stated = "" if one.stated is None else f"{one.stated:.1f} % stated, "
        parts.append(f"{one.name} ({one.source}): {one.cost:.3g} {unit}, {stated}{one.computed:.1f} % computed")
    return f"Accuracy against cost. {'; '.join(parts)}." if parts else "There is nothing to compare."


def cost_table(models: Sequence[Costed], *, unit: str) -> pd.DataFrame:
    """model, source, the cost under the name of its unit, stated_accuracy, computed_accuracy."""
    rows = [(one.name, one.source, one.cost, one.stated, one.computed) for one in models]
    return pd.DataFrame(rows, columns=["model", "source", unit, "stated_accuracy", "computed_accuracy"])


def cost_runs(runs: Sequence[tuple[Ranked, float]], *, unit: str, measure: str) -> go.Figure:
    """A point a run, its cost on a logarithmic axis to the right and `measure` with its interval upwards; the shape a run's own, hollow
    where patients are shared or unknown.
    """
    drawn = _drawable(runs)
    if not drawn:
        return theme.message("None of these runs has both.")
    figure = theme.blank(height=380)
    for place, (run, cost_) in enumerate(drawn):
        low, high = reach(run.interval)
        colour, symbol = theme.run_colour(place), _SYMBOLS[place % len(_SYMBOLS)] + ("" if run.apart else "-open")
        figure.add_trace(
            go.Scatter(
                x=[cost_],
                y=[run.interval.estimate],
                error_y={"type": "data", "symmetric": False, "array": [high], "arrayminus": [low], "thickness": 1.5, "width": 4},
                mode="markers",
                name=run.name,
                marker={"size": 12, "color": colour, "symbol": symbol, "line": {"color": colour, "width": 2}},
                hovertemplate=f"{run.name}<br>{measure} {show(run.interval)}<br>%{{x:.3g}} {unit}<extra></extra>",
            )
        )
    ticks = _ticks([cost_ for _, cost_ in drawn])
    figure.update_xaxes(title_text=unit, type="log", tickvals=ticks, ticktext=[f"{tick:,.12g}" for tick in ticks])
    figure.update_yaxes(title_text=measure)
    return figure.update_layout(
        legend={"orientation": "v", "y": -0.2, "yanchor": "top", "x": 0}, showlegend=True, height=380 + 20 * len(drawn)
    )


def describe_cost_runs(runs: Sequence[tuple[Ranked, float]], *, unit: str, measure: str) -> str:
    """What `cost_runs` shows, in words, the cheapest first."""
    parts = [
        f"{run.name}: {cost_:.3g} {unit}, {show(run.interval)}{'' if run.apart else ', patients shared or unknown'}."
        for run, cost_ in sorted(_drawable(runs), key=lambda pair: pair[1])
    ]
    return f"{measure.capitalize()} against cost. {' '.join(parts)}" if parts else "None of these runs has both."


def cost_runs_table(runs: Sequence[tuple[Ranked, float]], *, unit: str) -> pd.DataFrame:
    """run, the cost under the name of its unit, estimate, low, high, patients_apart."""
    rows = [(run.name, cost_, i.estimate, i.low, i.high, run.apart) for run, cost_ in runs for i in [run.interval]]
    return pd.DataFrame(rows, columns=["run", unit, "estimate", "low", "high", "patients_apart"])


_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")


def _drawable(runs: Sequence[tuple[Ranked, float | None]]) -> list[tuple[Ranked, float]]:
    return [(run, cost_) for run, cost_ in runs if cost_ and run.interval.estimate is not None]


def _ticks(costs: Sequence[float]) -> list[float]:
    """1, 2 and 5 times the powers of ten that the costs lie among; of powers alone where they are many."""
    low, high = math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs)))
    steps = (1, 2, 5) if high - low < 4 else (1,)
    return [step * 10.0**power for power in range(low, high + 1) for step in steps]
