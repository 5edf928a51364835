"""What a job is to do, written once at submission and never changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from allcore.base import clock, fileio, ids, people
from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data.splits import SplitSpec
from allcore.runs import place, status

TRAIN, IMPORT, PHANTOM, MAP, CHECK = "train", "import", "phantom", "map", "check"
LEAKAGE, LEAKAGE_NETWORK = "leakage", "leakage-network"
"""The latter takes a network, and so the room of a training."""
EVALUATE, ROBUSTNESS, GROWTH = "evaluate", "robustness", "growth"


@dataclass(frozen=True)
class JobSpec:
    """`spec.json`."""

    id: str
    kind: str
    created: str
    params: Mapping[str, Any]
    owner: str = ""
    """Whose it is; '' for one of before there were owners."""
    study: str = ""
    """Id of the study that it is a part of, '' for none."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Tags:
    """What a job is besides its work."""

    owner: str = ""
    """'' for whoever works on this machine."""
    study: str = ""
    priority: int = 0
    """Higher ones begin first: see allcore/runs/place.py."""


@dataclass(frozen=True)
class TrainSpec:
    """The params of a job of kind TRAIN."""

    data: str
    data_fingerprint: str
    model: str
    preset: str
    split: SplitSpec
    settings: Mapping[str, Any]

    def to_params(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> TrainSpec:
        return cls(**{**params, "split": SplitSpec(**params["split"])})


def written(
    artifacts: Artifacts,
    kind: str,
    params: Mapping[str, Any],
    *,
    name: str = "",
    job_id: str = "",
    tags: Tags | None = None,
    prepared: Callable[[JobPaths], None] | None = None,
) -> JobPaths:
    """Create a job's folder with its spec and a first status, all at once. `name` goes into the id, unless `job_id` is given.

    `prepared` may put further files there before anybody sees the folder; where it raises, there is no job.

    Raises FileExistsError where there is a job `job_id`.
    """
    parent = artifacts.runs if kind == TRAIN else artifacts.jobs
    tags = tags or Tags()
    spec = JobSpec(job_id or ids.new(name), kind, clock.now(), params, tags.owner or people.local().name, tags.study)
    paths = JobPaths(parent / spec.id)
    with fileio.replacing_folder(paths.folder) as aside:
        building = JobPaths(aside)
        if prepared:
            prepared(building)
        fileio.write_json(building.spec, spec.to_dict())
        fileio.write_json(building.status, status.first().to_dict())
        if tags.priority:
            place.write(building, place.first(spec.created, tags.priority))
    return paths


def _from_file(path: Path) -> JobSpec:
    document = fileio.read_json(path)
    named = {name: document.get(name, "") for name in ("owner", "study")}
    return JobSpec(document["id"], document["kind"], document["created"], document["params"], **named)


_parsed = fileio.remembered(_from_file, most=8192)


def read(paths: JobPaths) -> JobSpec:
    """Raises NotFound where there is no such job."""
    try:
        return _parsed(paths.spec)
    except FileNotFoundError:
        raise NotFound(f"There is no job or run '{paths.id}'.", "`runs list` and `jobs list` show what there is.") from None
