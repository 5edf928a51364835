"""The results with a mouse: a click on a curve moves everything, a click on the matrix opens its images."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import stage
from playwright.sync_api import Page, expect

from allcore.base.paths import JobPaths
from allcore.runs import threshold

pytestmark = pytest.mark.e2e
# Where a point of a trace stands on the screen: what Plotly itself would tell.
_PLACE = """([chart, trace, point]) => {
  const plot = [...document.querySelectorAll('.js-plotly-plot')][chart];
  const full = plot._fullLayout, data = plot._fullData.findIndex(trace === 'matrix'
    ? one => one.customdata && one.customdata[0].length === 2 && one.type === 'scatter'
    : one => one.name && one.name.startsWith(trace));
  const one = plot._fullData[data], box = plot.getBoundingClientRect();
  const at = typeof point === 'number' ? point : one.x.findIndex((x, i) => x > point[0] && one.y[i] > point[1]);
  return [box.left + full.xaxis._offset + full.xaxis.d2p(one.x[at]), box.top + full.yaxis._offset + full.yaxis.d2p(one.y[at])];
}"""


def _click(page: Page, chart: int, trace: str, point: object) -> None:
    plot = page.locator(".js-plotly-plot").nth(chart)
    plot.scroll_into_view_if_needed()
    x, y = page.evaluate(_PLACE, [chart, trace, point])
    page.mouse.move(x - 30, y - 5)
    page.mouse.move(x, y, steps=4)
    plot.locator(".hoverlayer .hovertext").first.wait_for()  # Plotly clicks on what it hovers
    page.mouse.down()
    page.mouse.up()


def _counts(page: Page) -> list[str]:
    return page.locator(".js-plotly-plot").nth(1).locator(".annotation-text").all_text_contents()


def test_a_click_on_the_curve_moves_the_matrix_and_a_click_on_the_matrix_opens_its_images(page: Page, visit: Callable, forest: JobPaths):
    visit(page, "results", f"?run={forest.id}")
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    before = _counts(page)
    assert len(before) == 4
    _click(page, 0, "leukemia", [0.0, 0.5])
    expect(page.get_by_text("Chosen by hand on the test side")).to_be_visible()
    stage.settled(page)
    assert _counts(page) != before
    assert "threshold=" in page.url

    _click(page, 1, "matrix", 3)  # truly and rightly leukemia
    wall = page.get_by_role("group", name=re.compile("truly leukemia, called leukemia"))
    expect(wall).to_be_visible()
    cells = wall.get_by_role("button")
    sure = [int(re.search(r"(\d+)(\.\d+)? % sure", cells.nth(place).get_attribute("title")).group(1)) for place in range(5)]
    assert sure == sorted(sure, reverse=True)
    cells.first.click()
    expect(page.get_by_text(re.compile("Patient "))).to_be_visible()


def test_a_click_on_a_curve_in_a_tab_moves_the_matrix_above(page: Page, visit: Callable, forest: JobPaths):
    visit(page, "results", f"?run={forest.id}&details=Curves")
    expect(page.locator(".js-plotly-plot")).to_have_count(4)
    before = _counts(page)
    _click(page, 2, "average precision", [0.3, 0.5])
    expect(page.get_by_text("Chosen by hand on the test side")).to_be_visible()
    stage.settled(page)
    moved = _counts(page)
    assert moved != before
    assert "threshold=" in page.url
    # A tab is drawn alone, at the threshold that stands above; the address follows.
    page.get_by_role("tab", name="Patients").click()
    expect(page.get_by_text("A patient called by the vote of their cells")).to_be_visible()
    assert "details=Patients" in page.url
    assert _counts(page) == moved
    page.get_by_role("tab", name="Figures").click()
    expect(page.get_by_text("Optimistic: the threshold was chosen on these very images.")).to_be_visible()


def test_a_rule_chooses_and_new_pictures_are_judged_by_it(page: Page, visit: Callable, forest: JobPaths):
    try:
        visit(page, "results", f"?run={forest.id}")
        page.get_by_role("combobox", name=re.compile("Chosen by")).click()
        page.get_by_role("option", name="A target sensitivity").click()
        expect(page.get_by_text("Chosen on the calibrate part")).to_be_visible()
        page.get_by_role("button", name="Judge new pictures by it").click()
        expect(page.get_by_text("New pictures are judged by this threshold.")).to_be_visible()
        kept = threshold.read(forest)
        assert (kept.rule, kept.value, kept.side) == ("sensitivity", 0.95, "calibrate")
        page.reload()
        expect(page.get_by_text("Chosen on the calibrate part")).to_be_visible()
        visit(page, "classify", f"?run={forest.id}")
        page.get_by_role("button", name="Cell 1", exact=True).click()
        expect(page.get_by_text("chosen on the calibrate part on Results")).to_be_visible()
    finally:
        threshold.clear(forest)
