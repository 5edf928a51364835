"""A guided search: Optuna's tree-structured Parzen estimator asks for settings, its median rule gives up what falls behind.

Nothing of Optuna's is kept on disk. At each question the study is told again from the folders of its runs, so that there is no second
truth to be repaired after a crash, and a run that a person deletes or resumes counts as what it now is.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from allcore.jobs.studies import space
from allcore.jobs.studies.space import Axis
from allcore.jobs.studies.standing import PRUNED, Standing
from allcore.runs import cancellation, events, status
from allcore.runs.study import StudySpec

if TYPE_CHECKING:
    import optuna

AT_RANDOM = 5
"""So many first trials are drawn at random; fewer would teach the sampler nothing."""
BEFORE_PRUNING = 4
"""Trials that have to end before any is pruned."""
FIRST_EPOCHS = 1
"""Epochs in which nothing is pruned."""
_ASK_AGAIN = 5
MEASURE = "tune_accuracy"
"""By what a run is pruned: of all that an epoch tells of the tune part it alone means the same whatever loss is trained by."""


def asked(spec: StudySpec, axes: Sequence[Axis], standings: Sequence[Standing]) -> dict[str, Any] | None:
    """The settings that the next trial should have, the same for the same standings; None where every combination was tried.

    What was tried before would come out as it did, so where the sampler asks for it again, it is asked anew, and then chance.
    """
    import optuna

    taken = [one.trial.changed for one in standings]
    for again in range(_ASK_AGAIN):
        sampler = optuna.samplers.TPESampler(n_startup_trials=AT_RANDOM, seed=spec.seed + len(standings) + 104729 * again)
        params = told(spec, axes, standings, sampler=sampler).ask(distributions(axes)).params
        changed = {one.knob.name: params[one.knob.name] if one.values else one.rounded(params[one.knob.name]) for one in axes}
        if changed not in taken:
            return changed
    return next(iter(space.drawn(axes, 1, seed=spec.seed, taken=taken)), None)


def to_prune(spec: StudySpec, axes: Sequence[Axis], standings: Sequence[Standing]) -> list[tuple[Standing, str]]:
    """Runs at work that fall behind the median of those done at the same epoch, and the reason in words.

    One that a person resumed after it was pruned, or asked to finish, is let be.
    """
    watched = [one for one in standings if one.state == status.RUNNING and one.trial.queued and not _was_pruned(one)]
    watched = [one for one in watched if one.job and not one.job.paths.finish.exists()]
    values = {one.trial.number: _by_epoch(one) for one in watched}
    watched = [one for one in watched if values[one.trial.number]]
    done = [one for one in standings if one.state == status.DONE and one.value is not None]
    if not watched or len(done) < BEFORE_PRUNING:
        return []
    import optuna

    pruner = optuna.pruners.MedianPruner(n_startup_trials=BEFORE_PRUNING, n_warmup_steps=FIRST_EPOCHS + 1)
    search = told(spec, axes, standings)
    found = []
    for one in watched:
        epoch = max(values[one.trial.number])
        if pruner.prune(search, search.get_trials(deepcopy=False)[standings.index(one)]):
            best = max(values[one.trial.number].values())
            words = f"its best tune accuracy up to epoch {epoch}, {best:.3f}, is below the median of the trials before it at that epoch."
            found.append((one, f"{cancellation.PRUNED}: {words}"))
    return found


def told(
    spec: StudySpec, axes: Sequence[Axis], standings: Sequence[Standing], *, sampler: optuna.samplers.BaseSampler | None = None
) -> optuna.Study:
    """The study as Optuna knows one, in memory: a trial for each standing, in order. More is always better (`spec.sign`)."""
    import optuna
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    states = {status.DONE: TrialState.COMPLETE, PRUNED: TrialState.PRUNED}
    search = optuna.create_study(direction="maximize", sampler=sampler, storage=optuna.storages.InMemoryStorage())
    for one in standings:
        state = TrialState.RUNNING if one.is_active else states.get(one.state, TrialState.FAIL)
        if state == TrialState.COMPLETE and one.value is None:
            state = TrialState.FAIL
        known = {name: distribution for name, distribution in distributions(axes).items() if name in one.trial.changed}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that values of a category are no text
            search.add_trial(
                optuna.trial.create_trial(
                    state=state,
                    value=spec.sign * one.value if state == TrialState.COMPLETE else None,
                    params={name: one.trial.changed[name] for name in known},
                    distributions=known,
                    intermediate_values=_by_epoch(one),
                )
            )
    return search


def distributions(axes: Sequence[Axis]) -> dict[str, Any]:
    """Each axis as Optuna has it."""
    from optuna import distributions as of

    found: dict[str, Any] = {}
    for one in axes:
        if one.values:
            found[one.knob.name] = of.CategoricalDistribution(one.values)
        elif one.knob.kind is int:
            found[one.knob.name] = of.IntDistribution(one.low, one.high, log=one.log)
        else:
            found[one.knob.name] = of.FloatDistribution(one.low, one.high, log=one.log)
    return found


def _by_epoch(one: Standing) -> dict[int, float]:
    """The tune part's accuracy after each epoch; {} where there are none, as for classifiers fitted in one go."""
    if one.job is None:
        return {}
    return {
        record["epoch"]: record[MEASURE] for record in events.read(one.job.paths) if record["event"] == events.EPOCH and MEASURE in record
    }


def _was_pruned(one: Standing) -> bool:
    return any(step.state == status.CANCELLED and step.reason.startswith(cancellation.PRUNED) for step in one.job.status.history)
