"""Runs a job within `start`, in this very process. For tests and for those who debug."""

from __future__ import annotations

from collections.abc import Callable

from allcore.base.paths import JobPaths
from allcore.jobs.executors import Ended
from allcore.jobs.slots import Slot


class InlineExecutor:
    """`work(paths, attempt)` does a job and returns an exit code; the worker's own function is passed in, since it stands above."""

    def __init__(self, slots: tuple[Slot, ...], work: Callable[[JobPaths, int], int]) -> None:
        self._slots = slots
        self._work = work
        self._ended: list[Ended] = []

    def free(self) -> tuple[Slot, ...]:
        return self._slots

    def start(self, paths: JobPaths, attempt: int, slot: Slot) -> None:
        self._ended.append(Ended(paths, attempt, self._work(paths, attempt)))

    def ended(self) -> list[Ended]:
        told, self._ended = self._ended, []
        return told

    def ask_to_end(self, paths: JobPaths) -> None:
        """Nothing runs outside `start`."""

    def kill(self, paths: JobPaths) -> None:
        """Nothing runs outside `start`."""

    def close(self) -> None:
        """It holds nothing."""
