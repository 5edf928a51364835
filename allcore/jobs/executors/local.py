"""Runs each job as a child process on this machine. No port is opened; what a job prints goes to its log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts, JobPaths
from allcore.base.processes import FRUGAL
from allcore.jobs.executors import Ended
from allcore.jobs.slots import Slot

_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class _Child:
    paths: JobPaths
    attempt: int
    slot: Slot
    process: subprocess.Popen


class LocalExecutor:
    """One child a slot, or several where they share its cores."""

    def __init__(self, artifacts: Artifacts, slots: tuple[Slot, ...]) -> None:
        self._artifacts = artifacts
        self._slots = slots
        self._children: list[_Child] = []

    def free(self) -> tuple[Slot, ...]:
        room = []
        for slot in self._slots:
            given = [child.slot.cores for child in self._children if child.slot.name == slot.name]
            if not given:
                room.append(slot)
            elif slot.cores > sum(given) > 0:
                room.append(replace(slot, taken=sum(given)))
        return tuple(room)

    def start(self, paths: JobPaths, attempt: int, slot: Slot) -> None:
        command = [sys.executable, "-m", "allcore.worker", paths.id, "--attempt", str(attempt), "--parent", str(os.getpid())]
        environment = {
            **{name: value for name, value in os.environ.items() if name not in FRUGAL},
            ENVIRONMENT_VARIABLE: str(self._artifacts.root),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")])),
            **slot.variables,
        }
        with open(paths.log, "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True)
        self._children.append(_Child(paths, attempt, slot, process))

    def ended(self) -> list[Ended]:
        over = [child for child in self._children if child.process.poll() is not None]
        self._children = [child for child in self._children if child not in over]
        for child in over:
            _end_group(child.process.pid)
        return [Ended(child.paths, child.attempt, child.process.returncode) for child in over]

    def ask_to_end(self, paths: JobPaths) -> None:
        for child in self._of(paths):
            child.process.terminate()

    def kill(self, paths: JobPaths) -> None:
        for child in self._of(paths):
            child.process.kill()

    def _of(self, paths: JobPaths) -> list[_Child]:
        return [child for child in self._children if child.paths.id == paths.id]


def _end_group(leader: int) -> None:
    """End what a child started and, killed itself, could not end: a process pool would draw on for an attempt that is no more."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
