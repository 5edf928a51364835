"""Colours are fixed by class; contrasts are computed, not claimed."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from allcore.plots import theme

CONFIG = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"
EIGHT = ("basophil", "eosinophil", "erythroblast", "ig", "lymphocyte", "monocyte", "neutrophil", "platelet")
GROUNDS = (theme.LIGHT, theme.DARK)
# Machado, Oliveira & Fernandes (2009), IEEE TVCG 15:1291, table 1, severity 1.0: on linear RGB.
VISIONS = {
    "full": np.eye(3),
    "no red": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "no green": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "no blue": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}
APART = 10
"""CIEDE2000; about 1 is just seen side by side."""


def _away(one: str, other: str, vision: str) -> float:
    """CIEDE2000 between two colours '#rrggbb' as a reader of that vision sees them."""
    colours = np.array([[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in (one, other)])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ VISIONS[vision].T, 0, 1)
    first, second = rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))
    return float(deltaE_ciede2000(first, second))


def test_healthy_and_leukemia_have_their_colours_in_any_company() -> None:
    for classes in (("healthy", "leukemia"), ("leukemia", "healthy"), ("blast", "healthy", "leukemia")):
        assert theme.class_colour("healthy", classes) == "#0072B2"
        assert theme.class_colour("leukemia", classes) == "#D55E00"


def test_eight_classes_have_eight_colours_in_a_fixed_order() -> None:
    colours = [theme.class_colour(name, EIGHT) for name in EIGHT]
    assert len(set(colours)) == 8
    assert colours[:2] == ["#009E73", "#CC79A7"]
    assert theme.class_colour("eosinophil", EIGHT[1:]) == "#009E73"
    assert "#0072B2" not in [theme.class_colour(name, (*EIGHT[:5], "healthy")) for name in EIGHT[:5]]


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_are_told_apart_by_readers_of_any_colour_vision(vision: str) -> None:
    """Classes, runs and sides from each other, and each from both pages."""
    assert _away(*theme.CLASS_COLOURS.values(), vision) >= 45
    classes = [theme.class_colour(name, EIGHT) for name in EIGHT]
    known = [theme.class_colour(name, ("healthy", "leukemia", *EIGHT[:6])) for name in ("healthy", "leukemia", *EIGHT[:6])]
    sides = [colour for side, colour in theme.SIDE_COLOURS.items() if side]
    for together in (classes, known, theme.RUN_COLOURS, sides, (theme.ACCENT, theme.GREY)):
        for one, other in itertools.combinations(together, 2):
            assert _away(one, other, vision) >= APART, (one, other)
        for one, ground in itertools.product(together, GROUNDS):
            assert _away(one, ground.paper, vision) >= 15, (one, ground)


def test_the_measure_of_colours_knows_what_is_alike() -> None:
    """Red and green of one lightness are one colour without the green receptor; the pink that once was the test side's, the grey."""
    assert _away("#000000", "#ffffff", "full") == pytest.approx(100, abs=0.1)
    assert _away("#CC79A7", theme.GREY, "full") > 20 > 5 > _away("#CC79A7", theme.GREY, "no green")


def test_contrast_follows_wcag() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert theme.contrast("#ffffff", "#777777") == theme.contrast("#777777", "#ffffff")


@pytest.mark.parametrize("ground", GROUNDS, ids=["light", "dark"])
def test_what_must_be_seen_is_seen_on_both_grounds(ground: theme.Ground) -> None:
    assert theme.contrast(ground.ink, ground.paper) >= 7
    assert theme.contrast(theme.BETWEEN, ground.paper) >= 4.4
    assert theme.contrast(theme.OUTLINE, ground.paper) >= 4
    for colour in (*theme.CLASS_COLOURS.values(), theme.ACCENT, theme.GREY):
        assert theme.contrast(colour, ground.paper) >= 3, colour


def test_grounds_are_the_pages_own() -> None:
    pages = tomllib.loads(CONFIG.read_text())["theme"]
    for name, ground in (("light", theme.LIGHT), ("dark", theme.DARK)):
        assert (pages[name]["backgroundColor"].lower(), pages[name]["textColor"].lower()) == (ground.paper, ground.ink)


def test_no_single_grey_reaches_text_contrast_on_both_grounds() -> None:
    """Why `on` exists."""
    greys = [f"#{value:02x}{value:02x}{value:02x}" for value in range(256)]
    best = max(min(theme.contrast(grey, ground.paper) for ground in GROUNDS) for grey in greys)
    assert 4.2 < best < 4.5
    assert min(theme.contrast(theme.BETWEEN, ground.paper) for ground in GROUNDS) == pytest.approx(best, abs=0.05)


def test_text_on_heat_is_readable_everywhere() -> None:
    for step in range(101):
        colour = theme.heat_colour(step / 100)
        assert theme.contrast(theme.text_on(colour), colour) >= 4.5
    assert theme.heat_colour(0) == "#00224e"


def test_hover_text_is_readable() -> None:
    label = theme.TEMPLATE.layout.hoverlabel
    assert theme.contrast(label.bgcolor, label.font.color) >= 7


def test_a_figure_takes_the_colours_of_its_page() -> None:
    figure = theme.blank(height=300)
    assert figure.layout.template.layout.paper_bgcolor == figure.layout.template.layout.plot_bgcolor == "rgba(0,0,0,0)"
    # A colour in the layout itself would win over the page's theme.
    assert figure.layout.font.color is None
    assert figure.layout.height == 300
    dark = theme.coloured(theme.blank(height=300), theme.DARK)
    assert (dark.layout.paper_bgcolor, dark.layout.font.color) == (theme.DARK.paper, theme.DARK.ink)
    assert theme.coloured(figure, theme.LIGHT) is figure
    assert (figure.layout.paper_bgcolor, figure.layout.font.color) == (theme.LIGHT.paper, theme.LIGHT.ink)


def test_runs_differ_by_colour_and_line() -> None:
    looks = [(theme.run_colour(index), theme.run_dash(index)) for index in range(25)]
    assert len(set(looks)) == 25
    assert all(one[1] != other[1] for one, other in itertools.pairwise(looks[:5]))


def test_message_is_drawn() -> None:
    assert [note.text for note in theme.message("Nothing yet.").layout.annotations] == ["Nothing yet."]
    assert isinstance(theme.message("Nothing yet."), go.Figure)
