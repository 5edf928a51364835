"""How balanced accuracy falls as test images are disturbed."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.external_words import signed
from allcore.metrics.intervals import Interval
from allcore.metrics.robustness import Curve, Point
from allcore.metrics.text import percent, show
from allcore.plots import theme

_COLOUR = theme.ACCENT


def curve(one: Curve, base: Interval, *, classes: int) -> go.Figure:
    """Balanced accuracy against the strength with its band; filled points: a loss is shown. Dashed: undisturbed; dotted: chance."""
    figure = theme.blank(height=300)
    x = [point.strength for point in one.points]
    known = [point for point in one.points if point.balanced_accuracy.low is not None]
    if known:
        ends = [point.balanced_accuracy.high for point in known] + [point.balanced_accuracy.low for point in reversed(known)]
        along = [point.strength for point in known]
        figure.add_trace(
            go.Scatter(
                x=along + along[::-1],
                y=ends,
                fill="toself",
                mode="none",
                fillcolor=theme.faint(_COLOUR),
                hoverinfo="skip",
                name="95 % interval",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=x,
            y=[point.balanced_accuracy.estimate for point in one.points],
            mode="lines+markers",
            line={"color": _COLOUR, "width": 2},
            marker={
                "size": 9,
                "symbol": ["circle" if point.shown else "circle-open" for point in one.points],
                "color": _COLOUR,
                "line": {"color": _COLOUR, "width": 2},
            },
            customdata=[[show(point.balanced_accuracy), signed(point.loss), percent(point.changed)] for point in one.points],
            hovertemplate="%{x:g}: %{customdata[0]}<br>loss %{customdata[1]}<br>%{customdata[2]} of the answers change<extra></extra>",
            showlegend=False,
        )
    )
    if base.estimate is not None:
        figure.add_hline(y=base.estimate, line={"color": theme.GREY, "width": 1.5, "dash": "dash"})
    figure.add_hline(y=1 / classes, line={"color": theme.GREY, "width": 1.5, "dash": "dot"})
    ratio = one.none == 1
    figure.update_xaxes(
        title_text=one.strength,
        type="log" if ratio else "linear",
        tickvals=x,
        ticktext=[f"{value:g}" for value in x],
        autorange="reversed" if one.none == max(x) else True,
    )
    return figure.update_yaxes(title_text="balanced accuracy", range=[0, 1.02])


def describe_curve(one: Curve) -> str:
    """What `curve` shows, in words."""
    values = ", ".join(f"{point.strength:g}: {show(point.balanced_accuracy)}{_mark(point)}" for point in one.points)
    return f"Balanced accuracy under {one.kind}, by {one.strength}. {values}."


def _mark(point: Point) -> str:
    return " (a loss is shown)" if point.shown else ""


def curve_table(one: Curve) -> pd.DataFrame:
    """A row a strength: balanced accuracy, the paired loss (each with its limits), p after Holm's correction, and answers changed."""
    rows = [
        (
            one.kind,
            point.strength,
            *(value for figure in (point.balanced_accuracy, point.loss) for value in (figure.estimate, figure.low, figure.high)),
            point.p,
            point.changed.estimate,
            point.balanced_accuracy.n,
            point.balanced_accuracy.clusters,
        )
        for point in one.points
    ]
    figures = [f"{name}{end}" for name in ("balanced_accuracy", "loss") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["kind", "strength", *figures, "p_holm", "answers_changed", "images", "patients"])
