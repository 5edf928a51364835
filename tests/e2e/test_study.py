"""Twelve runs from one form, watched and compared."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
import stage
from playwright.sync_api import Page, expect

from allcore.base.errors import Conflict
from allcore.data import importing, looks
from allcore.data.phantom import PhantomSpec
from allcore.jobs.studies import overview
from allcore.runs import study

pytestmark = pytest.mark.e2e
NAME = "study-cells"
SLOW = 480_000


@pytest.fixture(scope="module")
def cells(server: stage.Server) -> str:
    """A data set so small that a forest on it takes no longer than its process takes to come up."""
    with suppress(Conflict):
        importing.make_phantom(server.artifacts, NAME, PhantomSpec(images=60, patients=12, size=32, difficulty=0.2))
        looks.of(server.artifacts.dataset(NAME))
    return NAME


def test_twelve_runs_from_one_form(page: Page, server: stage.Server, visit: Callable, cells: str):
    visit(page, "studies", f"?data={cells}")
    if study.every(server.artifacts):  # the form is folded where there is something to see
        page.get_by_text("New study").click()
    page.get_by_role("radio", name="Grid").click()
    expect(page.get_by_text("Choose what to vary.")).to_be_visible()
    for setting, values in (("Trees", "5, 10, 20"), ("Smallest leaf", "1, 3")):
        page.get_by_role("combobox", name="Vary").click()
        page.get_by_role("option", name=setting).click()
        page.keyboard.press("Escape")
        field = page.get_by_role("textbox", name=setting)
        field.fill(values)
        field.press("Enter")
        stage.settled(page)
    seeds = page.get_by_role("spinbutton", name="Seeds")
    seeds.fill("2")
    seeds.press("Enter")
    expect(page.get_by_text("12 runs: 6 combinations × 2 seeds.")).to_be_visible()
    page.get_by_role("button", name="Start 12 runs").click()

    expect(page.get_by_role("heading", name=f"Grid search on {cells}")).to_be_visible()
    expect(page.get_by_text("of 12 runs over")).to_be_visible()
    # It is watched: nobody reloads the page, and it comes to its end.
    expect(page.get_by_text("12 of 12 runs over · 12 done")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Best of 6, by balanced accuracy on the tune part: Random forest, min_leaf")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(3)
    seen = overview.read(server.artifacts, study.every(server.artifacts)[-1])
    assert seen.counts == {"done": 12}
    assert f"study={seen.spec.id}" in page.url

    page.get_by_role("link", name="Compare the best 8 in Results").click()
    page.get_by_role("heading", name="Results", exact=True).wait_for()
    expect(page.get_by_role("tab", name="Compare")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("Paired on the same")).to_be_visible()
    assert page.url.count("random-forest") == 9  # the one that is shown, and the eight
