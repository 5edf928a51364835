"""How each trial of a study stands, read from its run's own folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allcore.base import fileio
from allcore.base.errors import AllcoreError, NotFound
from allcore.base.paths import Artifacts
from allcore.metrics.intervals import Interval
from allcore.runs import cancellation, status, store, study, summary
from allcore.runs.store import Job
from allcore.runs.study import Plan, StudySpec, Trial
from allcore.runs.summary import Summary

PRUNED, DELETED, PLANNED = "pruned", "deleted", "planned"
"""Beside the states of runs: given up by the search; taken away by a person; not yet queued."""


@dataclass(frozen=True)
class Standing:
    """One trial and its run."""

    trial: Trial
    job: Job | None
    state: str
    """The run's, or PRUNED, DELETED, PLANNED."""
    tuned: Interval | None
    """The objective on the tune part; None while there is none."""
    summary: Summary | None
    """The run's figures in short, once it is done."""

    @property
    def value(self) -> float | None:
        """The objective."""
        return self.tuned.estimate if self.tuned else None

    @property
    def is_active(self) -> bool:
        """Whether it still leads on by itself."""
        return self.state in status.ACTIVE


def _tuned(path: Path) -> Mapping[str, Interval]:
    """Of `metrics.json`, the figures of the tune part without their curves: small enough to keep for thousands."""
    tune: dict[str, Any] = fileio.read_json(path).get("tune") or {}
    known = {name: Interval.from_dict(one) for name, one in tune.get("intervals", {}).items()}
    plain = {name: Interval(tune.get(name), n=tune.get("n", 0), clusters=tune.get("subjects")) for name in study.OBJECTIVES if name in tune}
    return {**plain, **{name: one for name, one in known.items() if name in study.OBJECTIVES}}


_read_tuned = fileio.remembered(_tuned, most=8192)


def of_trial(artifacts: Artifacts, spec: StudySpec, trial: Trial) -> Standing:
    """One trial as it stands now."""
    paths = artifacts.run(trial.run)
    try:
        job = store.read(paths)
    except NotFound:
        return Standing(trial, None, DELETED if trial.queued else PLANNED, None, None)
    except AllcoreError:
        return Standing(trial, None, status.FAILED, None, None)  # its folder is damaged
    if job.state == status.CANCELLED and cancellation.reason(paths).startswith(cancellation.PRUNED):
        return Standing(trial, job, PRUNED, None, None)
    if job.status.state != status.DONE:
        return Standing(trial, job, job.state, None, None)
    try:
        return Standing(trial, job, status.DONE, _read_tuned(paths.metrics).get(spec.objective), summary.read(paths))
    except (AllcoreError, FileNotFoundError):
        return Standing(trial, job, status.DONE, None, None)


def of_all(artifacts: Artifacts, spec: StudySpec, trials: Sequence[Trial]) -> tuple[Standing, ...]:
    """Every trial, in order."""
    return tuple(of_trial(artifacts, spec, trial) for trial in trials)


def at_work(plan: Plan, standings: Sequence[Standing]) -> bool:
    """Whether a study still leads on by itself."""
    return plan.open or any(one.is_active for one in standings)
