"""A server of its own, with an artifacts folder of its own, and a browser to look at it: for the tests and for the screenshots."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts
from allcore.base.processes import FRUGAL

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180_000
"""Milliseconds after which a page that shows nothing is taken for broken. Machines of continuous integration are slow."""
PAGES = {
    "home": ("", "Tell leukemic from healthy cells"),
    "lesson": ("lesson", "The first lesson"),
    "dataset": ("dataset", "Dataset"),
    "train": ("train", "Train"),
    "jobs": ("jobs", "Jobs"),
    "studies": ("studies", "Studies"),
    "results": ("results", "Results"),
    "leakage": ("leakage", "Leakage"),
    "paper": ("paper", "The paper"),
    "classify": ("classify", "Classify"),
}
"""Every page: its address and its title."""
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@dataclass(frozen=True)
class Server:
    """A web server at work."""

    artifacts: Artifacts
    port: int
    process: psutil.Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def started(artifacts: Artifacts, port: int) -> Server:
    """Start a server and wait until it answers."""
    artifacts.root.mkdir(parents=True, exist_ok=True)
    environment = {**FRUGAL, **os.environ, ENVIRONMENT_VARIABLE: str(artifacts.root), "ALLCORE_RUNNER_IDLE": "120"}
    with open(artifacts.root / "server.log", "ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", str(port)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    server = Server(artifacts, port, psutil.Process(child.pid))
    deadline = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise RuntimeError(f"The server did not come up: {(artifacts.root / 'server.log').read_text()}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=5):
            return server
        time.sleep(0.1)
    child.kill()
    raise RuntimeError("The server did not come up in time.")


def household(artifacts: Artifacts) -> list[psutil.Process]:
    """Every process that works for this artifacts folder: servers, runner, workers and their children."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            theirs = process.environ().get(ENVIRONMENT_VARIABLE) == str(artifacts.root)
            if theirs and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end_all(artifacts: Artifacts) -> None:
    """Leave no process of this artifacts folder behind: a runner on its way out may be starting one more."""
    for _ in range(100):
        left = household(artifacts)
        if not left:
            return
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=1)


@contextlib.contextmanager
def serving(artifacts: Artifacts) -> Iterator[Server]:
    """A server for a block; it and all that it set going are ended with it, also where this process is told to end."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield started(artifacts, free_port())
    finally:
        end_all(artifacts)
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, else the one that Playwright installed. Raises playwright.sync_api.Error where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, headless=True, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def opened(page: Page, server: Server, name: str, query: str = "") -> None:
    """Go to a page by its address and wait until it stands."""
    path, title = PAGES[name]
    page.goto(f"{server.url}/{path}{query}")
    page.get_by_role("heading", name=title, exact=True).wait_for(timeout=PATIENCE)
    settled(page)


def settled(page: Page, *, quiet: int = 400) -> None:
    """Wait until the script has ended and nothing that is shown is stale; `quiet` is how many milliseconds it has to last."""
    calm = """() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
        && !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')"""
    for _ in range(50):
        page.wait_for_function(calm, timeout=PATIENCE)
        page.wait_for_timeout(quiet)
        if page.evaluate(calm):
            return
