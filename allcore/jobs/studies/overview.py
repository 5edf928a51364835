"""A study as a whole, read from its runs: how far it is, what is best so far, and what that is worth."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from allcore.base.paths import Artifacts, StudyPaths
from allcore.jobs.studies import standing
from allcore.jobs.studies.standing import Standing
from allcore.metrics import pooled
from allcore.metrics.pooled import Spread
from allcore.runs import status, study
from allcore.runs.study import GUIDED, Plan, StudySpec

AT_WORK, DONE, CANCELLED, STOPPED = "at work", "done", "cancelled", "stopped"
"""Of a whole study; STOPPED: it could not go on, `Plan.reason` says why."""


@dataclass(frozen=True)
class Entry:
    """One combination with one seed: a run, or one a fold."""

    seed: int
    standings: tuple[Standing, ...]

    @property
    def value(self) -> float | None:
        """The objective on the tune part, the mean over folds; None until every fold has it."""
        values = [one.value for one in self.standings]
        return None if None in values else statistics.fmean(values)

    @property
    def done(self) -> bool:
        """Whether all its runs have figures."""
        return all(one.summary is not None for one in self.standings)


@dataclass(frozen=True)
class Candidate:
    """One combination of model and settings, with all its seeds and folds."""

    model: str
    changed: Mapping[str, Any]
    entries: tuple[Entry, ...]

    @property
    def over(self) -> bool:
        """Whether nothing more is to be expected of it."""
        return not any(one.is_active for entry in self.entries for one in entry.standings)

    @property
    def spread(self) -> Spread | None:
        """Of the objective over the seeds that have it."""
        values = [entry.value for entry in self.entries if entry.value is not None]
        return pooled.spread(values) if values else None

    @property
    def value(self) -> float | None:
        """The mean of the objective over its seeds; None until all of them are over, or where none came through."""
        found = self.spread
        return found.mean if found and self.over else None


@dataclass(frozen=True)
class Best:
    """The combination with the best objective, and of its seeds the best one: that is the run whose test figures count."""

    candidate: Candidate
    entry: Entry
    tried: int
    """So many combinations were compared for it."""
    optimistic: bool
    """Whether the choice has seen test images: with folds, one fold's tune part is another's test side."""


@dataclass(frozen=True)
class Overview:
    """All of it, as it stands now."""

    spec: StudySpec
    plan: Plan
    standings: tuple[Standing, ...]

    @property
    def state(self) -> str:
        if standing.at_work(self.plan, self.standings):
            return AT_WORK
        if self.plan.cancelled:
            return CANCELLED
        return STOPPED if self.plan.reason else DONE

    @property
    def total(self) -> int:
        """Runs in all, those that a guided search has yet to ask for included."""
        return max(self.plan.budget, len(self.standings)) if self.spec.search == GUIDED else len(self.standings)

    @property
    def counts(self) -> dict[str, int]:
        """Trials by state, the most frequent first."""
        return dict(Counter(one.state for one in self.standings).most_common())

    @property
    def ended(self) -> int:
        return sum(not one.is_active and one.state != standing.PLANNED for one in self.standings)

    @property
    def share(self) -> float:
        """Share done, 0 to 1."""
        if self.state != AT_WORK:
            return 1.0
        at_work = sum(one.job.share for one in self.standings if one.job is not None and one.is_active)
        return min(1.0, (self.ended + at_work) / max(1, self.total))

    @property
    def seconds_left(self) -> float | None:
        """A guess from the runs that are done; None where there are none, or nothing is left."""
        took = [one.job.seconds for one in self.standings if one.state == status.DONE and one.job.seconds]
        if not took or self.state != AT_WORK:
            return None
        side_by_side = max(1, sum(one.state in status.IN_PROCESS for one in self.standings))
        return statistics.median(took) * self.total * (1 - self.share) / side_by_side

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """In the order in which they were asked for."""
        found: dict[tuple, dict[int, list[Standing]]] = {}
        for one in self.standings:
            found.setdefault(one.trial.combination, {}).setdefault(one.trial.seed, []).append(one)
        made = []
        for by_seed in found.values():
            first = next(iter(by_seed.values()))[0].trial
            made.append(Candidate(first.model, first.changed, tuple(Entry(seed, tuple(each)) for seed, each in by_seed.items())))
        return tuple(made)

    @property
    def rated(self) -> list[Candidate]:
        """Candidates that have the objective."""
        return [one for one in self.candidates if one.value is not None]

    @cached_property
    def best(self) -> Best | None:
        """None as long as nothing can be compared. The first of several equals."""
        rated, sign = self.rated, self.spec.sign
        if not rated:
            return None
        candidate = max(rated, key=lambda one: sign * one.value)
        entry = max((one for one in candidate.entries if one.value is not None), key=lambda one: sign * one.value)
        return Best(candidate, entry, len(rated), optimistic=bool(self.spec.folds) and len(rated) > 1)

    @property
    def named(self) -> tuple[str, ...]:
        """What tells one trial from another: knobs that vary, after 'model' where there are several."""
        return (*(("model",) if len(self.spec.models) > 1 else ()), *self.spec.vary)


def read(artifacts: Artifacts, paths: StudyPaths) -> Overview:
    """Raises NotFound where there is no such study."""
    spec, plan = study.read(paths), study.read_plan(paths)
    return Overview(spec, plan, standing.of_all(artifacts, spec, plan.trials))
