"""What jobs found about a finished run beyond its own test side, and which there are."""

from __future__ import annotations

from pathlib import Path

from allcore.base import fileio
from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.metrics.external import External
from allcore.runs import store
from allcore.runs.store import Job


def _external(path: Path) -> External:
    return External.from_dict(fileio.read_json(path))


_read_external = fileio.remembered(_external, most=16)


def of_run(artifacts: Artifacts, run: str, kind: str) -> list[Job]:
    """Jobs of such a kind for a run, the latest first."""
    return [job for job in reversed(store.jobs(artifacts)) if job.spec.kind == kind and job.spec.params["run"] == run]


def external(paths: JobPaths) -> External:
    """What an `evaluate` job found. Raises NotFound where it has not ended well."""
    try:
        return _read_external(paths.metrics)
    except FileNotFoundError:
        raise NotFound(f"Job '{paths.id}' has no result.", "It has not finished.") from None
