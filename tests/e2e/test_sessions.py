"""Work goes on whoever looks, and everybody sees the same."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import stage
from playwright.sync_api import Page, expect

from allcore.base.paths import Artifacts, JobPaths
from allcore.runs import events, status, store
from benchmarks._session import Session, in_loop

pytestmark = pytest.mark.e2e
SLOW = 240_000


def epochs(paths: JobPaths) -> int:
    return len(events.epochs(events.read(paths)))


def sees_it_at_work(page: Page, paths: JobPaths) -> None:
    expect(page.get_by_role("heading", name=re.compile(f"Proposed CNN on few · {paths.id[-4:]}"))).to_be_visible()
    expect(page.get_by_role("progressbar").first).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()


def test_a_training_is_seen_again_after_a_refresh_and_by_somebody_else(
    server: stage.Server, newcomer: Callable[..., Page], visit, training: Callable[..., JobPaths], eventually: Callable
):
    paths = training(epochs=500)
    mine = newcomer()
    visit(mine, "jobs", f"?run={paths.id}")
    sees_it_at_work(mine, paths)
    eventually(lambda: epochs(paths) >= 1, seconds=SLOW / 1000, what="a first epoch")
    expect(mine.locator(f".st-key-curves-{paths.id} .js-plotly-plot")).to_have_count(1)
    mine.reload()
    sees_it_at_work(mine, paths)
    expect(mine.locator(f".st-key-curves-{paths.id} .js-plotly-plot")).to_have_count(1)

    theirs = newcomer()
    visit(theirs, "jobs")
    sees_it_at_work(theirs, paths)
    visit(theirs, "home")
    expect(theirs.get_by_text(re.compile("At work · Proposed CNN on few"))).to_be_visible()

    mine.get_by_role("button", name="Cancel").click()
    expect(mine.get_by_text("Nothing runs and nothing waits.")).to_be_visible(timeout=SLOW)
    expect(theirs.get_by_text("nothing runs")).to_be_visible(timeout=SLOW)
    assert store.read(paths).state == status.CANCELLED


def test_two_people_choose_for_themselves(newcomer: Callable[..., Page], visit, forest: JobPaths):
    one, other = newcomer(), newcomer(color_scheme="dark")
    visit(one, "results", f"?run={forest.id}")
    visit(other, "dataset", "?data=demo")
    one.get_by_role("slider", name="Threshold").focus()
    one.keyboard.press("ArrowLeft")
    other.get_by_role("combobox", name=re.compile("Class")).click()
    other.get_by_role("option", name="leukemia").click()
    expect(one.get_by_text("Chosen by hand on the test side")).to_be_visible()
    expect(other.get_by_role("group", name=re.compile("680 cells"))).to_be_visible()
    visit(other, "results", f"?run={forest.id}")
    expect(other.get_by_text("Chosen by hand on the test side")).to_have_count(0)


def test_a_server_killed_in_mid_run_harms_no_training(
    tmp_path: Path, newcomer: Callable[..., Page], training: Callable[..., JobPaths], eventually: Callable
):
    artifacts = Artifacts(tmp_path / "artifacts")
    with stage.serving(artifacts) as first:
        paths = training(artifacts, epochs=20)
        page = newcomer()
        stage.opened(page, first, "jobs", f"?run={paths.id}")
        sees_it_at_work(page, paths)
        eventually(lambda: epochs(paths) >= 1, seconds=SLOW / 1000, what="a first epoch")
        page.context.close()  # that a browser complains of a dead server is no news
        first.kill()
        assert status.read(paths).state in status.IN_PROCESS
        second, page = stage.started(artifacts, stage.free_port()), newcomer()
        stage.opened(page, second, "jobs", f"?run={paths.id}")  # a page other than Home is the first thing asked of this server
        expect(page.get_by_role("link", name="Results")).to_be_visible()
        expect(page.get_by_role("heading", name=re.compile(f"Proposed CNN on few · {paths.id[-4:]}"))).to_be_visible()
        expect(page.get_by_role("link", name="See the result")).to_be_visible(timeout=SLOW)
        ended = store.read(paths)
        assert (ended.state, ended.status.attempt) == (status.DONE, 1)
        assert epochs(paths) == 20
        page.context.close()  # before its server ends too


def test_many_who_come_at_the_same_moment_all_see_their_page(server: stage.Server, forest: JobPaths):
    async def comes(query: str) -> list[str]:
        session = await Session(server.url).open()
        try:
            for _ in range(8):
                await session.ask("classify", query)
        finally:
            await session.close()
        return session.errors

    async def all_come() -> list[list[str]]:
        return await asyncio.gather(*(comes(f"?run={forest.id}") for _ in range(24)))

    assert in_loop(all_come()) == [[]] * 24
