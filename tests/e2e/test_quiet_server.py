"""What the web process must not do: load TensorFlow, grow without bound, or listen where nobody asked it to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import stage
from playwright.sync_api import Page

from allcore.base.paths import JobPaths

pytestmark = pytest.mark.e2e
MOST_MB = 350


def listening(processes: list[psutil.Process]) -> list[tuple[str, int]]:
    """Address and port of every socket that waits for callers."""
    found = []
    for process in processes:
        try:
            found += [tuple(one.laddr) for one in process.net_connections(kind="inet") if one.status == psutil.CONN_LISTEN or not one.raddr]
        except psutil.NoSuchProcess:
            continue
    return sorted(set(found))


def test_while_a_training_runs_only_the_server_listens(
    server: stage.Server, training: Callable[..., JobPaths], page: Page, visit, eventually: Callable
):
    paths = training(epochs=500)
    visit(page, "jobs", f"?run={paths.id}")

    def all_there() -> list[psutil.Process]:
        commands = [" ".join(one.cmdline()) for one in stage.household(server.artifacts)]
        return all(any(word in one for one in commands) for word in ("streamlit", "allcore.jobs.runner", "allcore.worker"))

    eventually(all_there, seconds=stage.PATIENCE / 1000, what="server, runner and worker")
    eventually(lambda: paths.events.exists(), seconds=stage.PATIENCE / 1000, what="TensorFlow at work")
    assert listening(stage.household(server.artifacts)) == [("127.0.0.1", server.port)]


def test_after_every_page_it_is_small_and_without_tensorflow(
    server: stage.Server, forest: JobPaths, page: Page, visit, record_property: Callable
):
    for name in stage.PAGES:
        visit(page, name)
    for tab in ("Training", "Probabilities", "How it was made"):
        visit(page, "results", f"?run={forest.id}&details={tab.replace(' ', '+')}")
    visit(page, "dataset", "?view=Splits")
    visit(page, "classify", f"?run={forest.id}")
    page.get_by_role("button", name="Cell 1", exact=True).click()
    stage.settled(page)
    maps = Path(f"/proc/{server.process.pid}/maps")
    if maps.exists():
        assert "tensorflow" not in maps.read_text()
    used = server.process.memory_info().rss / 1e6
    record_property("web_process_mb", round(used))
    print(f"The web process takes {used:.0f} MB after every page.")
    models = sum(file.stat().st_size for file in server.artifacts.runs.glob("*/model.onnx")) / 1e6
    assert used < MOST_MB + models
