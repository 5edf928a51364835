"""What jobs found about a finished run beyond its own test side, and which there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from allcore.base import fileio
from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.metrics.external import External
from allcore.metrics.robustness import Robustness
from allcore.runs import store
from allcore.runs.store import Job

T = TypeVar("T")


_external = fileio.remembered(lambda path: External.from_dict(fileio.read_json(path)), most=16)
_robustness = fileio.remembered(lambda path: Robustness.from_dict(fileio.read_json(path)), most=16)


def of_run(artifacts: Artifacts, run: str, kind: str) -> list[Job]:
    """Jobs of such a kind for a run, the latest first."""
    return [job for job in reversed(store.jobs(artifacts)) if job.spec.kind == kind and job.spec.params["run"] == run]


def external(paths: JobPaths) -> External:
    """What an `evaluate` job found. Raises NotFound where it has not ended well."""
    return _found(_external, paths)


def robustness(paths: JobPaths) -> Robustness:
    """What a `robustness` job found. Raises NotFound where it has not ended well."""
    return _found(_robustness, paths)


def _found(read: Callable[[Path], T], paths: JobPaths) -> T:
    try:
        return read(paths.metrics)
    except FileNotFoundError:
        raise NotFound(f"Job '{paths.id}' has no result.", "It has not finished.") from None
