"""Runs each job as a child process on this machine. No port is opened; what a job prints goes to its log."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace

from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs.executors import Ended
from allcore.jobs.executors import child as children
from allcore.jobs.slots import Slot


@dataclass(frozen=True)
class _Child:
    paths: JobPaths
    attempt: int
    slot: Slot
    process: subprocess.Popen


class LocalExecutor:
    """One child a slot, or several where they share its cores; one child has all slots that are joined for it."""

    def __init__(self, artifacts: Artifacts, slots: tuple[Slot, ...]) -> None:
        self._artifacts = artifacts
        self._slots = slots
        self._children: list[_Child] = []

    def free(self) -> tuple[Slot, ...]:
        room = []
        for slot in self._slots:
            given = [child.slot.cores for child in self._children if slot.name in child.slot.names]
            if not given:
                room.append(slot)
            elif slot.cores > sum(given) > 0:
                room.append(replace(slot, taken=sum(given)))
        return tuple(room)

    def start(self, paths: JobPaths, attempt: int, slot: Slot) -> None:
        process = children.start(self._artifacts, paths, attempt, slot.variables)
        self._children.append(_Child(paths, attempt, slot, process))

    def ended(self) -> list[Ended]:
        over = [child for child in self._children if child.process.poll() is not None]
        self._children = [child for child in self._children if child not in over]
        for child in over:
            children.end_group(child.process.pid)
        return [Ended(child.paths, child.attempt, child.process.returncode) for child in over]

    def ask_to_end(self, paths: JobPaths) -> None:
        for child in self._of(paths):
            child.process.terminate()

    def kill(self, paths: JobPaths) -> None:
        for child in self._of(paths):
            child.process.kill()

    def close(self) -> None:
        """Its children end by themselves when this process has gone."""

    def _of(self, paths: JobPaths) -> list[_Child]:
        return [child for child in self._children if child.paths.id == paths.id]
