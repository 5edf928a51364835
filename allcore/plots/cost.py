"""Accuracy against cost: a point a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from allcore.plots import theme


@dataclass(frozen=True)
class Costed:
    """One model: its cost in the chart's unit, the accuracy stated and the one that its matrix gives, both in percent."""

    name: str
    source: str
    cost: float
    stated: float
    computed: float


def cost(models: Sequence[Costed], *, unit: str) -> go.Figure:
    """Stated accuracy as a hollow, computed accuracy as a full mark, joined by a line; a colour and a symbol a source."""
    if not models:
        return theme.message("There is nothing to compare.")
    figure = theme.blank(height=340)
    for index, source in enumerate(dict.fromkeys(one.source for one in models)):
        mine = [one for one in models if one.source == source]
        colour, symbol = theme.run_colour(index), ("circle", "square", "diamond")[index % 3]
        for one in mine:
            line = {"color": colour, "width": 1.5, "dash": "dot"}
            ends = [one.stated, one.computed]
            figure.add_trace(go.Scatter(x=[one.cost] * 2, y=ends, mode="lines", line=line, hoverinfo="skip", showlegend=False))
        for kind, hollow in (("computed", ""), ("stated", "-open")):
            figure.add_trace(
                go.Scatter(
                    x=[one.cost for one in mine],
                    y=[getattr(one, kind) for one in mine],
                    text=[one.name if kind == "computed" else "" for one in mine],
                    customdata=[one.name for one in mine],
                    textposition="top center",
                    mode="markers+text",
                    cliponaxis=False,
                    name=f"{source}, {'from the matrix' if kind == 'computed' else 'as stated'}",
                    marker={"size": 12, "color": colour, "symbol": symbol + hollow, "line": {"color": colour, "width": 2}},
                    hovertemplate="%{customdata}: %{y:.1f} % at %{x:.3g} " + f"{unit}<extra></extra>",
                )
            )
    values = [value for one in models for value in (one.stated, one.computed)]
    widest = max(one.cost for one in models)
    figure.update_xaxes(title_text=unit, range=[0, 1.15 * widest])
    figure.update_yaxes(title_text="accuracy, %", range=[min(values) - 1, max(values) + 1.5])
    return figure


def describe_cost(models: Sequence[Costed], *, unit: str) -> str:
    """What `cost` shows, in words."""
    parts = [
        f"{one.name} ({one.source}): {one.cost:.3g} {unit}, {one.stated:.1f} % stated, {one.computed:.1f} % computed" for one in models
    ]
    return f"Accuracy against cost. {'; '.join(parts)}." if parts else "There is nothing to compare."


def cost_table(models: Sequence[Costed], *, unit: str) -> pd.DataFrame:
    """model, source, the cost under the name of its unit, stated_accuracy, computed_accuracy."""
    rows = [(one.name, one.source, one.cost, one.stated, one.computed) for one in models]
    return pd.DataFrame(rows, columns=["model", "source", unit, "stated_accuracy", "computed_accuracy"])
