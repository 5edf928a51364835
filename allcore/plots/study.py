"""A study's combinations: how the best grew, which settings went together, and how much each mattered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.text import number
from allcore.plots import theme

_WIDEST = 24
"""Characters of a category's name beside its axis."""
NOTHING_YET = "No combination has a figure yet."


@dataclass(frozen=True)
class Tried:
    """One combination: its number, counted from 1, what it was, and the objective; None while it has none, or was given up."""

    number: int
    settings: Mapping[str, Any]
    value: float | None


def history(tried: Sequence[Tried], *, objective: str, smaller: bool = False) -> go.Figure:
    """A point a combination, in the order asked for, and a line for the best until then; `smaller`: less is better."""
    known = [one for one in tried if one.value is not None]
    if not known:
        return theme.message(NOTHING_YET)
    figure = theme.blank(height=300)
    numbers = [one.number for one in known]
    line = {"color": theme.GREY, "width": 2, "shape": "hv"}
    figure.add_trace(
        go.Scatter(x=numbers, y=_best_until(known, smaller=smaller), mode="lines", line=line, name="best until then", hoverinfo="skip")
    )
    figure.add_trace(
        go.Scatter(
            x=numbers,
            y=[one.value for one in known],
            customdata=[said(one.settings) for one in known],
            mode="markers",
            name="combination",
            marker={"size": 10, "color": theme.ACCENT},
            hovertemplate=f"%{{customdata}}<br>{objective} %{{y:.3f}}<extra>%{{x}}</extra>",
        )
    )
    figure.update_xaxes(title_text="combination", rangemode="tozero", tickformat="d", **({"dtick": 1} if numbers[-1] < 12 else {}))
    figure.update_yaxes(title_text=f"{objective}, tune part")
    return figure


def describe_history(tried: Sequence[Tried], *, objective: str, smaller: bool = False) -> str:
    """What `history` shows, in words."""
    known = [one for one in tried if one.value is not None]
    if not known:
        return NOTHING_YET
    best = _best(known, smaller=smaller)
    return (
        f"{len(known)} of {len(tried)} combinations have a figure. The best {objective} on the tune part, {number(best.value)}, "
        f"came with combination {best.number}: {said(best.settings)}."
    )


def tried_table(tried: Sequence[Tried], *, objective: str) -> pd.DataFrame:
    """combination, a column a setting, and the objective's name with `_tune`."""
    rows = [{"combination": one.number, **one.settings, f"{objective.replace(' ', '_')}_tune": one.value} for one in tried]
    return pd.DataFrame(rows)


def parallel(tried: Sequence[Tried], *, objective: str, smaller: bool = False) -> go.Figure:
    """An axis a setting and one for the objective; a line a combination, brighter for a larger figure."""
    known = [one for one in tried if one.value is not None]
    names = _names(known)
    if not names:
        return theme.message(NOTHING_YET if not known else "No setting varies.")
    figure = theme.blank(height=340)
    values = [one.value for one in known]
    axes = [_axis(name, [one.settings.get(name) for one in known]) for name in names]
    low, high = _padded(values)
    axes.append({"label": objective, "values": values, "range": [low, high], "tickformat": ".3f"})
    # From pale grey to the accent: the dark end of a scale for heat would be lost on a dark page.
    colours = [[0.0, "#C9CCD1"], [1.0, theme.ACCENT]]
    line = {
        "color": values,
        "colorscale": colours,
        "reversescale": smaller,
        "cmin": min(values),
        "cmax": max(max(values), min(values) + 1e-9),
    }
    figure.add_trace(go.Parcoords(dimensions=axes, line=line, labelfont={"size": 13}, tickfont={"size": 12}))
    figure.update_layout(margin={"l": 64, "r": 48, "t": 48, "b": 24})
    return figure


def describe_parallel(tried: Sequence[Tried], *, objective: str, smaller: bool = False) -> str:
    """What `parallel` shows, in words: the three best combinations and the worst."""
    known = sorted((one for one in tried if one.value is not None), key=lambda one: one.value, reverse=not smaller)
    if not known:
        return NOTHING_YET
    best = "; ".join(f"{number(one.value)} with {said(one.settings)}" for one in known[:3])
    return (
        f"Each of {len(known)} combinations as a line over {', '.join(_names(known)) or 'no setting'} to its {objective} on the tune part. "
        f"Best: {best}. Worst: {number(known[-1].value)} with {said(known[-1].settings)}."
    )


def importance(shares: Mapping[str, float], *, why: str = "") -> go.Figure:
    """A bar a setting, the most important on top; `why` says why there are none."""
    if not shares:
        return theme.message(why)
    names = list(shares)
    figure = theme.blank(height=90 + 42 * len(names))
    figure.add_trace(
        go.Bar(
            x=[shares[name] for name in names],
            y=names,
            orientation="h",
            marker={"color": theme.ACCENT, "line": {"color": theme.OUTLINE, "width": 1}},
            text=[f"{shares[name]:.0%}" for name in names],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text="share of the differences", range=[0, 1.12], tickformat=".0%")
    return figure


def describe_importance(shares: Mapping[str, float], *, why: str = "") -> str:
    """What `importance` shows, in words."""
    if not shares:
        return why
    return "Share of the differences between combinations that each setting explains alone: " + ", ".join(
        f"{name} {share:.0%}" for name, share in shares.items()
    )


def importance_table(shares: Mapping[str, float]) -> pd.DataFrame:
    """setting, share."""
    return pd.DataFrame({"setting": list(shares), "share": list(shares.values())})


def said(settings: Mapping[str, Any]) -> str:
    """`trees 100, features cell-v1`"""
    return ", ".join(f"{name} {_value(value)}" for name, value in settings.items()) or "the preset's settings"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _names(known: Sequence[Tried]) -> list[str]:
    return list(dict.fromkeys(name for one in known for name in one.settings))


def _best(known: Sequence[Tried], *, smaller: bool) -> Tried:
    return (min if smaller else max)(known, key=lambda one: one.value)


def _best_until(known: Sequence[Tried], *, smaller: bool) -> list[float]:
    pick = min if smaller else max
    return [pick(one.value for one in known[: place + 1]) for place in range(len(known))]


def _axis(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """One setting as an axis: numbers as they are, by powers of ten where they span several, all else as categories."""
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        if min(values) > 0 and max(values) / min(values) >= 100:
            logs = [math.log10(value) for value in values]
            low, high = _padded(logs)
            ticks = sorted({min(logs), max(logs), *range(math.ceil(min(logs)), math.floor(max(logs)) + 1)})
            return {"label": name, "values": logs, "range": [low, high], "tickvals": ticks, "ticktext": [f"{10**one:.3g}" for one in ticks]}
        different = sorted(set(values))
        ticks = {"tickvals": different, "ticktext": [_value(one) for one in different]} if len(different) <= 8 else {}
        return {"label": name, "values": list(values), "range": _padded(values), **ticks}
    categories = sorted({_value(value) for value in values})
    return {
        "label": name,
        "values": [categories.index(_value(value)) for value in values],
        "range": [-0.3, len(categories) - 0.7],
        "tickvals": list(range(len(categories))),
        "ticktext": [one if len(one) <= _WIDEST else one[: _WIDEST - 1] + "…" for one in categories],
    }


def _padded(values: Sequence[float]) -> list[float]:
    """Both ends, with air where there is but one value."""
    low, high = min(values), max(values)
    return [low, high] if high > low else [low - 0.5, high + 0.5]
