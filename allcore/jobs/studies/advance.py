"""What a study does next. The runner calls `advance` at each of its looks; whoever starts a study, or adds to it, calls it at once.

Each step can be done again: a trial is written into the plan with its run's id before the run is made, so an advance that was killed
anywhere is taken up by the next, and no run is made twice. A lock keeps two from advancing a study at the same time.
"""

from __future__ import annotations

import traceback
from contextlib import suppress
from dataclasses import replace

from allcore.base import locks
from allcore.base.errors import AllcoreError, BadInput, Conflict, Fenced, NotFound
from allcore.base.paths import Artifacts, StudyPaths
from allcore.jobs import submit
from allcore.jobs.studies import design, guided, space, standing
from allcore.jobs.studies.design import Planner
from allcore.runs import status, store, study
from allcore.runs.spec import Tags
from allcore.runs.study import GUIDED, Plan, StudySpec


def advance(artifacts: Artifacts) -> None:
    """Take every open study as far as it goes now. Never raises: a study that can't go on says why and is closed."""
    for paths in study.are_open(artifacts):
        with suppress(locks.Timeout, OSError):  # somebody else is at it; or a full disk, which the next look may find emptied
            one(artifacts, paths, timeout=0)


def one(artifacts: Artifacts, paths: StudyPaths, *, timeout: float = 10) -> None:
    """Take one study as far as it goes now. Raises locks.Timeout where another process is at it, OSError where the disk fails."""
    with locks.hold(paths.lock, timeout=timeout):
        try:
            spec, plan = study.read(paths), study.read_plan(paths, anew=True)
        except NotFound:  # deleted in this moment
            return
        try:
            _step(artifacts, paths, spec, plan)
        except AllcoreError as error:
            _close(paths, study.read_plan(paths, anew=True), str(error))
        except OSError:
            raise
        except Exception as error:  # a bug of ours: the runner goes on with other work, and its log has the whole of it
            traceback.print_exc()
            _close(paths, study.read_plan(paths, anew=True), f"An unforeseen error ({type(error).__name__}); the runner's log tells more.")


def _step(artifacts: Artifacts, paths: StudyPaths, spec: StudySpec, plan: Plan) -> None:
    if not plan.open:
        return
    if plan.cancelled:
        _cancel(artifacts, paths, spec, plan)
        return
    plan = _queued(artifacts, paths, spec, plan)
    if spec.search == GUIDED:
        _guided(artifacts, paths, spec, plan)
    else:
        _close(paths, plan)


def _guided(artifacts: Artifacts, paths: StudyPaths, spec: StudySpec, plan: Plan) -> None:
    axes = space.axes(spec.models, spec.vary)
    standings = standing.of_all(artifacts, spec, plan.trials)
    if spec.prune:
        for behind, why in guided.to_prune(spec, axes, standings):
            with suppress(Conflict, Fenced):  # it ended in this moment
                store.ask_to_cancel(behind.job.paths, why)
    while len(plan.trials) < plan.budget and sum(each.is_active for each in standings) < spec.parallel:
        changed = guided.asked(spec, axes, standings)
        if changed is None:
            plan = replace(plan, budget=len(plan.trials))
            break
        further = design.numbered(spec, [(spec.models[0], changed)], plan.seeds, start=len(plan.trials))
        plan = replace(plan, trials=(*plan.trials, *further))
        study.write_plan(paths, plan)
        plan = _queued(artifacts, paths, spec, plan)
        standings = standing.of_all(artifacts, spec, plan.trials)
    if len(plan.trials) >= plan.budget and not any(each.is_active for each in standings):
        _close(paths, plan)


def _queued(artifacts: Artifacts, paths: StudyPaths, spec: StudySpec, plan: Plan) -> Plan:
    """Make the runs of the plan that are not yet there."""
    waiting = [trial for trial in plan.trials if not trial.queued]
    if not waiting:
        return plan
    planner = Planner(artifacts, spec)
    for trial in waiting:
        training = planner.training(trial)
        if training.data_fingerprint != spec.data_fingerprint:
            raise BadInput(f"Data set '{spec.data}' has changed since the study began.", "Start a new study on it as it is now.")
        if not artifacts.run(trial.run).folder.exists():
            submit.training(artifacts, training, tags=Tags(spec.owner, spec.id), run=trial.run)
    plan = replace(plan, trials=tuple(replace(trial, queued=True) for trial in plan.trials))
    study.write_plan(paths, plan)
    return plan


def _cancel(artifacts: Artifacts, paths: StudyPaths, spec: StudySpec, plan: Plan) -> None:
    """Ask every run that is not over to stop; what was planned and never queued stays so."""
    for each in standing.of_all(artifacts, spec, plan.trials):
        if each.job is not None and each.job.status.state in status.ACTIVE and not each.job.paths.cancel.exists():
            with suppress(Conflict, Fenced):
                store.ask_to_cancel(each.job.paths, f"Cancelled with study {spec.id}.")
    _close(paths, plan)


def _close(paths: StudyPaths, plan: Plan, reason: str = "") -> None:
    study.write_plan(paths, replace(plan, open=False, reason=reason))
