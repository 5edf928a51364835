"""The one button on Home, to the end. A real network is trained."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from allcore.models import presets
from allcore.runs import status, store

pytestmark = pytest.mark.e2e
DEADLINE = 400_000


def test_from_the_click_to_the_answer(server, page: Page, visit):
    visit(page, "home")
    page.get_by_role("button", name="Start the first lesson").click()
    expect(page.get_by_role("heading", name="1. What you see")).to_be_visible(timeout=DEADLINE)
    expect(page.get_by_role("group", name=re.compile("Leukemic")).get_by_role("button")).to_have_count(20)
    expect(page.get_by_role("heading", name="2. The network learns")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("heading", name="3. Is it any good?")).to_be_visible(timeout=DEADLINE)
    expect(page.get_by_text(re.compile("It finds .* of the leukemic cells"))).to_be_visible()

    (run,) = [job for job in store.runs(server.artifacts) if job.id in page.url]
    assert run.state == status.DONE
    assert run.spec.params["preset"] == presets.FIRST_LESSON
    assert run.metrics["test"]["balanced_accuracy"] >= 0.85

    page.get_by_role("button", name="Cell 3", exact=True).click()
    answer = page.get_by_text(re.compile(r"The network says (healthy|leukemia) \(.*%\)\. It is (right|wrong): this cell was drawn as"))
    expect(answer).to_be_visible()
    expect(page.get_by_text("It is a lesson, and never a diagnosis.")).to_be_visible()
    page.get_by_role("link", name="Let it judge a picture of yours").click()
    page.get_by_role("heading", name="Classify", exact=True).wait_for()
    assert run.id in page.url
