"""Differences between runs, each with its interval: what lies clear of 0 is shown to differ."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.compare import Difference, shown
from allcore.metrics.text import change
from allcore.plots import theme

_ROW = 46


def differences(found: Mapping[str, Difference], *, base: str) -> go.Figure:
    """A row a run: how much higher its figure is than that of `base`, each a difference of (the run - base)."""
    if not found:
        return theme.message("Choose another run to compare with.")
    measure = next(iter(found.values())).measure
    figure = theme.blank(height=110 + _ROW * len(found))
    names = list(found)
    figure.add_vline(x=0, line={"color": theme.GREY, "width": 1.5})
    known = [name for name in names if found[name].interval.estimate is not None]
    reach = [_reach(found[name]) for name in known]
    figure.add_trace(
        go.Scatter(
            x=[found[name].interval.estimate for name in known],
            y=[names.index(name) for name in known],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [one[1] for one in reach],
                "arrayminus": [one[0] for one in reach],
                "thickness": 2,
                "width": 5,
            },
            customdata=[[name, _p(found[name]), found[name].interval.note] for name in known],
            mode="markers",
            marker={"size": 11, "color": theme.ACCENT},
            hovertemplate="%{customdata[0]}: %{x:+.3f}<br>p %{customdata[1]}<br>%{customdata[2]}<extra></extra>",
            showlegend=False,
        )
    )
    for place, name in enumerate(names):
        for x, anchor, text in ((0, "left", name), (1, "right", _told(found[name]))):
            figure.add_annotation(text=text, x=x, xref="x domain", xanchor=anchor, y=place, yshift=17, showarrow=False)
    figure.update_yaxes(visible=False, range=[len(names) - 0.55, -0.75])
    widest = max([0.02, *(abs(value) for name in known for value in _ends(found[name]))])
    figure.update_xaxes(title_text=f"{measure} above that of {base}", range=[-1.1 * widest, 1.1 * widest])
    return figure


def describe_differences(found: Mapping[str, Difference], *, base: str) -> str:
    """What `differences` shows, in words."""
    parts = [f"{name}: {_told(one)}." for name, one in found.items()]
    return f"Differences to {base}, paired on the same images. " + " ".join(parts) if parts else "No run to compare with."


def differences_table(found: Mapping[str, Difference]) -> pd.DataFrame:
    """run, measure, run_figure, base_figure, difference, low, high, p, p_holm, images, patients, method, note."""
    rows = [
        (name, d.measure, d.first, d.second, i.estimate, i.low, i.high, d.p, d.p_holm, i.n, i.clusters, i.method, i.note)
        for name, d in found.items()
        for i in [d.interval]
    ]
    columns = ["run", "measure", "run_figure", "base_figure", "difference", "low", "high", "p", "p_holm"]
    return pd.DataFrame(rows, columns=[*columns, "images", "patients", "method", "note"])


def _told(one: Difference) -> str:
    interval = one.interval
    if interval.estimate is None:
        return interval.note
    if interval.low is None or interval.high is None:
        return f"{change(interval)}, {interval.note}"
    return f"{change(interval)}, p {_p(one)}"


def _p(one: Difference) -> str:
    return shown(one.p if one.p_holm is None else one.p_holm)


def _ends(one: Difference) -> list[float]:
    return [value for value in (one.interval.estimate, one.interval.low, one.interval.high) if value is not None]


def _reach(one: Difference) -> tuple[float, float]:
    interval = one.interval
    if interval.low is None or interval.high is None:
        return 0.0, 0.0
    return interval.estimate - interval.low, interval.high - interval.estimate
