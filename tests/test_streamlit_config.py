"""The page's settings: known to the Streamlit that is installed, closed to the network, and legible in light and dark."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from allcore.data import images
from allcore.inference import limits
from allcore.plots import theme

CONFIG = tomllib.loads((Path(__file__).resolve().parents[1] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


def flat(table: dict, prefix: str = "") -> dict[str, object]:
    """Nested tables as dotted names."""
    found = {}
    for name, value in table.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def luminance(colour: str) -> float:
    """Relative luminance of `#RRGGBB` after WCAG 2.2."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio after WCAG 2.2, from 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_a_file_as_large_as_the_pages_say_is_let_in():
    assert CONFIG["server"]["maxUploadSize"] * 1_000_000 >= max(limits.FILE_BYTES, images.MOST_BYTES)


def test_the_installed_streamlit_knows_every_option():
    from streamlit import config

    assert flat(CONFIG).keys() <= config.get_config_options().keys()


def test_the_page_is_for_this_machine_and_tells_nobody():
    settings = flat(CONFIG)
    assert settings["server.address"] == "127.0.0.1"
    assert settings["browser.gatherUsageStats"] is False
    assert not [value for value in settings.values() if re.search("https?:", str(value))]


@pytest.mark.parametrize("name", ["light", "dark"])
def test_words_and_accent_are_legible(name: str):
    colours = CONFIG["theme"][name]
    for text in ("textColor", "linkColor"):
        for background in ("backgroundColor", "secondaryBackgroundColor"):
            assert contrast(colours[text], colours[background]) >= 4.5
    # A primary button's words are white on the accent; a chosen tab's are the accent on the page.
    assert contrast("#FFFFFF", colours["primaryColor"]) >= 4.5
    assert contrast(colours["primaryColor"], colours["backgroundColor"]) >= 4.5


def test_a_class_has_the_same_colour_in_every_chart():
    assert CONFIG["theme"]["chartCategoricalColors"] == [*theme.CLASS_COLOURS.values(), *theme.FURTHER_COLOURS]


@pytest.mark.parametrize("name", ["light", "dark"])
def test_healthy_and_leukemic_stand_out_from_the_page(name: str):
    for colour in CONFIG["theme"]["chartCategoricalColors"][:2]:
        assert contrast(colour, CONFIG["theme"][name]["backgroundColor"]) >= 3
