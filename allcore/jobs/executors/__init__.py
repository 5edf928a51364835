"""Ways to run a job's process. All keep one contract and pass one test suite (tests/contracts/test_executors.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from allcore.base.paths import JobPaths
from allcore.jobs.slots import Slot


@dataclass(frozen=True)
class Ended:
    """A process that is no more."""

    paths: JobPaths
    attempt: int
    exit_code: int
    """As the system gives it: 0 for a job that told its own end, negative for the signal that killed it."""
    reason: str = ""
    """Why, where more is known than the code tells; without a full stop."""


class Executor(Protocol):
    """Runs at most one job a slot, or, in a slot that counts `cores`, as many as share them."""

    def free(self) -> tuple[Slot, ...]:
        """Slots with room; `taken` says how many of a slot's cores are at work."""
        ...

    def start(self, paths: JobPaths, attempt: int, slot: Slot) -> None:
        """Begin attempt `attempt` of a job, whose status says STARTING with that number.

        `slot` is one that `free` gave; where that counts `cores`, with those that the job gets; where it has `gpus`, it may be joined of
        several. `slot.variables` go into the job's process.
        """
        ...

    def ended(self) -> list[Ended]:
        """Processes that ended since the last call, each told once."""
        ...

    def ask_to_end(self, paths: JobPaths) -> None:
        """Ask a job's process to save and end soon; no effect where there is none."""
        ...

    def kill(self, paths: JobPaths) -> None:
        """End a job's process at once; no effect where there is none."""
        ...

    def close(self) -> None:
        """Let go of what it holds; it starts nothing afterwards."""
        ...
