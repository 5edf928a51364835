"""Runners and workers of one test, found by the artifacts folder that they were given, and ended whatever happens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest

from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts, JobPaths


@dataclass(frozen=True)
class Household:
    """The processes of one artifacts folder, but for the one that asks."""

    artifacts: Artifacts

    def all(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                theirs = process.environ().get(ENVIRONMENT_VARIABLE) == str(self.artifacts.root)
                if theirs and process.pid != psutil.Process().pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def _running(self, module: str, *arguments: str) -> list[psutil.Process]:
        found = []
        for process in self.all():
            try:
                command = process.cmdline()
            except psutil.Error:
                continue
            if command[1:3] == ["-m", module] and set(arguments) <= set(command):
                found.append(process)
        return found

    def runners(self) -> list[psutil.Process]:
        return self._running("allcore.jobs.runner")

    def workers(self, job: JobPaths) -> list[psutil.Process]:
        return self._running("allcore.worker", job.id)


@pytest.fixture
def household(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Household]:
    monkeypatch.setenv("ALLCORE_RUNNER_IDLE", "60")
    processes = Household(artifacts)
    yield processes
    # A runner that is being killed may be starting a worker at this moment.
    for _ in range(100):
        left = processes.all()
        if not left:
            break
        for process in left:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.05)
