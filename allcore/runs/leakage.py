"""`leakage.json`: what a leakage job found."""

from __future__ import annotations

from allcore.base import fileio
from allcore.base.errors import NotFound
from allcore.base.paths import JobPaths
from allcore.metrics.leakage import Leakage

QUICK = "quick"
"""The model that is trained where none is asked for: seconds, by the processor."""


def read(paths: JobPaths) -> Leakage:
    """Raises NotFound where the job has not ended well."""
    try:
        return Leakage.from_dict(fileio.read_json_cached(paths.leakage))
    except FileNotFoundError:
        raise NotFound(f"Job '{paths.id}' has no result.", "It has not finished.") from None
