"""Reliability: what was said against what came true."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.calibration import Calibration
from allcore.metrics.text import percent, percentage
from allcore.plots import theme
from allcore.plots.marks import grey_line, mark


def reliability(kinds: Mapping[str, Calibration], *, positive: str) -> go.Figure:
    """One line a kind of probability (as they come, mended), points where images lie; the first has the bars of its intervals."""
    figure = theme.blank(height=420)
    figure.add_trace(grey_line([0, 1], [0, 1], "perfect"))
    for index, (name, one) in enumerate(kinds.items()):
        bars = [(bin_.observed.low, bin_.observed.high, bin_.observed.estimate) for bin_ in one.bins]
        errors = {
            "type": "data",
            "symmetric": False,
            "array": [0 if high is None else high - middle for _, high, middle in bars],
            "arrayminus": [0 if low is None else middle - low for low, _, middle in bars],
            "thickness": 1.5,
            "width": 4,
        }
        figure.add_trace(
            go.Scatter(
                x=[bin_.said for bin_ in one.bins],
                y=[bin_.observed.estimate for bin_ in one.bins],
                customdata=[[bin_.observed.n, percentage(bin_.low), percentage(bin_.high)] for bin_ in one.bins],
                mode="lines+markers",
                name=f"{name}: error {one.ece:.3f}, Brier {one.brier:.3f}",
                line={"color": theme.run_colour(index), "dash": theme.run_dash(index), "width": 2},
                marker={"size": 8},
                hovertemplate="said %{x:.1%}, came true %{y:.1%}<br>%{customdata[0]} images from %{customdata[1]} to %{customdata[2]}"
                f"<extra>{name}</extra>",
                **({"error_y": errors} if index == 0 else {}),
            )
        )
    figure.update_xaxes(title_text=f"probability of {positive} that was said", range=[-0.02, 1.02], tickformat=".0%")
    figure.update_yaxes(title_text=f"share that was {positive}", range=[-0.02, 1.02], tickformat=".0%")
    return mark(figure)


def describe_reliability(kinds: Mapping[str, Calibration], *, positive: str) -> str:
    """What `reliability` shows, in words."""
    parts = [f"{name}: calibration error {one.ece:.3f}, Brier score {one.brier:.3f}, {one.n:,} images." for name, one in kinds.items()]
    first = next(iter(kinds.values()), None)
    bins = [] if first is None else [f"said {percentage(bin_.said)}, came true {percent(bin_.observed)}" for bin_ in first.bins]
    return f"Reliability of the probability of {positive}. {' '.join(parts)} {'; '.join(bins)}."


def reliability_table(kinds: Mapping[str, Calibration]) -> pd.DataFrame:
    """kind, from, to, said, observed, low, high, images."""
    rows = [
        (name, b.low, b.high, b.said, b.observed.estimate, b.observed.low, b.observed.high, b.observed.n)
        for name, one in kinds.items()
        for b in one.bins
    ]
    return pd.DataFrame(rows, columns=["kind", "from", "to", "said", "observed", "low", "high", "images"])
