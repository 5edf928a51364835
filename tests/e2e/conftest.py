"""One server for all tests of this folder; a browser for each file; and for each page what it asked for and what went wrong in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, WebSocket, expect

from allcore.base.errors import Conflict, Fenced, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing, looks
from allcore.data.phantom import PhantomSpec
from allcore.jobs import control, submit
from allcore.jobs import demo as demo_cells
from allcore.models import presets
from allcore.runs import status, store

sys.path.insert(0, str(Path(__file__).parent))  # screenshots.py, which is run by its path, imports it as this does

import stage

FEW = "few"
"""A data set beside the demo cells, on which an epoch takes a second."""
expect.set_options(timeout=stage.PATIENCE)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "e2e: in a real browser, against a real server; slow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What fails in a browser is tried twice more, and the report says so: a starved machine is no fault of ours, and one that stays is."""
    for item in items:
        if item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.flaky(reruns=2))


@dataclass
class Watch:
    """What a page said and asked for."""

    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def of(self, page: Page) -> None:
        page.on("request", self._asked)
        page.on("websocket", self._asked)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _asked(self, request: Request | WebSocket) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob", "about"):
            self.hosts.add(address.hostname or request.url)

    def _said(self, message: ConsoleMessage) -> None:
        # On a page's own address Streamlit first looks for its server below that address.
        address = urlsplit(message.location.get("url", "")).path
        probe = address.endswith(("/_stcore/health", "/_stcore/host-config")) and address.count("/") > 2
        if message.type == "error" and not ("404" in message.text and probe):
            self.complaints.append(f"{message.text} ({message.location.get('url')})")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stage.Server]:
    """A server with an artifacts folder that is empty at first. Tests add to it; none needs what another has added."""
    with stage.serving(Artifacts(tmp_path_factory.mktemp("e2e") / "artifacts")) as serving:
        yield serving


@pytest.fixture(scope="session")
def demo(server: stage.Server) -> str:
    """The demo data set, drawn here where no test has yet drawn it by a click."""
    if demo_cells.card(server.artifacts) is None:
        importing.make_phantom(server.artifacts, demo_cells.NAME, demo_cells.SPEC)
        looks.of(server.artifacts.dataset(demo_cells.NAME))
    return demo_cells.NAME


@pytest.fixture(scope="session")
def forest(server: stage.Server, demo: str, eventually: Callable) -> JobPaths:
    """A finished random forest on the demo data, trained here where no test has yet done so by a click."""
    done = [job for job in store.runs(server.artifacts) if job.state == status.DONE and job.spec.params["model"] == "random_forest"]
    if done:
        return done[0].paths
    plan, _ = submit.planned(server.artifacts, data=demo, model="random_forest")
    paths = submit.training(server.artifacts, plan)
    control.ensure(server.artifacts)
    eventually(lambda: status.read(paths).state in status.ENDED, seconds=stage.PATIENCE / 1000, what="a random forest")
    assert status.read(paths).state == status.DONE, status.read(paths).reason
    return paths


@pytest.fixture
def training(server: stage.Server) -> Iterator[Callable[..., JobPaths]]:
    """Queues a network on a few small pictures and has the runner take it up; what still runs when the test ends is cancelled."""
    begun: list[JobPaths] = []

    def begin(artifacts: Artifacts = server.artifacts, *, epochs: int) -> JobPaths:
        with suppress(Conflict):
            importing.make_phantom(artifacts, FEW, PhantomSpec(images=96, patients=16, size=32, difficulty=0.0))
        changed = {"input_size": 32, "epochs": epochs, "batch_size": 32}
        plan, _ = submit.planned(artifacts, data=FEW, model="proposed_cnn", preset=presets.FIRST_LESSON, changed=changed)
        begun.append(submit.training(artifacts, plan))
        control.ensure(artifacts)
        return begun[-1]

    yield begin
    for paths in begun:
        with suppress(Conflict, Fenced, NotFound):
            store.ask_to_cancel(paths)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of a file, not of the session: while it lives, Playwright's event loop runs in this thread, and Streamlit's tests want their own."""
    try:
        with stage.chromium() as found:
            yield found
    except Error as error:
        if os.environ.get("CI") or "Executable doesn't exist" not in str(error):
            raise
        pytest.skip("no Chromium: .ci/browser installs one")


@pytest.fixture
def newcomer(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a browser of their own for as many people as a test needs; what any of them met is judged when the test ends."""
    watch, contexts = Watch(), []

    def arrive(**options: object) -> Page:
        options = {"viewport": {"width": 1280, "height": 800}, "accept_downloads": True, **options}
        context = browser.new_context(**options)
        context.set_default_timeout(stage.PATIENCE)
        contexts.append(context)
        page = context.new_page()
        watch.of(page)
        return page

    yield arrive
    for context in contexts:
        context.close()
    assert watch.hosts <= {"127.0.0.1"}
    assert watch.complaints == []


@pytest.fixture
def page(newcomer: Callable[..., Page]) -> Page:
    """One person's browser."""
    return newcomer()


@pytest.fixture
def visit(server: stage.Server) -> Callable[..., None]:
    """Goes to a page of the session's server by its name, and waits until it stands."""
    return lambda page, name, query="": stage.opened(page, server, name, query)
