"""A request that a job stop, and why."""

from __future__ import annotations

from allcore.base import clock, fileio
from allcore.base.errors import AllcoreError
from allcore.base.paths import JobPaths

ON_REQUEST = "Cancelled on request."
PRUNED = "Pruned"
"""How the reason of a run begins that a guided search gave up."""


def write(paths: JobPaths, reason: str = ON_REQUEST) -> None:
    """Ask; the job's process finds it when it next looks."""
    fileio.write_json(paths.cancel, {"time": clock.now(), "reason": reason})


def reason(paths: JobPaths) -> str:
    """Why somebody asked for the stop; '' where nobody did."""
    try:
        return fileio.read_json(paths.cancel).get("reason", ON_REQUEST)
    except FileNotFoundError:
        return ""
    except AllcoreError:  # damaged; that it is there says enough
        return ON_REQUEST
