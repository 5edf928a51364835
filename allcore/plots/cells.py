"""Cells as numbers: the map of all cells, the distribution of one measure by class, and how the images of a class vary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from allcore.plots import theme

_BINS = 40
_PALEST = 0.5
NO_GROUP = "no label"


def cell_map(x: np.ndarray, y: np.ndarray, groups: Sequence[str], colours: Mapping[str, str], *, axes: tuple[str, str]) -> go.Figure:
    """One point a cell, coloured by group; `customdata` of a point is the cell's row.

    x, y (cells,); groups (cells,) text, those that `colours` does not name are grey. axes: titles, '' for axes that mean nothing.
    """
    figure = theme.blank(height=520)
    groups = np.asarray(groups, dtype=object)
    named = [name for name in colours if (groups == name).any()]
    other = ~np.isin(groups.astype(str), named)
    parts = [(NO_GROUP, theme.GREY, other)] if other.any() else []
    parts += [(name, colours[name], groups == name) for name in named]
    size = float(np.clip(9 - np.log10(max(len(x), 1)) * 1.6, 2.5, 8))
    for name, colour, mine in parts:
        figure.add_trace(
            go.Scattergl(
                x=x[mine],
                y=y[mine],
                customdata=np.flatnonzero(mine),
                mode="markers",
                name=f"{name} ({int(mine.sum()):,})",
                marker={"color": colour, "size": size, "opacity": max(_PALEST, min(0.9, 20 / np.sqrt(len(x))))},
                hovertemplate=f"{name}<extra></extra>",
                unselected={"marker": {"opacity": 0.08}},
            )
        )
    silent = {"showticklabels": False, "showgrid": False}
    figure.update_xaxes(title_text=axes[0], **({} if axes[0] else silent))
    figure.update_yaxes(title_text=axes[1], **({} if axes[1] else silent))
    figure.update_layout(dragmode="lasso", legend={"itemsizing": "constant"})
    return figure


def describe_cell_map(groups: Sequence[str]) -> str:
    """What `cell_map` shows, in words."""
    counts = pd.Series(list(groups)).replace("", NO_GROUP).value_counts()
    return f"A map of {counts.sum():,} cells, near ones alike: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()) + "."


def cell_map_table(image_ids: Sequence[str], x: np.ndarray, y: np.ndarray, groups: Sequence[str]) -> pd.DataFrame:
    """A row a cell: image, x, y, group."""
    return pd.DataFrame({"image": list(image_ids), "x": x, "y": y, "group": list(groups)})


def distribution(values: Mapping[str, np.ndarray], colours: Mapping[str, str], *, label: str) -> go.Figure:
    """How one measure is distributed in each group: share of the group's cells in each of forty equal bins, as steps."""
    if not any(len(one) for one in values.values()):
        return theme.message("No cell to measure.")
    figure = theme.blank(height=320)
    edges, shares = _shares(values)
    for place, (name, share) in enumerate(shares.items()):
        figure.add_trace(
            go.Scatter(
                x=edges,
                y=100 * np.append(share, share[-1]),
                mode="lines",
                name=f"{name} ({len(values[name]):,})",
                line={"color": colours.get(name, theme.GREY), "shape": "hv", "width": 2, "dash": theme.DASHES[place % 2]},
                hovertemplate=f"{name}: %{{y:.1f}} %<extra></extra>",
            )
        )
    figure.update_xaxes(title_text=label, showgrid=False)
    figure.update_yaxes(title_text="cells of the group, %", rangemode="tozero")
    return figure


def describe_distribution(values: Mapping[str, np.ndarray], *, label: str) -> str:
    """Median and quartiles of each group, in words."""
    parts = []
    for name, one in values.items():
        if len(one):
            low, middle, high = np.percentile(one, [25, 50, 75])
            parts.append(f"{name}: median {middle:.3g}, half of {len(one):,} cells from {low:.3g} to {high:.3g}")
    return f"{label}. " + "; ".join(parts) + "."


def distribution_table(values: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """A row a bin: its edges and the share of each group's cells."""
    if not any(len(one) for one in values.values()):
        return pd.DataFrame(columns=["from", "to"])
    edges, shares = _shares(values)
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], **shares})


def heat(values: np.ndarray, *, most: float) -> np.ndarray:
    """An image of a quantity, uint8 (height, width, 3) on the scale for heat; `most` is the end of the scale."""
    from plotly.colors import sample_colorscale

    levels = sample_colorscale(theme.HEAT, np.linspace(0, 1, 256).tolist())
    lookup = np.array([[round(float(part)) for part in level[4:-1].split(",")] for level in levels], np.uint8)
    return lookup[np.clip(np.rint(values * (255 / max(most, 1e-9))), 0, 255).astype(int)]


def _shares(values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    together = np.concatenate([one for one in values.values() if len(one)])
    edges = np.histogram_bin_edges(together, _BINS)
    return edges, {name: np.histogram(one, edges)[0] / len(one) for name, one in values.items() if len(one)}
