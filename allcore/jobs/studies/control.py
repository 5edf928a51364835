"""Starting a study, and what a person may do to it then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allcore.base import clock, fileio, locks
from allcore.base.errors import BadInput, Conflict
from allcore.base.paths import Artifacts, StudyPaths
from allcore.base.people import Person
from allcore.jobs import queue
from allcore.jobs.studies import advance, design, space, standing
from allcore.jobs.studies.design import Design
from allcore.runs import store, study
from allcore.runs.study import GUIDED, RANDOM


def started(artifacts: Artifacts, made: Design) -> StudyPaths:
    """Write a study down and queue its first runs. What a crash leaves undone the runner does.

    Raises Conflict where its owner would have more jobs waiting than one person may.
    """
    queue.require_room(artifacts, made.spec.owner, more=len(made.plan.trials) or made.spec.parallel)
    paths = study.written(artifacts, made.spec, made.plan)
    advance.one(artifacts, paths)
    return paths


def add(artifacts: Artifacts, study_id: str, *, by: Person, trials: int = 0, seeds: Sequence[int] = ()) -> int:
    """More of the same: `trials` further combinations of a random or guided search, or `seeds` for every combination of any other.

    Gives the number of further runs. Raises BadInput where that can't be, Conflict where the study was cancelled or its owner has no
    room for more, Forbidden where it is not `by`'s.
    """
    paths = artifacts.study(study_id)
    spec = _theirs(paths, by)
    with locks.hold(paths.lock):
        plan = study.read_plan(paths, anew=True)
        if plan.cancelled:
            raise Conflict(f"Study '{study_id}' was cancelled.", "Start a new one.")
        if bool(trials) == bool(seeds):
            raise BadInput("What is to be added is not clear.", "Name a number of trials, or seeds.")
        if trials:
            more, new = _more_trials(spec, plan, trials)
        else:
            more, new = _more_seeds(spec, plan, seeds)
        total = more.budget if spec.search == GUIDED else len(more.trials)
        if total > design.MOST_RUNS:
            raise BadInput(f"The study would then have {total:,} runs.", f"{design.MOST_RUNS} at most.")
        queue.require_room(artifacts, spec.owner, more=(len(more.trials) - len(plan.trials)) or spec.parallel)
        for model in spec.models:
            design.require_form(spec, model)
        planner = design.Planner(artifacts, spec)
        for trial in more.trials[len(plan.trials) :]:
            planner.training(trial)
        study.write_plan(paths, replace(more, open=True, reason=""))
    advance.one(artifacts, paths)
    return new


def _more_trials(spec: study.StudySpec, plan: study.Plan, trials: int) -> tuple[study.Plan, int]:
    if spec.search not in (RANDOM, GUIDED):
        raise BadInput(f"A study of kind '{spec.search}' has no trials to add.", "Add seeds.")
    if trials < 1:
        raise BadInput(f"trials can't be {trials}.", "Add 1 at least.")
    if spec.search == GUIDED:
        return replace(plan, budget=plan.budget + trials), trials
    axes, taken = space.axes(spec.models, spec.vary), list({trial.combination: trial.changed for trial in plan.trials}.values())
    drawn = space.drawn(axes, trials, seed=spec.seed, taken=taken)
    if not drawn:
        raise BadInput("Every combination has been tried.", "Start a study with further values, or add seeds.")
    combinations = [(model, changed) for model in spec.models for changed in drawn]
    further = design.numbered(spec, combinations, plan.seeds, start=len(plan.trials))
    return replace(plan, budget=plan.budget + len(combinations), trials=(*plan.trials, *further)), len(further)


def _more_seeds(spec: study.StudySpec, plan: study.Plan, seeds: Sequence[int]) -> tuple[study.Plan, int]:
    if spec.search == GUIDED:
        raise BadInput("A guided search has one seed.", "Add trials, or try what it found on several seeds in a second study.")
    known = sorted(set(seeds) & set(plan.seeds))
    if known:
        raise BadInput(f"The study has seed {known[0]} already.", f"It has: {', '.join(map(str, plan.seeds))}.")
    new = tuple(dict.fromkeys(seeds))
    combinations = list({trial.combination: (trial.model, trial.changed) for trial in plan.trials}.values())
    further = design.numbered(spec, combinations, new, start=len(plan.trials))
    return replace(plan, seeds=(*plan.seeds, *new), trials=(*plan.trials, *further)), len(further)


def cancel(artifacts: Artifacts, study_id: str, *, by: Person) -> None:
    """Ask for no further run, and stop those that are not over. Raises Conflict where all are over, Forbidden where it is not `by`'s."""
    paths = artifacts.study(study_id)
    spec = _theirs(paths, by)
    with locks.hold(paths.lock):
        plan = study.read_plan(paths, anew=True)
        if not standing.at_work(plan, standing.of_all(artifacts, spec, plan.trials)):
            raise Conflict(f"All runs of study '{study_id}' are over: there is nothing to cancel.")
        # First of all, so that no run is asked for any more; the runner ends what a crash here would leave.
        study.write_plan(paths, replace(plan, cancelled=clock.now(), open=True))
    advance.one(artifacts, paths)


def delete(artifacts: Artifacts, study_id: str, *, by: Person, runs: bool = False) -> int:
    """Remove a study's folder, and with `runs` its runs, which go to the trash; how many of those.

    Raises Conflict while one is at work, Forbidden where it is not `by`'s.
    """
    paths = artifacts.study(study_id)
    spec = _theirs(paths, by)
    with locks.hold(paths.lock):
        plan = study.read_plan(paths, anew=True)
        standings = standing.of_all(artifacts, spec, plan.trials)
        if standing.at_work(plan, standings):
            raise Conflict(f"Study '{study_id}' is still at work.", "Cancel it first.")
        gone = 0
        if runs:
            for one in standings:
                if one.job is not None:
                    store.delete(one.job.paths, by=by.name)
                    gone += 1
        fileio.remove_folder(paths.folder)
    return gone


def _theirs(paths: StudyPaths, by: Person) -> study.StudySpec:
    spec = study.read(paths)
    by.require(spec.owner, f"Study '{spec.id}'")
    return spec
