"""Patients: the share of each one's cells that were called positive."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.patients import Patient, Patients
from allcore.metrics.text import percent, percentage
from allcore.plots import theme

_HOVER = "%{customdata[0]}, %{customdata[1]} cells<br>%{customdata[2]} of them right<br>%{customdata[3]}<extra></extra>"


def patients(found: Patients, classes: Sequence[str], *, positive: str) -> go.Figure:
    """A point a patient, by class: the share of cells called positive, its size the number of cells. Across the middle, the vote."""
    figure = theme.blank(height=250)
    negative = next(name for name in classes if name != positive)
    most = max((one.cells for one in found.patients), default=1)
    for row, name in enumerate((positive, negative)):
        mine = sorted((one for one in found.patients if one.positive == (name == positive)), key=lambda one: one.vote)
        figure.add_trace(
            go.Scatter(
                x=[one.vote for one in mine],
                # Spread a little, in turn, so that equals do not hide each other.
                y=[row + 0.24 * ((place % 5) - 2) / 2 for place in range(len(mine))],
                customdata=[[one.id, one.cells, percentage(one.right), _called(one, positive, negative)] for one in mine],
                mode="markers",
                name=f"truly {name}",
                marker={
                    "size": [8 + 14 * (one.cells / most) ** 0.5 for one in mine],
                    "color": theme.class_colour(name, classes),
                    "symbol": ["circle" if one.by_vote == one.positive else "x" for one in mine],
                    "opacity": 0.85,
                    "line": {"color": theme.OUTLINE, "width": 1},
                },
                hovertemplate=_HOVER,
            )
        )
    figure.add_vline(x=0.5, line={"color": theme.GREY, "width": 1, "dash": "dot"})
    figure.update_xaxes(title_text=f"share of a patient's cells called {positive}", range=[-0.03, 1.03], tickformat=".0%")
    figure.update_yaxes(tickvals=[0, 1], ticktext=[positive, negative], range=[1.6, -0.6], showgrid=False, title_text="truly")
    return figure.update_layout(showlegend=False)


def describe_patients(found: Patients, *, positive: str) -> str:
    """What `patients` shows, in words."""
    wrong = [one.id for one in found.patients if one.by_vote != one.positive]
    names = f" Called wrongly: {', '.join(wrong[:10])}{' and others' if len(wrong) > 10 else ''}." if wrong else ""
    return (
        f"{len(found.patients)} patients by the share of their cells called {positive}. "
        f"Right by the vote of the cells: {percent(found.by_vote)}.{names}"
    )


def patients_table(found: Patients, *, positive: str, negative: str) -> pd.DataFrame:
    """A row a patient, the worst first: patient, truly, cells, right, called_positive, mean_probability, by_vote, by_mean, stable_at."""
    names = {True: positive, False: negative}
    rows = [
        (one.id, names[one.positive], one.cells, one.right, one.vote, one.mean, names[one.by_vote], names[one.by_mean], one.stable_at)
        for one in found.patients
    ]
    columns = ["patient", "truly", "cells", "right", "called_positive", "mean_probability", "by_vote", "by_mean", "stable_at"]
    return pd.DataFrame(rows, columns=columns)


def _called(one: Patient, positive: str, negative: str) -> str:
    return f"by vote {positive if one.by_vote else negative}, by mean {positive if one.by_mean else negative}"
