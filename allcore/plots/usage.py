"""What a job took of the machine, over time.

`used` has the columns of `runs.usage.Point`: `time` (as `clock.now()` writes it), `cpu` (percent of one core), `memory_mb`, and `gpu`
(percent), `gpu_memory_mb`, `gpu_celsius`, missing where it had no GPU.
"""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from allcore.plots import theme

NOTHING_YET = "Nothing has been measured yet."
_ROWS = {
    "processor": ("cores", {"processor": ("cpu", 0.01)}),
    "memory": ("GB", {"memory": ("memory_mb", 0.001), "GPU memory": ("gpu_memory_mb", 0.001)}),
    "gpu": ("GPU, %", {"GPU": ("gpu", 1.0)}),
    "heat": ("GPU, °C", {"GPU temperature": ("gpu_celsius", 1.0)}),
}


def usage(used: pd.DataFrame) -> go.Figure:
    """Cores in use above, memory below, and the GPU's work and temperature below that where there was one."""
    rows = {name: lines for name, (_, lines) in _ROWS.items() if any(_known(used, column) for column, _ in lines.values())}
    if not rows:
        return theme.message(NOTHING_YET)
    figure = make_subplots(
        rows=len(rows), cols=1, shared_xaxes=True, vertical_spacing=0.09, figure=theme.blank(height=60 + 105 * len(rows))
    )
    for row, (name, lines) in enumerate(rows.items(), 1):
        for line, (column, scale) in lines.items():
            if _known(used, column):
                figure.add_trace(
                    go.Scatter(
                        x=_minutes(used),
                        y=used[column].astype(float) * scale,
                        mode="lines" if len(used) > 1 else "markers",
                        line={"color": theme.ACCENT, "dash": "solid" if column != "gpu_memory_mb" else "dot", "width": 2},
                        name=line,
                        showlegend=False,
                        hovertemplate=f"after %{{x:.1f}} min<br>{line} %{{y:.2f}}<extra></extra>",
                    ),
                    row=row,
                    col=1,
                )
        figure.update_yaxes(title_text=_ROWS[name][0], rangemode="tozero", nticks=4, row=row, col=1)
    figure.update_xaxes(title_text="minutes since the first measurement", row=len(rows), col=1)
    return figure


def describe_usage(used: pd.DataFrame) -> str:
    """The figure in words."""
    if used.empty:
        return NOTHING_YET
    parts = [
        f"{used['cpu'].mean() / 100:.1f} cores in use on average",
        f"{used['memory_mb'].max() / 1000:.1f} GB of memory at most",
    ]
    if _known(used, "gpu"):
        parts.append(f"the GPU {used['gpu'].astype(float).mean():.0f}% at work")
    if _known(used, "gpu_celsius"):
        parts.append(f"{used['gpu_celsius'].astype(float).max():.0f} °C at most")
    return f"Use of the machine over {_minutes(used).iloc[-1]:.1f} minutes: {', '.join(parts)}."


def _known(used: pd.DataFrame, column: str) -> bool:
    return bool(used[column].notna().any())


def _minutes(used: pd.DataFrame) -> pd.Series:
    times = pd.to_datetime(used["time"])
    return (times - times.iloc[0]).dt.total_seconds() / 60
