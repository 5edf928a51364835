"""Every figure has its words, and every page shows them with its numbers."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import allcore.plots

PAGES = Path(__file__).resolve().parents[2] / "pages"
MODULES = [found.name for found in pkgutil.iter_modules(allcore.plots.__path__) if found.name not in ("theme", "marks")]
DRAW = {"plotly_chart", "line_chart", "bar_chart", "area_chart", "scatter_chart", "altair_chart", "vega_lite_chart", "pyplot", "map"}


@pytest.mark.parametrize("name", MODULES)
def test_every_figure_has_words(name: str) -> None:
    module = importlib.import_module(f"allcore.plots.{name}")
    functions = {each: made for each, made in inspect.getmembers(module, inspect.isfunction) if made.__module__ == module.__name__}
    drawn = [each for each, made in functions.items() if made.__annotations__.get("return") == "go.Figure" and each[0] != "_"]
    assert drawn
    assert not [each for each in drawn if f"describe_{each}" not in functions]


def test_no_page_draws_past_words_and_data() -> None:
    """`widgets.chart` is the one way to a chart; it can't be called without a text and a table."""
    found = []
    for path in PAGES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in DRAW and isinstance(node.value, ast.Name) and node.value.id == "st":
                found.append(path.name)
    assert found == ["widgets.py"]


def test_a_chart_is_saved_by_the_browser_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As SVG, by Plotly's own button, on every chart; its data as CSV beside it."""
    from streamlit.testing.v1 import AppTest

    def page() -> None:
        import pandas as pd
        import plotly.graph_objects as go

        from pages.ui import widgets

        widgets.chart(go.Figure(go.Scatter(x=[1], y=[2])), "One point, at 1 and 2.", pd.DataFrame({"x": [1], "y": [2]}), key="point")

    shown = AppTest.from_function(page, default_timeout=30).run()
    assert not shown.exception
    (chart,) = shown.get("plotly_chart")
    assert chart.proto.alt == "One point, at 1 and 2."
    assert '"toImage"' in chart.proto.config
    assert '"svg"' in chart.proto.config
    (data,) = shown.get("download_button")
    assert data.proto.label == "Data"
