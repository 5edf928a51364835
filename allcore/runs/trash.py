"""Deleted jobs and runs, kept for some days so that a deletion can be undone."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from allcore.base import clock, fileio, ids
from allcore.base.errors import AllcoreError, Conflict, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.runs import spec

DAYS = 7.0
DAYS_VARIABLE = "ALLCORE_TRASH_DAYS"


@dataclass(frozen=True)
class Deleted:
    """A folder in the trash."""

    paths: JobPaths
    time: str
    by: str
    parent: str
    """The folder under artifacts/ that it came from: `runs` or `jobs`."""
    kind: str
    owner: str

    @property
    def id(self) -> str:
        return self.paths.id


def days() -> float:
    """How long the trash keeps a folder: ALLCORE_TRASH_DAYS, else a week."""
    try:
        return max(0.0, float(os.environ[DAYS_VARIABLE]))
    except (KeyError, ValueError):
        return DAYS


def throw(paths: JobPaths, *, by: str) -> None:
    """Move a job's folder to the trash, at once for every reader."""
    root = paths.folder.parents[1]
    away = Artifacts(root).trash / paths.id
    away.parent.mkdir(exist_ok=True)
    fileio.write_json(paths.deleted, {"time": clock.now(), "by": by, "from": paths.folder.parent.name})
    os.rename(paths.folder, away)


def listed(artifacts: Artifacts) -> list[Deleted]:
    """What the trash holds, the latest first."""
    try:
        folders = [folder for folder in artifacts.trash.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    except FileNotFoundError:
        return []
    found = []
    for folder in folders:
        try:
            found.append(_read(folder))
        except (AllcoreError, OSError, KeyError):  # being purged, or damaged
            continue
    return sorted(found, key=lambda one: (one.time, one.id), reverse=True)


def read(artifacts: Artifacts, job_id: str) -> Deleted:
    """Raises NotFound where the trash has no such job."""
    try:
        return _read(artifacts.trash / ids.checked(job_id, "job's id"))
    except (FileNotFoundError, NotFound):
        raise NotFound(f"There is no '{job_id}' in the trash.", "`jobs trash` shows what there is.") from None


def restore(artifacts: Artifacts, job_id: str) -> JobPaths:
    """Bring a job back to where it was. Raises NotFound where the trash has it no more, Conflict where its name is taken."""
    thing = read(artifacts, job_id)
    back = JobPaths(artifacts.root / thing.parent / thing.id)
    if back.folder.exists():
        raise Conflict(f"There is another '{thing.id}' by now.", "Delete that one first.")
    back.folder.parent.mkdir(exist_ok=True)
    os.rename(thing.paths.folder, back.folder)
    back.deleted.unlink(missing_ok=True)
    return back


def purge(artifacts: Artifacts, *, older_than_days: float | None = None) -> int:
    """Remove for good what was deleted longer ago than `older_than_days` (None: than `days()`); how many folders went."""
    limit = (days() if older_than_days is None else older_than_days) * 86400
    old = [one for one in listed(artifacts) if clock.seconds_since(one.time) >= limit]
    for one in old:
        remove(one.paths.folder)
    return len(old)


def remove(folder: Path) -> None:
    """Remove a folder for good."""
    try:
        fileio.remove_folder(folder)
    except FileNotFoundError:  # somebody else was quicker
        shutil.rmtree(folder, ignore_errors=True)


def _read(folder: Path) -> Deleted:
    paths = JobPaths(folder)
    told = fileio.read_json(paths.deleted)
    what = spec.read(paths)
    return Deleted(paths, told["time"], told["by"], told["from"] if told["from"] in ("runs", "jobs") else "jobs", what.kind, what.owner)
