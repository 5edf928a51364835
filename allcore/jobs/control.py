"""Seeing to it that the runner is up, and ending it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allcore.base import clock, fileio, locks, processes
from allcore.base.errors import AllcoreError
from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts
from allcore.runs import store, study

_ROOT = Path(__file__).resolve().parents[2]
NONE, ENDED, KILLED = "none", "ended", "killed"
_RESTART_SECONDS = 2.0


@dataclass(frozen=True)
class RunnerState:
    """Whether a runner is at work or coming up, and which process it is."""

    running: bool
    pid: int | None


def state(artifacts: Artifacts) -> RunnerState:
    """The runner as it is now, on this machine or on another that shares the folder."""
    pid = _living(artifacts)
    return RunnerState(pid is not None, pid)


def claim(artifacts: Artifacts, me: dict[str, Any]) -> None:
    """Write down that this process is the runner, unless it is written: `me` is what `identity` gave.

    A second runner that came up, found this one and left may have been written down meanwhile.
    """
    try:
        known = fileio.read_json_cached(artifacts.runner_state)
    except (FileNotFoundError, AllcoreError):
        known = {}
    if any(known.get(name) != me[name] for name in ("pid", "host")):
        fileio.write_json(artifacts.runner_state, me)


def identity(pid: int) -> dict[str, Any]:
    """What `runner.json` says of a runner that has just begun: its pid, its create_time, its host, and when it started."""
    import psutil

    return {"pid": pid, "create_time": psutil.Process(pid).create_time(), "host": processes.host(), "started": clock.now()}


def ensure(artifacts: Artifacts) -> None:
    """Start a runner, detached from this process and its terminal, where none is at work or coming up."""
    if _living(artifacts) is not None:
        return
    artifacts.root.mkdir(parents=True, exist_ok=True)
    try:
        with locks.hold(artifacts.runner_spawn_lock, timeout=0):
            if _living(artifacts) is None and not _just_died(artifacts):
                _spawn(artifacts)
    except locks.Timeout:
        pass  # somebody else is starting it


def _living(artifacts: Artifacts) -> int | None:
    """Pid of the runner that was started last, where it lives."""
    try:
        known = fileio.read_json(artifacts.runner_state)
    except (FileNotFoundError, AllcoreError):
        return None
    if _is_elsewhere(known):
        return known["pid"] if locks.is_held(artifacts.runner_lock) else None
    return known["pid"] if processes.is_alive(known["pid"], known["create_time"]) else None


def _is_elsewhere(known: dict[str, Any]) -> bool:
    """Whether a runner is another machine's, where its pid can't be looked up."""
    return known.get("host", processes.host()) != processes.host()


def _just_died(artifacts: Artifacts) -> bool:
    """A runner that can't come up is not started anew with every look at a page."""
    try:
        return time.time() - artifacts.runner_state.stat().st_mtime < _RESTART_SECONDS
    except FileNotFoundError:
        return False


def _spawn(artifacts: Artifacts) -> None:
    environment = {
        **os.environ,
        ENVIRONMENT_VARIABLE: str(artifacts.root),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")])),
    }
    with open(artifacts.runner_log, "ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "allcore.jobs.runner"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    fileio.write_json(artifacts.runner_state, identity(child.pid))


def ensure_if_needed(artifacts: Artifacts) -> None:
    """As `ensure`, where some job is not over: pages call it at each view, so that no job is left lying."""
    if store.active(artifacts) or study.are_open(artifacts):
        ensure(artifacts)


def stop(artifacts: Artifacts, *, seconds: float = 40.0) -> str:
    """Ask the runner to end its jobs at their next checkpoint and to go: NONE where there was none, ENDED, or KILLED.

    It is killed where it has not gone after `seconds`. The jobs go on when a runner is next started.

    Raises AllcoreError where it is another machine's and has not gone by then.
    """
    import psutil

    pid = state(artifacts).pid
    if pid is None:
        return NONE
    known = fileio.read_json(artifacts.runner_state)
    fileio.write_json(artifacts.runner_stop, {"asked": clock.now()})
    outcome, deadline = ENDED, time.monotonic() + seconds
    if _is_elsewhere(known):
        while locks.is_held(artifacts.runner_lock):
            if time.monotonic() > deadline:
                raise AllcoreError(f"The runner on {known['host']} has not ended after {seconds:.0f} s.", "Look for it there.")
            time.sleep(0.2)
    else:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            created = process.create_time()
            process.terminate()
            while processes.is_alive(pid, created):
                if time.monotonic() > deadline:
                    process.kill()
                    outcome = KILLED
                    break
                time.sleep(0.1)
    artifacts.runner_stop.unlink(missing_ok=True)
    return outcome
