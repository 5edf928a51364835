"""The threshold that somebody chose for a run, and that answers to new pictures go by."""

from __future__ import annotations

from pathlib import Path

from allcore.base import clock, fileio
from allcore.base.errors import BadInput
from allcore.base.paths import JobPaths
from allcore.metrics.thresholds import Chosen


def _parsed(path: Path) -> Chosen:
    return Chosen.from_dict(fileio.read_json(path))


_read = fileio.remembered(_parsed, most=1024)


def read(paths: JobPaths) -> Chosen | None:
    """None where nobody has chosen: then 0.5 holds."""
    try:
        return _read(paths.threshold)
    except FileNotFoundError:
        return None


def write(paths: JobPaths, chosen: Chosen) -> None:
    """Keep it in the run's folder, in place of an earlier one. Raises BadInput outside 0 to 1, or where the run has no figures."""
    if not 0 <= chosen.threshold <= 1:
        raise BadInput(f"{chosen.threshold:g} is no threshold.", "Choose one from 0 to 1.")
    if not paths.metrics.exists():
        raise BadInput(f"Run '{paths.id}' has no figures to choose a threshold by.", "Wait until it has finished.")
    fileio.write_json(paths.threshold, {**chosen.to_dict(), "time": clock.now()})


def clear(paths: JobPaths) -> None:
    """Back to 0.5."""
    paths.threshold.unlink(missing_ok=True)
