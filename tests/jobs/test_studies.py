"""Studies: what is refused, what a crash leaves, what is given up, and what the folds say together."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allcore.base import fileio, people
from allcore.base.errors import BadInput, Cancelled, Conflict, Forbidden, NotFound
from allcore.base.paths import Artifacts, JobPaths, StudyPaths
from allcore.jobs import control as runner
from allcore.jobs import submit
from allcore.jobs.studies import advance, control, design, importance, overview, space, standing, told
from allcore.jobs.studies.design import Wanted
from allcore.models import registry
from allcore.runs import attempt as attempts
from allcore.runs import events, spec, status, store, study
from allcore.runs.study import GRID, GUIDED, RANDOM

SMALL = {"input_size": 32, "trees": 5, "components": 4, "calibrate": False}
FOREST = Wanted("tiny", ("random_forest",), search=GRID, vary={"max_depth": "1, 2, 3", "min_leaf": "1, 2"}, seeds=(0, 1), fixed=SMALL)
GUIDE = Wanted("tiny", ("random_forest",), search=GUIDED, vary={"max_depth": "1..8", "min_leaf": "1, 2"}, trials=6, fixed=SMALL)
NETWORK = Wanted(
    "tiny",
    ("allnet",),
    search=GUIDED,
    vary={"learning_rate": "1e-4..1e-2 log"},
    trials=9,
    parallel=9,
    fixed={"input_size": 32, "epochs": 6},
)


ME = people.local()


def begun(artifacts: Artifacts, wanted: Wanted) -> StudyPaths:
    return control.started(artifacts, design.designed(artifacts, wanted))


def through(paths: JobPaths, *states: str) -> None:
    for state in states:
        status.change(paths, state)


@pytest.fixture
def done(artifacts: Artifacts, finished: Callable[[str], JobPaths]) -> Callable[[str, float], None]:
    """Ends a run of a study as a training would, with the figures of another, and a balanced accuracy of its own on the tune part."""
    model = finished("random_forest")

    def end(run: str, value: float) -> None:
        paths = artifacts.run(run)
        metrics = fileio.read_json(model.metrics)
        metrics["tune"]["intervals"]["balanced_accuracy"]["estimate"] = value
        fileio.write_json(paths.metrics, metrics)
        shutil.copy(model.summary, paths.summary)
        left = [status.STARTING, status.RUNNING, status.FINISHING, status.DONE]
        now = status.read(paths).state
        through(paths, *left[left.index(now) + 1 if now in left else 0 :])

    return end


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (replace(FOREST, search="wild"), "no search 'wild'"),
        (replace(FOREST, models=()), "needs a model"),
        (replace(FOREST, models=("random_forest", "none")), "no model 'none'"),
        (replace(FOREST, data="none"), "no data set 'none'"),
        (replace(FOREST, vary={}), "needs settings to vary"),
        (replace(FOREST, search="plain"), "no search is named"),
        (replace(FOREST, vary={"colour": "1, 2"}), "Random forest has no setting 'colour'"),
        (replace(FOREST, models=("random_forest", "svm")), "Not every one of these models has a setting 'max_depth'"),
        (replace(FOREST, vary={"seed": "1, 2"}), "seed is no setting"),
        (replace(FOREST, vary={"trees": "5, 10"}), "trees can't both vary and be set"),
        (replace(FOREST, vary={"max_depth": "7"}), "nothing to vary"),
        (replace(FOREST, vary={"max_depth": "1, 999"}), "max_depth can't be '999'.*0 to 200"),
        (replace(FOREST, vary={"max_depth": "1..9"}), "a grid needs values"),
        (replace(FOREST, vary={"max_depth": "9..1"}, search=RANDOM), "The smaller number stands first"),
        (replace(FOREST, vary={"max_depth": "0..9 log"}, search=RANDOM), "Begin above 0"),
        (replace(FOREST, vary={"features": "a..b"}, search=RANDOM), "features can't be a range"),
        (replace(FOREST, seeds=tuple(range(40))), "would make 240 runs. 200 at most"),
        (replace(FOREST, folds=7), "too few for 7 folds"),
        (replace(FOREST, preset="paper"), "keeps no tune part"),
        (replace(GUIDE, folds=3), "takes one model, one seed and no folds"),
        (replace(GUIDE, trials=0), "trials can't be 0"),
        (replace(GUIDE, models=("knn",), vary={"neighbours": "1..900"}, fixed={}), "neighbours"),
        (replace(GUIDE, objective="luck"), "no objective 'luck'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_exists(artifacts: Artifacts, tiny: str, wanted: Wanted, words: str):
    with pytest.raises(BadInput, match=words):
        design.designed(artifacts, wanted)
    assert store.jobs(artifacts) == []
    assert study.every(artifacts) == []


def test_random_combinations_are_distinct_and_more_of_them_are_others():
    depth, leaf = (knob for knob in space.common(["random_forest"]) if knob.name in ("max_depth", "min_leaf"))
    found = [space.axis(depth, "1..40"), space.axis(leaf, "1, 2")]
    ten = space.drawn(found, 10, seed=3)
    assert space.drawn(found, 20, seed=3)[:10] == ten
    further = space.drawn(found, 10, seed=3, taken=ten)
    assert len({tuple(one.items()) for one in (*ten, *further)}) == 20
    few = [space.axis(depth, "1, 2"), space.axis(leaf, "1, 2")]
    assert sorted(map(str, space.drawn(few, 99, seed=0))) == sorted(map(str, space.grid(few)))
    assert space.drawn(few, 5, seed=0, taken=space.grid(few)) == []


def test_a_study_is_its_owners_and_within_what_one_person_may_have_waiting(artifacts: Artifacts, tiny: str, monkeypatch):
    monkeypatch.setenv("ALLCORE_MOST_WAITING", "11")
    with pytest.raises(Conflict, match="12 more don't fit"):
        begun(artifacts, FOREST)
    assert not store.runs(artifacts)
    paths = begun(artifacts, replace(FOREST, seeds=(0,), owner="ann"))
    assert {job.owner for job in store.runs(artifacts)} == {"ann"}
    with pytest.raises(Forbidden, match="belongs to ann"):
        control.cancel(artifacts, paths.id, by=people.Person("ben", signed_in=True))


def test_seeds_share_one_split_and_every_run_names_its_study(artifacts: Artifacts, tiny: str):
    paths = begun(artifacts, FOREST)
    jobs = store.runs(artifacts)
    plans = [spec.TrainSpec.from_params(job.spec.params) for job in jobs]
    assert len(plans) == 12
    assert {(job.spec.study, job.owner) for job in jobs} == {(paths.id, people.local().name)}
    assert {plan.settings["seed"] for plan in plans} == {0, 1}
    assert len({plan.split for plan in plans}) == 1
    assert not study.are_open(artifacts)


def test_a_kill_between_two_runs_loses_none_and_doubles_none(artifacts: Artifacts, tiny: str, monkeypatch: pytest.MonkeyPatch):
    made = design.designed(artifacts, FOREST)
    real, calls = submit.training, []

    def dying(*arguments, **options):
        if len(calls) == 5:
            raise KeyboardInterrupt
        calls.append(real(*arguments, **options))

    monkeypatch.setattr(submit, "training", dying)
    with pytest.raises(KeyboardInterrupt):
        control.started(artifacts, made)
    monkeypatch.undo()
    assert len(store.runs(artifacts)) == 5
    asked = []
    monkeypatch.setattr(runner, "ensure", asked.append)
    runner.ensure_if_needed(artifacts)
    assert asked
    advance.advance(artifacts)
    advance.advance(artifacts)
    assert sorted(job.id for job in store.runs(artifacts)) == sorted(trial.run for trial in made.plan.trials)
    (paths,) = study.every(artifacts)
    gone = made.plan.trials[0].run
    store.ask_to_cancel(artifacts.run(gone))
    store.delete(artifacts.run(gone))
    advance.advance(artifacts)  # what a person deletes does not come back
    assert overview.read(artifacts, paths).counts == {"queued": 11, standing.DELETED: 1}


def test_a_guided_search_asks_one_by_one_and_by_what_came_before(artifacts: Artifacts, tiny: str, done: Callable):
    paths = begun(artifacts, GUIDE)
    for number in range(6):
        advance.advance(artifacts)
        advance.advance(artifacts)
        trials = study.read_plan(paths).trials
        assert len(trials) == number + 1
        assert overview.read(artifacts, paths).state == overview.AT_WORK
        done(trials[-1].run, 0.5 + 0.05 * trials[-1].changed["max_depth"])
    advance.advance(artifacts)
    seen = overview.read(artifacts, paths)
    assert seen.state == overview.DONE
    deepest = max(trial.changed["max_depth"] for trial in study.read_plan(paths).trials)
    assert seen.best.candidate.changed["max_depth"] == deepest
    assert seen.best.tried == len({trial.combination for trial in study.read_plan(paths).trials}) == 6
    assert told.verdict(seen)[0].startswith("Best of")
    assert control.add(artifacts, paths.id, by=ME, trials=2) == 2
    assert len(study.read_plan(paths).trials) == 7


def test_a_guided_search_ends_where_every_combination_was_tried(artifacts: Artifacts, tiny: str, done: Callable):
    paths = begun(artifacts, replace(GUIDE, vary={"min_leaf": "1, 2, 3"}))
    while (plan := study.read_plan(paths)).open:
        done(plan.trials[-1].run, 0.6)
        advance.advance(artifacts)
    assert sorted(trial.changed["min_leaf"] for trial in plan.trials) == [1, 2, 3]
    assert overview.read(artifacts, paths).total == 3


def test_a_trial_asked_for_by_a_process_that_died_is_queued_by_the_next(artifacts: Artifacts, tiny: str, monkeypatch: pytest.MonkeyPatch):
    made = design.designed(artifacts, GUIDE)
    with monkeypatch.context() as dying:
        dying.setattr(submit, "training", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            control.started(artifacts, made)
    paths = artifacts.study(made.spec.id)
    (asked,) = study.read_plan(paths).trials
    assert not asked.queued
    advance.advance(artifacts)
    (run,) = store.runs(artifacts)
    assert run.id == asked.run
    assert run.spec.params["settings"]["max_depth"] == asked.changed["max_depth"]


def test_what_falls_behind_is_pruned_and_says_so(artifacts: Artifacts, tiny: str, done: Callable):
    paths = begun(artifacts, NETWORK)
    trials = study.read_plan(paths).trials
    assert len(trials) == 9
    for trial in trials[:4]:
        run = artifacts.run(trial.run)
        for epoch in range(1, 7):
            events.append(run, events.EPOCH, attempt=1, epoch=epoch, tune_accuracy=0.9)
        done(trial.run, 0.9)
    behind, ahead, early, ending = (artifacts.run(trial.run) for trial in trials[4:8])
    for run, accuracy, epochs in ((behind, 0.5, 3), (ahead, 0.95, 3), (early, 0.5, 1), (ending, 0.5, 3)):
        through(run, status.STARTING, status.RUNNING)
        for epoch in range(1, epochs + 1):
            events.append(run, events.EPOCH, attempt=1, epoch=epoch, tune_accuracy=accuracy)
    store.finish(ending)  # a person wants what it has
    advance.advance(artifacts)
    assert [run.cancel.exists() for run in (behind, ahead, early, ending)] == [True, False, False, False]
    with attempts.held(artifacts, behind, 1) as attempt, pytest.raises(Cancelled, match=r"Pruned: its best tune accuracy.*0\.500") as why:
        attempt.check()
    status.change(behind, status.CANCELLED, reason=str(why.value))
    seen = overview.read(artifacts, paths)
    assert seen.standings[4].state == standing.PRUNED
    store.resume(behind)  # a person wants it all the same
    through(behind, status.STARTING, status.RUNNING)
    advance.advance(artifacts)
    assert not behind.cancel.exists()


def test_cancelling_stops_all_even_where_it_was_itself_cut_short(artifacts: Artifacts, tiny: str):
    paths = begun(artifacts, FOREST)
    first = study.read_plan(paths).trials[0]
    through(artifacts.run(first.run), status.STARTING, status.RUNNING)
    study.write_plan(paths, replace(study.read_plan(paths), cancelled="2026-01-01T00:00:00.000Z", open=True))  # and then its process died
    advance.advance(artifacts)
    assert overview.read(artifacts, paths).counts == {"cancelled": 11, "running": 1}
    assert artifacts.run(first.run).cancel.exists()
    with pytest.raises(Conflict, match="was cancelled"):
        control.add(artifacts, paths.id, by=ME, seeds=[7])
    with pytest.raises(Conflict, match="still at work"):
        control.delete(artifacts, paths.id, by=ME)
    status.change(artifacts.run(first.run), status.CANCELLED)
    with pytest.raises(Conflict, match="nothing to cancel"):
        control.cancel(artifacts, paths.id, by=ME)
    assert control.delete(artifacts, paths.id, by=ME, runs=True) == 12
    assert store.runs(artifacts) == study.every(artifacts) == []
    with pytest.raises(NotFound, match="no study"):
        control.cancel(artifacts, paths.id, by=ME)


def test_a_study_whose_data_changed_ends_with_the_reason_and_stops_nobody(artifacts: Artifacts, tiny: str, done: Callable):
    paths = begun(artifacts, GUIDE)
    card = fileio.read_json(artifacts.dataset(tiny).card)
    fileio.write_json(artifacts.dataset(tiny).card, {**card, "fingerprint": "other"})
    done(study.read_plan(paths).trials[0].run, 0.5)
    (artifacts.studies / "damaged").mkdir()
    (artifacts.studies / "damaged" / "spec.json").write_text("{")
    advance.advance(artifacts)
    seen = overview.read(artifacts, paths)
    assert seen.state == overview.STOPPED
    assert "has changed since the study began" in seen.plan.reason


@pytest.mark.parametrize(
    "other",
    [
        lambda card: replace(card, parameters=1),
        lambda card: replace(card, presets=tuple(replace(one, settings={**one.settings, "trees": 7}) for one in card.presets)),
    ],
    ids=["another network", "another preset"],
)
def test_a_study_takes_no_runs_of_a_model_that_an_update_has_changed(
    artifacts: Artifacts, tiny: str, done: Callable, monkeypatch: pytest.MonkeyPatch, other: Callable
):
    """Seeds of two networks would be told as one spread."""
    grid, guided = begun(artifacts, FOREST), begun(artifacts, GUIDE)
    before = len(store.runs(artifacts))
    now = other(registry.card("random_forest"))
    monkeypatch.setattr(registry, "card", lambda name: now)
    for paths, more in ((grid, {"seeds": [5]}), (guided, {"trials": 1})):
        with pytest.raises(BadInput, match="Random forest, or its preset 'patient', is another since an update"):
            control.add(artifacts, paths.id, by=ME, **more)
    done(study.read_plan(guided).trials[0].run, 0.5)
    advance.advance(artifacts)
    assert overview.read(artifacts, guided).state == overview.STOPPED
    assert "is another since an update" in study.read_plan(guided).reason
    assert len(store.runs(artifacts)) == before


def test_a_study_from_before_forms_were_kept_goes_on(artifacts: Artifacts, tiny: str):
    paths = begun(artifacts, FOREST)
    document = fileio.read_json(paths.spec)
    del document["forms"]
    fileio.write_json(paths.spec, document)
    assert control.add(artifacts, paths.id, by=ME, seeds=[5]) == 6


def test_more_seeds_and_more_combinations(artifacts: Artifacts, tiny: str):
    paths = begun(artifacts, replace(FOREST, search=RANDOM, trials=4))
    assert len(study.read_plan(paths).trials) == 8
    assert control.add(artifacts, paths.id, by=ME, seeds=[5]) == 4
    assert control.add(artifacts, paths.id, by=ME, trials=9) == 6  # two combinations were left, with three seeds each
    assert len(store.runs(artifacts)) == 18
    for wrong, words in (({}, "not clear"), ({"seeds": [5]}, "has seed 5 already"), ({"trials": 1}, "Every combination has been tried")):
        with pytest.raises(BadInput, match=words):
            control.add(artifacts, paths.id, by=ME, **wrong)


def test_the_best_is_chosen_on_the_tune_part_over_seeds(artifacts: Artifacts, tiny: str, done: Callable):
    paths = begun(artifacts, replace(FOREST, vary={"max_depth": "1, 2"}))
    by_run = {trial.run: trial for trial in study.read_plan(paths).trials}
    values = {(1, 0): 0.9, (1, 1): 0.5, (2, 0): 0.8, (2, 1): 0.7}
    for run, trial in by_run.items():
        done(run, values[trial.changed["max_depth"], trial.seed])
    best = overview.read(artifacts, paths).best
    assert (best.candidate.changed, best.candidate.value, best.entry.seed, best.tried) == ({"max_depth": 2}, pytest.approx(0.75), 0, 2)


def test_importance_finds_what_mattered_and_says_when_it_can_not(artifacts: Artifacts, tiny: str, done: Callable):
    paths = begun(artifacts, replace(FOREST, vary={"max_depth": "1, 2, 3, 4", "min_leaf": "1, 2, 3"}, seeds=(0,)))
    trials = study.read_plan(paths).trials
    for trial in trials[:5]:
        done(trial.run, 0.1 * trial.changed["max_depth"] + 0.001 * trial.changed["min_leaf"])
    few = importance.of(overview.read(artifacts, paths))
    assert (few.shares, few.n) == ({}, 5)
    assert few.why.startswith("Too few trials: 5 combinations")
    for trial in trials[5:]:
        done(trial.run, 0.1 * trial.changed["max_depth"] + 0.001 * trial.changed["min_leaf"])
    found = importance.of(overview.read(artifacts, paths))
    assert list(found.shares) == ["max_depth", "min_leaf"]
    assert found.shares["max_depth"] > 0.9


def test_pooled_folds_are_what_a_hand_would_compute(artifacts: Artifacts, tiny: str, do: Callable):
    paths = begun(artifacts, Wanted(tiny, ("logistic_regression",), folds=3, fixed={"input_size": 32, "calibrate": False}))
    for job in store.runs(artifacts):
        do(artifacts, job.paths)
    seen = overview.read(artifacts, paths)
    (entry,) = seen.candidates[0].entries
    scores = told.test_scores(entry)
    tables = [pd.read_parquet(one.job.paths.predictions).query("side == 'test'") for one in seen.standings]
    table = pd.concat(tables)
    assert len(table) == table["image_id"].nunique() == scores.n == 48
    right = (table["p_leukemia"] > table["p_healthy"]) == (table["label"] == "leukemia")
    recalls = [right[table["label"] == name].mean() for name in ("healthy", "leukemia")]
    assert scores.balanced_accuracy == pytest.approx(np.mean(recalls))
    assert scores.intervals["balanced_accuracy"].clusters == table["subject"].nunique() == 12
    spread = told.folds_spread(entry)
    own = [one.summary.scores.balanced_accuracy for one in seen.standings]
    assert (spread.n, spread.low, spread.high) == (3, min(own), max(own))
    assert any("Spread of 3 folds" in line for line in told.verdict(seen))


def test_all_models_at_once_are_planned(artifacts: Artifacts, tiny: str):
    every = tuple(card.id for card in registry.cards())
    made = design.designed(artifacts, Wanted(tiny, every, fixed={"input_size": 32}))
    assert [trial.model for trial in made.plan.trials] == list(every)
