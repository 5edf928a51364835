"""The controls of a page, and ways to use them as a person would, but for those that start work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from playwright.sync_api import Locator, Page

from tests.e2e import stage

SHOWS = re.compile(r"add a data set|all about it|open|close|start over|field|cell \d+|judge new pictures by it", re.IGNORECASE)
"""Labels of the buttons that only show something. No other is pressed: what it does may be hours of work, or not to be undone."""
_LABEL = """
(control) => {
  const copy = control.cloneNode(true);
  for (const icon of copy.querySelectorAll('[data-testid=stIconMaterial], [translate=no], svg')) icon.remove();
  return control.getAttribute('aria-label') || copy.innerText || copy.textContent || '';
}
"""
"""What a control is called: an icon is text too, the name of its picture."""


@dataclass(frozen=True)
class Control:
    """One control of a page."""

    name: str
    use: Callable[[int], None]
    """Give it its n-th other value."""


def controls(page: Page) -> Iterator[Control]:
    """Every control that can be used without harm, each with a way to give it its n-th other value."""
    main = page.get_by_test_id("stMain")
    for box in _seen(main.get_by_role("combobox")):
        yield Control(f"select {_name(box)}", lambda n, box=box: _choose(page, box, n))
    for group in _seen(main.get_by_test_id("stButtonGroup")):
        buttons = group.get_by_role("radio").all() or group.get_by_role("button").all()
        words = ", ".join(_name(button) for button in buttons[:2])
        yield Control(f"pills {words}", lambda n, buttons=buttons: buttons[(n + 1) % len(buttons)].click())
    for box in _seen(main.get_by_test_id("stCheckbox")):
        if box.locator("input").is_enabled():
            yield Control(f"tick {_name(box)}", lambda n, box=box: box.locator("label").first.click())
    for slider in main.get_by_role("slider").all():
        yield Control(f"slide {_name(slider)}", lambda n, slider=slider: slider.press("ArrowRight" if n % 2 else "ArrowLeft"))
    for box in _seen(main.get_by_role("spinbutton")):
        yield Control(f"number {_name(box)}", lambda n, box=box: (box.fill(str(n + 1)), box.press("Enter")))
    tabs = main.get_by_role("tab").all()
    for place, tab in enumerate(tabs):
        yield Control(f"tab {_name(tab)}", lambda n, place=place: (_away(page, tabs, place), tabs[place].click()))
    for table in _seen(main.get_by_test_id("stDataFrame")):
        if table.locator("canvas").count():
            yield Control("row of a table", lambda n, table=table: _row(page, table, 1 + n % 2))
    pages = main.get_by_test_id("stPagination").get_by_role("button").all()
    if pages:
        yield Control("page", lambda n: pages[(n % 2) + 1].click())
    for wall in main.get_by_role("group").all():
        cells = wall.get_by_role("button")
        if (wall.get_attribute("aria-label") or "").endswith("shown") and cells.count() > 5:
            yield Control("cell of the wall", lambda n, cells=cells: cells.nth(n).click())
    for button in main.get_by_test_id("stButton").get_by_role("button").all():
        name = _name(button)
        if SHOWS.fullmatch(name) and button.is_enabled():
            yield Control(f"button {name}", lambda n, button=button: (page.keyboard.press("Escape"), button.click()))


def _name(control: Locator) -> str:
    return next((line.strip()[:40] for line in control.evaluate(_LABEL).splitlines() if line.strip()), "")


def _seen(found: Locator) -> list[Locator]:
    """Those that are not folded away."""
    return [one for one in found.all() if one.is_visible()]


def _row(page: Page, table: Locator, number: int) -> None:
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + 55 + 35 * number)


def _choose(page: Page, box: Locator, number: int) -> None:
    box.click()
    options = page.get_by_role("option")
    options.first.wait_for(timeout=5000)
    options.nth((number + 1) % max(2, min(options.count(), 4))).click()


def _away(page: Page, tabs: list[Locator], place: int) -> None:
    """Open another tab, if this one is open, before what is measured."""
    if len(tabs) > 1 and tabs[place].get_attribute("aria-selected") == "true":
        tabs[(place + 1) % len(tabs)].click()
        stage.settled(page, quiet=200)
        page.evaluate("__arm()")
