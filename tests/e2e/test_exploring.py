"""A click on a chart, or a lasso on the map, shows the cells that are meant."""

from __future__ import annotations

import re

import pytest
import stage
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e


def dragged(page: Page, *stops: tuple[float, float]) -> None:
    """Draw a line over the map; stops are shares of its width and height."""
    box = page.locator(".js-plotly-plot .nsewdrag").last.bounding_box()
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in stops]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def test_what_is_picked_on_the_map_fills_the_wall(page: Page, server: stage.Server, demo: str):
    stage.opened(page, server, "dataset", f"?data={demo}&view=Map")
    expect(page.get_by_text("Draw a loop or a box on the map")).to_be_visible()
    page.get_by_text("second component").first.scroll_into_view_if_needed()
    dragged(page, (0.05, 0.05), (0.95, 0.05), (0.95, 0.95), (0.05, 0.95), (0.05, 0.05))
    told = page.get_by_text(re.compile(r"[\d,]+ cells? picked"))
    expect(told).to_be_visible()
    by_lasso = int(re.search(r"([\d,]+) cells?", told.inner_text())[1].replace(",", ""))
    assert by_lasso > 500
    expect(page.get_by_role("group", name=re.compile("picked, 60 shown")).get_by_role("button")).to_have_count(60)
    page.locator('[data-title="Box Select"]').last.click()
    dragged(page, (0.3, 0.3), (0.6, 0.7))
    expect(told).not_to_have_text(re.compile(f"^{by_lasso:,} cells"))
    by_box = int(re.search(r"([\d,]+) cells?", told.inner_text())[1].replace(",", ""))
    assert 0 < by_box < by_lasso
    page.get_by_role("tab", name="Cells").click()
    page.get_by_role("button", name="More filters").click()
    page.get_by_text(f"Only the {by_box:,} picked cells").click()
    expect(page.get_by_role("group", name=re.compile(f"^{by_box:,} cells"))).to_be_visible()


def test_a_click_on_a_patients_bar_shows_that_patients_cells(page: Page, server: stage.Server, demo: str):
    stage.opened(page, server, "dataset", f"?data={demo}&view=Map")
    bar = page.locator(".js-plotly-plot .barlayer .point path").first
    bar.click(force=True)
    expect(page.get_by_role("tab", name="Cells")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("combobox", name=re.compile("Patient"))).not_to_have_value("all patients")
    wall = page.get_by_role("group", name=re.compile("cells, .* shown"))
    first, last = (wall.get_by_role("button").nth(place).get_attribute("title") for place in (0, -1))
    assert first == last
    assert "patient" in first
