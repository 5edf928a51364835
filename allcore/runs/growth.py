"""`growth.json`: what a learning curve over patients found."""

from __future__ import annotations

from allcore.base import fileio
from allcore.base.errors import NotFound
from allcore.base.paths import JobPaths
from allcore.metrics.growth import Growth


def read(paths: JobPaths) -> Growth:
    """Raises NotFound where the job has not ended well."""
    try:
        return Growth.from_dict(fileio.read_json_cached(paths.growth))
    except FileNotFoundError:
        raise NotFound(f"Job '{paths.id}' has no learning curve.", "It has not finished.") from None
