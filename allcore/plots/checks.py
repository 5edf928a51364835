"""What tells classes and patients apart in a data set, before any model is trained."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.intervals import Interval
from allcore.metrics.text import percentage, show
from allcore.plots import theme

NUISANCE, BIOLOGY = "stain, light and files", "size and shape"
_MARKS = {NUISANCE: ("circle", theme.FURTHER_COLOURS[3]), BIOLOGY: ("square", theme.FURTHER_COLOURS[0])}


def probes(nuisance: Mapping[str, Interval], biology: Mapping[str, Interval], *, alarm: float) -> go.Figure:
    """A row a sign: the AUROC that it alone reaches, with its interval; chance as a grey line, the alarm's limit dotted."""
    rows = _rows(nuisance, biology)
    if rows.empty:
        return theme.message("Nothing could be probed.")
    figure = theme.blank(height=110 + 34 * len(rows))
    for kind, (symbol, colour) in _MARKS.items():
        mine = rows[rows["kind"] == kind]
        if mine.empty:
            continue
        figure.add_trace(
            go.Scatter(
                x=mine["auroc"].tolist(),
                y=mine["sign"].tolist(),
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": (mine["high"].fillna(mine["auroc"]) - mine["auroc"]).tolist(),
                    "arrayminus": (mine["auroc"] - mine["low"].fillna(mine["auroc"])).tolist(),
                    "thickness": 2,
                    "width": 5,
                },
                customdata=mine["shown"].tolist(),
                mode="markers",
                name=kind,
                marker={"size": 11, "symbol": symbol, "color": colour, "line": {"color": theme.OUTLINE, "width": 1}},
                hovertemplate=f"%{{y}}: AUROC %{{customdata}}<extra>{kind}</extra>",
            )
        )
    figure.add_vline(x=0.5, line={"color": theme.GREY, "width": 2})
    figure.add_vline(x=alarm, line={"color": theme.GREY, "width": 2, "dash": "dot"})
    figure.add_annotation(x=0.5, y=1, yref="paper", yanchor="bottom", xanchor="right", text="chance ", showarrow=False)
    figure.add_annotation(x=alarm, y=1, yref="paper", yanchor="bottom", xanchor="left", text=" alarm", showarrow=False)
    low = min(0.4, float(rows[["low", "auroc"]].min().min()) - 0.03)
    figure.update_xaxes(title_text="AUROC of the sign alone", range=[low, 1.02])
    figure.update_yaxes(categoryorder="array", categoryarray=rows["sign"].tolist()[::-1])
    figure.update_layout(legend={"y": -0.28, "yanchor": "top"}, margin={"t": 28})
    return figure


def describe_probes(nuisance: Mapping[str, Interval], biology: Mapping[str, Interval], *, alarm: float) -> str:
    """What `probes` shows, in words."""
    rows = _rows(nuisance, biology)
    if rows.empty:
        return "Nothing could be probed."
    told = ". ".join(
        f"{kind.capitalize()}: " + ", ".join(f"{row.sign} {row.shown}" for row in mine.itertuples())
        for kind in _MARKS
        if len(mine := rows[rows["kind"] == kind])
    )
    return (
        f"AUROC that each sign alone reaches on images held back; 0.5 is chance, the alarm rings with a lower limit above {alarm}. {told}."
    )


def probes_table(nuisance: Mapping[str, Interval], biology: Mapping[str, Interval]) -> pd.DataFrame:
    """kind, sign, auroc, low, high, images, patients, method, note."""
    return _rows(nuisance, biology).drop(columns="shown")


def neighbours(by_class: Mapping[str, tuple[float, float]]) -> go.Figure:
    """Two bars a class: how often the nearest image is the same patient's, and how often it would be by chance."""
    names = list(by_class)
    figure = theme.blank(height=120 + 56 * len(names))
    for place, (name, colour) in enumerate((("seen", theme.ACCENT), ("by chance", theme.GREY))):
        values = [by_class[one][place] for one in names]
        figure.add_trace(
            go.Bar(
                x=values,
                y=names,
                orientation="h",
                name=name,
                text=[percentage(value) for value in values],
                textposition="outside",
                cliponaxis=False,
                marker={"color": colour, "line": {"color": theme.OUTLINE, "width": 1}},
                hovertemplate=f"%{{y}}, {name}: %{{x:.1%}}<extra></extra>",
            )
        )
    figure.update_layout(barmode="group", legend={"traceorder": "normal"})
    figure.update_xaxes(
        title_text="nearest is the same patient's",
        tickformat=".0%",
        range=[0, min(1.05, 1.25 * max(max(v) for v in by_class.values()))],
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def describe_neighbours(by_class: Mapping[str, tuple[float, float]]) -> str:
    """What `neighbours` shows, in words."""
    told = "; ".join(f"{name} {percentage(share)}, by chance {percentage(expected)}" for name, (share, expected) in by_class.items())
    return f"How often the nearest image of the class is the same patient's: {told}."


def neighbours_table(by_class: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """class, share, expected."""
    return pd.DataFrame([(name, *pair) for name, pair in by_class.items()], columns=["class", "share", "expected"])


def _rows(nuisance: Mapping[str, Interval], biology: Mapping[str, Interval]) -> pd.DataFrame:
    columns = ["kind", "sign", "auroc", "low", "high", "images", "patients", "method", "note", "shown"]
    rows = [
        (kind, sign, one.estimate, one.low, one.high, one.n, one.clusters, one.method, one.note, show(one))
        for kind, signs in ((NUISANCE, nuisance), (BIOLOGY, biology))
        for sign, one in signs.items()
        if one.estimate is not None
    ]
    return pd.DataFrame(rows, columns=columns).astype({"auroc": float, "low": float, "high": float})
