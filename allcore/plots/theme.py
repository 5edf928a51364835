"""Colours and the one template of all figures, for light and dark pages alike.

Text: no grey has a contrast of 4.5:1 on white and on the dark page at once (the best reaches 4.49 on both), and Streamlit's own chart
theme writes its axes in one of 3.7:1 on white. So who shows a figure knows the page and says `on(figure, LIGHT)` or `on(figure, DARK)`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import plotly.graph_objects as go

# Okabe & Ito (2008), told apart by readers of any colour vision.
CLASS_COLOURS = {"healthy": "#0072B2", "leukemia": "#D55E00"}
# Yellow, which is faint on white, comes late; a dark red of Paul Tol's stands for their black, which a dark page would swallow.
FURTHER_COLOURS = ("#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#994455", "#F0E442")
RUN_COLOURS = FURTHER_COLOURS[:5]
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
ACCENT = "#009E73"
"""What a figure without classes is about."""
GREY = "#8A8F98"
"""What is there for orientation and is not compared."""
OUTLINE = "#7A7F88"
"""Edge of bars: at least 4:1 on either page, so that a pale bar has a shape on either."""
SIDE_COLOURS = {"train": "#8A8F98", "tune": "#009E73", "calibrate": "#56B4E9", "test": "#994455", "": "rgba(138,143,152,0.25)"}
"""Sides of a split; '' holds images that stand on none. No pink: whoever sees no green takes it for the grey."""
HEAT = "Cividis"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
GRID = "rgba(138,143,152,0.28)"
_CLEAR = "rgba(0,0,0,0)"
_LINE = 44
"""Letters in a line of a message."""


@dataclass(frozen=True)
class Ground:
    """A page that figures stand on: its colour and that of its text, as in .streamlit/config.toml."""

    paper: str
    ink: str


LIGHT = Ground(paper="#ffffff", ink="#1e222a")
DARK = Ground(paper="#050607", ink="#dadee4")
BETWEEN = "#737780"
"""Text where nobody sets a colour: the grey that is equally readable on LIGHT and DARK."""

_AXIS = {
    "gridcolor": GRID,
    "zeroline": False,
    "linecolor": GRID,
    "automargin": True,
    "ticks": "",
    "ticklabelstandoff": 4,
    "title": {"standoff": 8, "font": {"size": 13}},
}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 13, "color": BETWEEN},
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "colorway": RUN_COLOURS,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "hoverlabel": {
            "bgcolor": "#1f2430",
            "bordercolor": "#1f2430",
            "font": {"color": "#ffffff", "family": FONT, "size": 13},
            "align": "left",
        },
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "title": {"text": ""}},
        "colorscale": {"sequential": HEAT},
        "bargap": 0.2,
        "dragmode": False,
    }
)


def class_colour(name: str, classes: Sequence[str]) -> str:
    """The colour of a class, the same in every figure: fixed for healthy and leukemia, by order in `classes` for all others.

    Where a set names neither healthy nor leukemia, their two colours are taken after four others. Past eight, colours repeat.
    """
    if name in CLASS_COLOURS:
        return CLASS_COLOURS[name]
    free = tuple(colour for known, colour in CLASS_COLOURS.items() if known not in classes)
    colours = FURTHER_COLOURS[:4] + free + FURTHER_COLOURS[4:]
    others = [one for one in classes if one not in CLASS_COLOURS]
    return colours[others.index(name) % len(colours)]


def run_colour(index: int) -> str:
    """The colour of the run at a position among those compared."""
    return RUN_COLOURS[index % len(RUN_COLOURS)]


def run_dash(index: int) -> str:
    """The line of the run at a position: with the colour, twenty-five runs can be told apart."""
    return DASHES[(index + index // len(DASHES)) % len(DASHES)]


def blank(*, height: int) -> go.Figure:
    """An empty figure in the house style, `height` pixels high and as wide as its page."""
    figure = go.Figure()
    figure.update_layout(template=TEMPLATE, height=height, autosize=True, margin=TEMPLATE.layout.margin.to_plotly_json())
    return figure


def message(text: str, *, height: int = 160) -> go.Figure:
    """A figure that says why there is nothing to draw."""
    figure = blank(height=height)
    lines = "<br>".join(textwrap.wrap(text, _LINE))  # a figure on a telephone cuts what is longer
    figure.add_annotation(text=lines, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def coloured(figure: go.Figure, ground: Ground) -> go.Figure:
    """The figure itself in a page's colours, so that it is read wherever it is saved to. Show it with `theme=None`."""
    return figure.update_layout(font={"color": ground.ink}, paper_bgcolor=ground.paper)


def faint(colour: str) -> str:
    """A colour '#rrggbb' for an area under or between lines."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.16)"


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours '#rrggbb', 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(colour: str) -> str:
    """Black or white, whichever reads better on '#rrggbb'; never below 4.5:1."""
    return max("#000000", "#ffffff", key=lambda ink: contrast(ink, colour))


def heat_colour(value: float) -> str:
    """The colour '#rrggbb' of a value from 0 to 1 on the scale for heat."""
    from plotly.colors import sample_colorscale

    red, green, blue = (round(float(part)) for part in sample_colorscale(_heat(), [value])[0][4:-1].split(","))
    return f"#{red:02x}{green:02x}{blue:02x}"


@lru_cache(1)
def _heat() -> list:
    """The scale for heat as colours: to look up its name anew takes longer than all else of a cell."""
    from plotly.colors import get_colorscale

    return get_colorscale(HEAT)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
