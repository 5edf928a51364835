"""Why a process ended without a word, and how often in a row."""

from __future__ import annotations

import signal

from allcore.base import fileio, memory
from allcore.base.paths import JobPaths
from allcore.jobs.executors import Ended
from allcore.runs import attempt as attempts
from allcore.runs import events, status

MEMORY_ADVICE = "Try a smaller batch or input size, or let fewer jobs run at once."
LOG_ADVICE = "The last lines of its log may tell why; Resume tries again."
MOST_CRASHES = 3
"""Attempts in a row that may die without having got further."""


def cause(ended: Ended, *, killed_before: int | None) -> str:
    """Why a process ended that did not say so itself, without a full stop; `killed_before` is `memory.kills()` at its start."""
    if ended.reason:
        return ended.reason
    exit_code = ended.exit_code
    if exit_code == -signal.SIGKILL:
        return memory.killed(killed_before, memory.kills())
    if exit_code != 0 and memory.told_in(fileio.read_tail(ended.paths.log, 2000)):
        return "Its process ended because memory ran out"
    if exit_code < 0:
        return f"Its process was ended by signal {-exit_code}"
    return f"Its process ended with code {exit_code}"


def crashes(paths: JobPaths, current: status.Status) -> int:
    """Attempts in a row, the current one included, that died without a word and got no further than those before."""
    epochs, progressed = 0, set()
    for event in events.read(paths):
        if event["event"] == events.EPOCH and event["epoch"] > epochs:
            epochs = event["epoch"]
            progressed.add(event["attempt"])
    found = 0
    for step in reversed(current.history):
        told = step.state in status.ENDED or step.reason in (attempts.STOPPED, attempts.ORPHANED, attempts.REQUEUED)
        if told or step.attempt in progressed:
            break
        found += step.state == status.STARTING
    return found


def given_up(why: str) -> str:
    """What is said of a job that has crashed so often, the last time for this cause."""
    return f"{why}, {MOST_CRASHES} times in a row. {MEMORY_ADVICE if 'memory ran out' in why else LOG_ADVICE}"
