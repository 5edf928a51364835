"""From what a form asks for to a study's spec and its runs. Everything that can be refused is refused here, before any run exists."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from allcore.base import clock, ids, people
from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.data import splits
from allcore.data.splits import Certificate
from allcore.jobs import submit
from allcore.jobs.studies import space
from allcore.jobs.studies.space import Axis
from allcore.models import presets, registry
from allcore.runs import study
from allcore.runs.spec import TrainSpec
from allcore.runs.study import GUIDED, PLAIN, RANDOM, Plan, StudySpec, Trial

MOST_RUNS = 200
"""In one study, later ones included: more is rarely worth the wait, and none of it is worth reading."""
MOST_AT_ONCE = 16


@dataclass(frozen=True)
class Wanted:
    """What a form, or a command line, asks for; as in `StudySpec`. `trials`: combinations that a random or guided search tries."""

    data: str
    models: tuple[str, ...]
    preset: str = presets.DEFAULT
    split: str = ""
    """Level in place of the preset's."""
    split_seed: int = 0
    folds: int = 0
    seeds: tuple[int, ...] = (0,)
    search: str = PLAIN
    vary: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    trials: int = 20
    objective: str = "balanced_accuracy"
    parallel: int = 1
    prune: bool = True
    name: str = ""
    owner: str = ""
    """'' for whoever works on this machine."""


@dataclass(frozen=True)
class Design:
    """A study as it would be: nothing is written."""

    spec: StudySpec
    plan: Plan
    trainings: tuple[TrainSpec, ...]
    """Of the runs; of a guided search, which asks one by one, the training that its preset means."""
    certificate: Certificate
    """Of the first run's split."""

    @property
    def runs(self) -> int:
        return self.plan.budget if self.spec.search == GUIDED else len(self.plan.trials)


def designed(artifacts: Artifacts, wanted: Wanted) -> Design:
    """What a study would be. Raises BadInput (NotFound for a name) with what is wrong and what is allowed."""
    axes = _checked(wanted)
    spec = _spec(artifacts, wanted)
    plan = Plan(wanted.trials if wanted.search in (RANDOM, GUIDED) else 1, tuple(dict.fromkeys(wanted.seeds)))
    planner = Planner(artifacts, spec)
    if wanted.search == GUIDED:
        model, seed = spec.models[0], plan.seeds[0]
        # The search itself comes later: that its outermost settings can be trained is seen now.
        for corner in (0, 1):
            planner.training(Trial(0, "", model, {one.knob.name: one.ends[corner] for one in axes}, seed, 0))
        first, certificate = planner.planned(Trial(0, "", model, {}, seed, 0))
        trainings = (first,)
    else:
        combinations = _combinations(spec, axes, plan.budget)
        _require_few(len(combinations) * len(plan.seeds) * max(1, spec.folds))
        plan = replace(plan, budget=len(combinations), trials=numbered(spec, combinations, plan.seeds))
        trainings = tuple(planner.training(trial) for trial in plan.trials)
        certificate = planner.planned(plan.trials[0])[1]
    tune = certificate.sides.get("tune")
    if tune is None and wanted.search != PLAIN:
        raise BadInput(
            f"The preset '{wanted.preset}' keeps no tune part, and settings are compared on it alone.",
            "Choose a preset that has one, such as 'patient'.",
        )
    return Design(replace(spec, split=certificate.level, data_fingerprint=trainings[0].data_fingerprint), plan, trainings, certificate)


def numbered(
    spec: StudySpec, combinations: Sequence[tuple[str, Mapping[str, Any]]], seeds: Sequence[int], start: int = 0
) -> tuple[Trial, ...]:
    """A trial for each combination, seed and fold, in this order."""
    made = []
    for model, changed in combinations:
        for seed in seeds:
            for fold in range(max(1, spec.folds)):
                number = start + len(made)
                made.append(Trial(number, run_id(spec, model, number), model, dict(changed), seed, fold))
    return tuple(made)


def run_id(spec: StudySpec, model: str, number: int) -> str:
    """The id of a study's run: it looks as any run's and sorts by time, but is always the same for the same trial."""
    end = hashlib.sha256(f"{spec.id}/{number}".encode()).hexdigest()[:8]
    return f"{spec.id[:15]}-{model.replace('_', '-')}-{end}"


