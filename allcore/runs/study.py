"""What a study is on disk: what was asked for, and which runs were asked for so far. How they stand, the runs alone say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from allcore.base import fileio
from allcore.base.errors import AllcoreError, NotFound
from allcore.base.paths import Artifacts, StudyPaths

PLAIN, GRID, RANDOM, GUIDED = "plain", "grid", "random", "guided"
SEARCHES = (PLAIN, GRID, RANDOM, GUIDED)
"""Settings as the preset has them; every combination; combinations drawn at random; combinations that Optuna asks for."""
OBJECTIVES = {
    "balanced_accuracy": "balanced accuracy",
    "auroc": "AUROC",
    "weighted_f1": "weighted F1",
    "accuracy": "accuracy",
    "log_loss": "log loss",
}
"""By what settings are compared, always on the tune part, and how people call it."""
_SMALLER_IS_BETTER = ("log_loss",)


@dataclass(frozen=True)
class StudySpec:
    """`spec.json`, written once."""

    id: str
    created: str
    owner: str
    """Whose it is, and whose runs its runs are."""
    name: str
    data: str
    data_fingerprint: str
    preset: str
    split: str
    """Level of the split."""
    split_seed: int
    """All runs share it, so that a seed changes the training alone."""
    folds: int
    """0: one test side for all runs; else each combination is trained once a fold."""
    models: tuple[str, ...]
    search: str
    """One of SEARCHES."""
    vary: Mapping[str, str]
    """By knob, its values or range as `jobs.studies.space` reads them."""
    fixed: Mapping[str, Any]
    """Settings that all runs have in place of the preset's."""
    objective: str
    """One of OBJECTIVES."""
    seed: int
    """Start of what the search draws."""
    parallel: int
    """So many runs of a guided search wait or run at once."""
    prune: bool
    """Whether a guided search gives up runs that fall behind."""
    forms: Mapping[str, str] = field(default_factory=dict)
    """By model, the form of its card under the preset when the study began; empty for a study from before there were such."""

    @property
    def sign(self) -> int:
        """What the objective is multiplied by so that more is better."""
        return -1 if self.objective in _SMALLER_IS_BETTER else 1

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> StudySpec:
        known = {name: document[name] for name in cls.__dataclass_fields__ if name != "forms"}
        return cls(**{**known, "models": tuple(known["models"]), "forms": document.get("forms", {})})


@dataclass(frozen=True)
class Trial:
    """One run that the study asked for."""

    number: int
    run: str
    """Its id, fixed before the run is there, so that it can't be made twice."""
    model: str
    changed: Mapping[str, Any]
    """What varies: settings by knob."""
    seed: int
    fold: int
    queued: bool = False
    """Whether the run was made; where it is no more, a person has deleted it."""

    @property
    def combination(self) -> tuple:
        """What tells this trial's model and settings from another's, whatever its seed and fold."""
        return (self.model, *sorted(self.changed.items()))


@dataclass(frozen=True)
class Plan:
    """`plan.json`: the runs that were asked for, in order."""

    budget: int
    """Combinations in all; for a guided search also those that are still to be asked for."""
    seeds: tuple[int, ...]
    trials: tuple[Trial, ...] = ()
    open: bool = True
    """Whether the runner still has something to do here."""
    cancelled: str = ""
    """When somebody cancelled the study."""
    reason: str = ""
    """Why no further runs are asked for, where that is a fault."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Plan:
        known = {name: document[name] for name in cls.__dataclass_fields__}
        return cls(**{**known, "seeds": tuple(known["seeds"]), "trials": tuple(Trial(**one) for one in known["trials"])})


def _spec(path: Path) -> StudySpec:
    return StudySpec.from_dict(fileio.read_json(path))


def _plan(path: Path) -> Plan:
    return Plan.from_dict(fileio.read_json(path))


_read_spec = fileio.remembered(_spec, most=1024)
_read_plan = fileio.remembered(_plan, most=1024)


def read(paths: StudyPaths) -> StudySpec:
    """Raises NotFound where there is no such study."""
    return _there(paths, _read_spec, paths.spec)


def read_plan(paths: StudyPaths, *, anew: bool = False) -> Plan:
    """Raises NotFound where there is no such study. Who is going to change it reads it `anew`: some file systems tell changes late."""
    return _there(paths, _plan if anew else _read_plan, paths.plan)


def _there(paths: StudyPaths, parse: Any, path: Path) -> Any:
    try:
        return parse(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no study '{paths.id}'.", "`study list` shows what there is.") from None


def write_plan(paths: StudyPaths, plan: Plan) -> None:
    """To be called under the study's lock."""
    fileio.write_json(paths.plan, plan.to_dict())


def written(artifacts: Artifacts, spec: StudySpec, plan: Plan) -> StudyPaths:
    """Create a study's folder, all at once. Its runs are made by `jobs.studies.advance`."""
    paths = artifacts.study(spec.id)
    with fileio.replacing_folder(paths.folder) as aside:
        building = StudyPaths(aside)
        fileio.write_json(building.spec, spec.to_dict())
        fileio.write_json(building.plan, plan.to_dict())
    return paths


def every(artifacts: Artifacts) -> list[StudyPaths]:
    """All studies that can be read, oldest first."""
    try:
        with os.scandir(artifacts.studies) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except FileNotFoundError:
        return []
    return [paths for name in names if _is_sound(paths := StudyPaths(artifacts.studies / name))]


def _is_sound(paths: StudyPaths) -> bool:
    try:
        read(paths)
        read_plan(paths)
    except (AllcoreError, KeyError, TypeError):  # deleted under our eyes, damaged, or no study's folder
        return False
    return True


def are_open(artifacts: Artifacts) -> list[StudyPaths]:
    """Studies for which the runner has something to do."""
    return [paths for paths in every(artifacts) if read_plan(paths).open]
