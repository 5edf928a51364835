"""Detection error trade-off: misses against false alarms, both on the scale of the normal distribution, where good models spread out.

Source: Martin et al. (1997), Eurospeech.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.scores import OperatingPoint, Scores
from allcore.metrics.text import percentage
from allcore.plots import theme
from allcore.plots.marks import clickable, grey_line, here, mark

_TICKS = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)
_EDGE = 0.001
_HOVER = "threshold %{customdata:.3f}"


def det(runs: Mapping[str, Scores], *, point: OperatingPoint | None = None) -> go.Figure:
    """A curve a run, of its positive class, in the order given; with one run its line can be clicked and `point` is marked."""
    figure = theme.blank(height=420 + 20 * len(runs))
    ends = [float(one) for one in _probit(np.array([_EDGE, 1 - _EDGE]))]
    figure.add_trace(grey_line(ends, ends[::-1], "coin toss"))
    for index, (name, scores) in enumerate(runs.items()):
        table = _points(scores)
        alone = len(runs) == 1
        colour = theme.class_colour(scores.positive, scores.classes) if alone else theme.run_colour(index)
        line = {"color": colour, "width": 2.5 if alone else 2, **({} if alone else {"dash": theme.run_dash(index)})}
        figure.add_trace(
            go.Scatter(
                x=_probit(table["false_positive_rate"]),
                y=_probit(table["miss_rate"]),
                customdata=table["threshold"],
                text=[_both(*row) for row in zip(table["false_positive_rate"], table["miss_rate"], strict=True)],
                name=name,
                hovertemplate="%{text}<br>" + _HOVER + f"<extra>{name}</extra>",
                **(clickable(line) if alone else {"mode": "lines", "line": line}),
            )
        )
        if alone and point is not None and point.sensitivity is not None and point.false_positive_rate is not None:
            x, y = (float(_probit(np.array([value]))[0]) for value in (point.false_positive_rate, 1 - point.sensitivity))
            figure.add_trace(here(x, y, point.threshold, colour, _HOVER))
    ticks = {"tickvals": [float(one) for one in _probit(np.array(_TICKS))], "ticktext": [f"{100 * one:g} %" for one in _TICKS]}
    figure.update_xaxes(title_text="false alarms", range=ends, tickangle=0, **ticks)
    figure.update_yaxes(title_text="missed", range=ends, **ticks)
    return mark(figure)


def describe_det(runs: Mapping[str, Scores]) -> str:
    """What `det` shows, in words: where each curve has equal shares of both errors."""
    parts = []
    for name, scores in runs.items():
        table = _points(scores)
        if len(table):
            at = (table["false_positive_rate"] - table["miss_rate"]).abs().idxmin()
            parts.append(f"{name}: equal error about {percentage(float(table.loc[at, ['false_positive_rate', 'miss_rate']].mean()))}")
    return f"Detection error trade-off, misses against false alarms. {'; '.join(parts)}." if parts else "No curve to draw."


def det_table(runs: Mapping[str, Scores]) -> pd.DataFrame:
    """run, false_positive_rate, miss_rate, threshold."""
    columns = ["run", "false_positive_rate", "miss_rate", "threshold"]
    parts = [_points(scores).assign(run=name)[columns] for name, scores in runs.items()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _points(scores: Scores) -> pd.DataFrame:
    curve = scores.of(scores.positive).roc
    if curve is None:
        return pd.DataFrame(columns=["false_positive_rate", "miss_rate", "threshold"], dtype=float)
    return pd.DataFrame({"false_positive_rate": curve.fpr, "miss_rate": 1 - np.array(curve.tpr), "threshold": curve.threshold})


def _probit(values) -> np.ndarray:
    from scipy.special import ndtri

    return ndtri(np.clip(np.asarray(values, dtype=float), _EDGE, 1 - _EDGE))


def _both(false: float, missed: float) -> str:
    return f"false alarms {percentage(false)}, missed {percentage(missed)}"