class Planner:
    """Plans trials as single runs are planned; splits the data once for each rule."""

    def __init__(self, artifacts: Artifacts, spec: StudySpec) -> None:
        self._artifacts = artifacts
        self._spec = spec
        self._sides = lru_cache(32)(splits.of_dataset)

    def planned(self, trial: Trial) -> tuple[TrainSpec, Certificate]:
        """As `submit.planned`. Raises BadInput, also where the model is of another form than when the study began."""
        spec = self._spec
        require_form(spec, trial.model)
        plan, certificate = submit.planned(
            self._artifacts,
            data=spec.data,
            model=trial.model,
            preset=spec.preset,
            split=spec.split or None,
            folds=spec.folds,
            fold=trial.fold,
            seed=trial.seed,
            split_seed=spec.split_seed,
            changed={**spec.fixed, **trial.changed},
            sides=self._sides,
        )
        return plan, certificate

    def training(self, trial: Trial) -> TrainSpec:
        """The plan alone."""
        return self.planned(trial)[0]


def require_form(spec: StudySpec, model: str) -> None:
    """Raises BadInput where this version trains a study's model in another way than the one that the study began with: what is compared,
    and whose seeds are told together, must differ in nothing but what varies."""
    card = registry.card(model)
    form = card.form(spec.preset)
    if spec.forms.get(model, form) != form:
        raise BadInput(
            f"{card.name}, or its preset '{spec.preset}', is another since an update: further runs can't be compared with this study's.",
            "Start a new study.",
        )


def _checked(wanted: Wanted) -> tuple[Axis, ...]:
    if wanted.search not in study.SEARCHES:
        raise BadInput(f"There is no search '{wanted.search}'.", f"Choose one of: {', '.join(study.SEARCHES)}.")
    if wanted.objective not in study.OBJECTIVES:
        raise BadInput(f"There is no objective '{wanted.objective}'.", f"Choose one of: {', '.join(study.OBJECTIVES)}.")
    if not wanted.models:
        raise BadInput("A study needs a model.", "Choose one or several.")
    if not wanted.seeds:
        raise BadInput("A study needs a seed.", "Choose one or several.")
    if wanted.search == PLAIN and wanted.vary:
        raise BadInput("These settings vary, but no search is named.", f"Choose one of: {', '.join(study.SEARCHES[1:])}.")
    if wanted.search != PLAIN and not wanted.vary:
        raise BadInput("A search needs settings to vary.", "Name at least one, with its values or its range.")
    both = sorted(set(wanted.vary) & set(wanted.fixed))
    if both:
        raise BadInput(f"{both[0]} can't both vary and be set.", "Leave one of the two out.")
    axes = space.axes(wanted.models, wanted.vary)
    if wanted.search in (RANDOM, GUIDED) and not 1 <= wanted.trials <= MOST_RUNS:
        raise BadInput(f"trials can't be {wanted.trials}.", f"Allowed: 1 to {MOST_RUNS}.")
    if wanted.search == GUIDED:
        _require_guidable(wanted)
    return axes


def _require_guidable(wanted: Wanted) -> None:
    if len(wanted.models) > 1 or wanted.folds or len(wanted.seeds) > 1:
        raise BadInput("A guided search takes one model, one seed and no folds.", "Try what it finds in a second study, on folds or seeds.")
    if not 1 <= wanted.parallel <= MOST_AT_ONCE:
        raise BadInput(f"So many runs at once can't be {wanted.parallel}.", f"Allowed: 1 to {MOST_AT_ONCE}.")


def _spec(artifacts: Artifacts, wanted: Wanted) -> StudySpec:
    artifacts.dataset(wanted.data)
    models = tuple(dict.fromkeys(wanted.models))
    forms = {model: registry.card(model).form(wanted.preset) for model in models}
    label = wanted.name.strip()
    if len(label) > 60:
        raise BadInput(f"The name has {len(label)} characters.", "60 at most.")
    return StudySpec(
        id=ids.new("study", wanted.search),
        created=clock.now(),
        owner=wanted.owner or people.local().name,
        name=label,
        data=wanted.data,
        data_fingerprint="",
        preset=wanted.preset,
        split=wanted.split,
        split_seed=wanted.split_seed,
        folds=wanted.folds,
        models=models,
        search=wanted.search,
        vary=dict(wanted.vary),
        fixed=dict(wanted.fixed),
        objective=wanted.objective,
        seed=wanted.seeds[0],
        parallel=wanted.parallel,
        prune=wanted.prune and wanted.search == GUIDED,
        forms=forms,
    )


def _combinations(spec: StudySpec, axes: Sequence[Axis], budget: int) -> list[tuple[str, dict[str, Any]]]:
    if spec.search == PLAIN:
        found: list[dict[str, Any]] = [{}]
    elif spec.search == RANDOM:
        found = space.drawn(axes, budget, seed=spec.seed)
    else:
        if all(one.values for one in axes):
            _require_few(space.grid_size(axes) * len(spec.models))
        found = space.grid(axes)
    return [(model, changed) for model in spec.models for changed in found]


def _require_few(runs: int) -> None:
    if runs > MOST_RUNS:
        raise BadInput(f"This study would make {runs:,} runs.", f"{MOST_RUNS} at most: take fewer values, models, seeds or folds.")
