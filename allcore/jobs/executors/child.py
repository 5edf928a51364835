"""A job's process, started on this machine: by the runner itself, or by a Dask worker for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts, JobPaths
from allcore.base.processes import FRUGAL, GENEROUS

_ROOT = Path(__file__).resolve().parents[3]
MODULE = "allcore.worker"


def start(artifacts: Artifacts, paths: JobPaths, attempt: int, extra: Mapping[str, str]) -> subprocess.Popen:
    """Begin an attempt in a process group of its own, which ends when the caller's process does; what it prints goes to the job's log.

    `extra` are further variables of its environment.
    """
    command = [sys.executable, "-m", MODULE, paths.id, "--attempt", str(attempt), "--parent", str(os.getpid())]
    environment = {
        **GENEROUS,
        **{name: value for name, value in os.environ.items() if name not in FRUGAL},
        ENVIRONMENT_VARIABLE: str(artifacts.root),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")])),
        **extra,
    }
    with open(paths.log, "ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True)


def end_group(leader: int) -> None:
    """End what a child started and, killed itself, could not end: a process pool would draw on for an attempt that is no more."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
