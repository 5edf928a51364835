"""From nothing to an answer for a cell, as a person would go; the training without a mouse."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stage
from playwright.sync_api import Page, expect

from allcore.base.paths import Artifacts, JobPaths
from allcore.runs import status, store

pytestmark = pytest.mark.e2e
SLOW = 240_000
_FOCUS = """() => {
  const one = document.activeElement;
  const label = one.closest('label') || (one.id && document.querySelector(`label[for="${one.id}"]`));
  return (one.getAttribute('aria-label') || label?.innerText || one.innerText || '').trim().slice(0, 80);
}"""


def tab_to(page: Page, label: str) -> None:
    """Press Tab until what has the focus is called so."""
    passed = []
    for _ in range(80):
        page.keyboard.press("Tab")
        passed.append(page.evaluate(_FOCUS))
        if label in passed[-1] and len(passed[-1]) < 60:  # not all that surrounds it
            return
    pytest.fail(f"Tab never came to {label!r}, but to {passed}")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[stage.Server]:
    """A server of a laboratory in which nothing has ever been done."""
    with stage.serving(Artifacts(tmp_path / "artifacts")) as serving:
        yield serving


def test_from_an_empty_laboratory_to_an_answer(empty: stage.Server, page: Page):
    stage.opened(page, empty, "dataset")
    page.get_by_role("button", name="Draw the demo cells").click()
    expect(page.get_by_text("1,000 cells")).to_be_visible(timeout=SLOW)
    page.get_by_role("link", name="Train a model on it").click()
    page.get_by_role("heading", name="Train", exact=True).wait_for()

    tab_to(page, "AllNet")
    page.keyboard.press("Space")
    expect(page.get_by_text("Choose one model or several.")).to_be_visible()
    tab_to(page, "Random forest")
    page.keyboard.press("Space")
    button = page.get_by_role("button", name="Train 1 model")
    expect(button).to_be_enabled()
    tab_to(page, "Train 1 model")
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Jobs", exact=True).wait_for()
    heading = page.get_by_role("heading", name=re.compile("Random forest on demo · [0-9a-f]{4}"))
    expect(heading).to_be_visible()
    name = heading.inner_text()
    expect(page.get_by_role("link", name="See the result")).to_be_visible(timeout=SLOW)
    run = next(job for job in store.runs(empty.artifacts) if job.id.endswith(name[-4:]))
    assert run.state == status.DONE
    page.get_by_role("link", name="See the result").click()

    page.get_by_role("heading", name="Results", exact=True).wait_for()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_text("No patient stands on both sides")).to_be_visible()
    expect(page.get_by_text("At this threshold it finds")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    assert f"run={run.id}" in page.url
    page.get_by_role("link", name="Let this model judge a picture").click()

    page.get_by_role("heading", name="Classify", exact=True).wait_for()
    page.get_by_role("button", name="Cell 1", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile(r"This model calls the cell (healthy|leukemic), .*%"))).to_be_visible()
    expect(page.get_by_text("Trained on drawn cells")).to_be_visible()


def test_a_threshold_moves_the_figures_by_keyboard(page: Page, visit: Callable, forest: JobPaths):
    visit(page, "results", f"?run={forest.id}")
    sentence = page.get_by_text("At this threshold it finds")
    before = sentence.inner_text()
    page.get_by_role("slider", name="Threshold").focus()
    for reached in ("0.4", "0.3"):  # each answered before the next: a key pressed while the page is redrawn may be lost
        page.keyboard.press("PageDown")
        page.wait_for_url(f"**threshold={reached}**")
        stage.settled(page)
    expect(sentence).not_to_have_text(before)
    expect(page.get_by_text("Chosen by hand on the test side")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Chosen by hand on the test side")).to_be_visible()


def test_a_cell_of_the_wall_opens_large(page: Page, visit: Callable, demo: str):
    visit(page, "dataset", f"?data={demo}")
    wall = page.get_by_role("group", name=re.compile("1,000 cells"))
    cells = wall.get_by_role("button")
    expect(cells).to_have_count(96)
    file = page.get_by_text(re.compile("^file: |file: UID_"))
    before = file.inner_text()
    cells.nth(5).focus()
    page.keyboard.press("Enter")
    expect(cells.nth(5)).to_have_attribute("aria-pressed", "true")
    expect(file).not_to_have_text(before)
    page.get_by_role("combobox", name=re.compile("Class")).click()
    page.get_by_role("option", name="healthy").click()
    expect(page.get_by_role("group", name=re.compile("320 cells"))).to_be_visible()
    assert "class=healthy" in page.url
