"""How a training went, epoch by epoch.

`history` has a row an epoch: `epoch` (from 1), and any of `loss`, `accuracy`, `tune_loss`, `tune_accuracy`, `test_loss`,
`test_accuracy` and `seconds`. A run without a tune side, as the paper's, watches the test side and chooses nothing by it.
"""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from allcore.metrics import cycles
from allcore.plots import theme

NOTHING_YET = "No epoch has ended yet."
_WATCHED = "As in the study, the test side was watched after each epoch."
_SIDES = {
    "": ("training", theme.GREY, "dot"),
    "tune_": ("tune", theme.SIDE_COLOURS["tune"], "solid"),
    "test_": ("test", theme.SIDE_COLOURS["test"], "solid"),
}
_MEASURES = ("loss", "accuracy")


def curves(history: pd.DataFrame) -> go.Figure:
    """Loss above, accuracy below, of the training side and the one that was watched; the best epoch on the tune side is marked."""
    if history.empty:
        return theme.message(NOTHING_YET)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.07, figure=theme.blank(height=460))
    for row, measure in enumerate(_MEASURES, 1):
        for prefix, (side, colour, dash) in _SIDES.items():
            values = _column(history, prefix + measure)
            if values is None:
                continue
            figure.add_trace(
                go.Scatter(
                    x=history["epoch"],
                    y=values,
                    mode="lines+markers" if len(history) < 20 else "lines",
                    name=side,
                    legendgroup=side,
                    showlegend=row == 1,
                    line={"color": colour, "dash": dash, "width": 2},
                    marker={"size": 9 if len(history) == 1 else 6},
                    hovertemplate=f"epoch %{{x}}<br>{side} {measure} %{{y:.3f}}<extra></extra>",
                ),
                row=row,
                col=1,
            )
        figure.update_yaxes(title_text=measure, row=row, col=1)
    if len(history) == 1:
        figure.update_yaxes(rangemode="tozero", row=1, col=1)
        figure.update_yaxes(range=[0, 1.05], row=2, col=1)
    best = _best(history)
    if best is not None:
        late = best > history["epoch"].median()
        figure.add_vline(x=best, line={"color": theme.ACCENT, "width": 1, "dash": "dash"})
        figure.add_annotation(
            text="lowest tune loss", x=best, y=1, yref="y domain", xanchor="right" if late else "left", yanchor="top", showarrow=False
        )
    _epochs(figure, history, row=2)
    return figure


def epoch_times(history: pd.DataFrame) -> go.Figure:
    """Seconds of each epoch, with their median as a line."""
    seconds = _column(history, "seconds")
    if seconds is None:
        return theme.message(NOTHING_YET)
    figure = theme.blank(height=240)
    epochs, median = history["epoch"], float(seconds.median())
    bars = {"color": theme.ACCENT, "line": {"color": theme.OUTLINE, "width": 1 if len(history) < 40 else 0}}
    figure.add_trace(go.Bar(x=epochs, y=seconds, marker=bars, hovertemplate="epoch %{x}<br>%{y:.1f} s<extra></extra>", showlegend=False))
    ends = [int(epochs.min()) - 0.5, max(int(epochs.max()), int(epochs.min()) + 7) + 0.5]
    line = {"color": theme.GREY, "dash": "dash", "width": 2}
    figure.add_trace(go.Scatter(x=ends, y=[median, median], mode="lines", line=line, name=f"median {median:.1f} s", hoverinfo="skip"))
    figure.update_yaxes(title_text="seconds", rangemode="tozero")
    _epochs(figure, history, row=None)
    figure.update_xaxes(range=ends)
    return figure


def describe_curves(history: pd.DataFrame) -> str:
    """What `curves` shows, in words."""
    if history.empty:
        return NOTHING_YET
    first, last, n = history.iloc[0], history.iloc[-1], len(history)
    parts = [f"Training over {n} epoch{'s' if n > 1 else ''}."]
    for measure in _MEASURES:
        for prefix, (side, _, _) in _SIDES.items():
            if _column(history, prefix + measure) is not None:
                went = f"{last[prefix + measure]:.3f}" if n == 1 else f"from {first[prefix + measure]:.3f} to {last[prefix + measure]:.3f}"
                parts.append(f"{side.capitalize()} {measure}: {went}.")
    best = _best(history)
    if best is not None:
        lowest = history.loc[history["epoch"] == best, "tune_loss"].iloc[0]
        parts.append(f"Lowest tune loss: {lowest:.3f} at epoch {best}.")
    if watches_test(history):
        parts.append(_WATCHED)
    return " ".join(parts)


def watches_test(history: pd.DataFrame) -> bool:
    """Whether the test side is among the curves, as by the paper's protocol."""
    return _column(history, "test_loss") is not None


def watched(history: pd.DataFrame, *, finished_on_request: bool) -> str:
    """What it means that the test side is among the curves; '' where it is not. Who ends a training early may have looked at it."""
    if not watches_test(history):
        return ""
    return f"{_WATCHED} {cycles.ENDED_BY_EYE if finished_on_request else 'Nothing was chosen by the test side.'}"


def describe_epoch_times(history: pd.DataFrame) -> str:
    """What `epoch_times` shows, in words."""
    seconds = _column(history, "seconds")
    if seconds is None:
        return NOTHING_YET
    spread = f"median {seconds.median():.1f} s, shortest {seconds.min():.1f} s, longest {seconds.max():.1f} s"
    return f"Time of {len(seconds)} epochs: {spread}."


def curves_table(history: pd.DataFrame) -> pd.DataFrame:
    """The columns of `history` that `curves` draws."""
    columns = ["epoch", *(prefix + measure for measure in _MEASURES for prefix in _SIDES)]
    return history.reindex(columns=[name for name in columns if name in history]).reset_index(drop=True)


def epoch_times_table(history: pd.DataFrame) -> pd.DataFrame:
    """epoch, seconds."""
    return history.reindex(columns=["epoch", "seconds"]).dropna().reset_index(drop=True)


def _column(history: pd.DataFrame, name: str) -> pd.Series | None:
    if name not in history or history[name].isna().all():
        return None
    return history[name].astype(float)


def _best(history: pd.DataFrame) -> int | None:
    losses = _column(history, "tune_loss")
    return None if losses is None or len(history) == 1 else int(history["epoch"][losses.idxmin()])


def _epochs(figure: go.Figure, history: pd.DataFrame, *, row: int | None) -> None:
    """Whole numbers on the axis of epochs, with air on both sides, also for a single one."""
    first, last = int(history["epoch"].min()), int(history["epoch"].max())
    place = {} if row is None else {"row": row, "col": 1}
    figure.update_xaxes(title_text="epoch", tickformat="d", **place)
    figure.update_xaxes(range=[first - 0.6, last + 0.6], nticks=min(12, last - first + 2), **({"dtick": 1} if last - first < 10 else {}))
