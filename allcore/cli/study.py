"""`allcore study`: one request, many runs."""

from __future__ import annotations

from typing import Any

import click

from allcore.base import people
from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.cli import output
from allcore.data import splits
from allcore.jobs import control as runner
from allcore.jobs.studies import control, design, importance, overview, told
from allcore.jobs.studies.design import Wanted
from allcore.jobs.studies.overview import Best, Overview
from allcore.jobs.studies.told import Row
from allcore.metrics import text
from allcore.models import presets, registry
from allcore.plots.study import said
from allcore.runs import study

ALL = "all"
_DEFAULTS = Wanted("", ())


@click.group("study")
def group() -> None:
    """Launch many runs at once, and see what they say together."""


@group.command("start")
@click.option("--data", required=True, help="The data set's name.")
@click.option("--model", "models", multiple=True, required=True, help="A model's id, several times for several; 'all' takes every one.")
@click.option("--preset", default=presets.DEFAULT, show_default=True, help="A named way to train.")
@click.option("--split", type=click.Choice(splits.LEVELS), help="Split at this level, whatever the preset says.")
@click.option("--split-seed", default=0, show_default=True, help="Start of the split, which all runs share.")
@click.option("--folds", default=0, help="Cross-validate each combination with so many folds; 0: one test side.")
@click.option("--seed", "seeds", multiple=True, type=int, help="Start of a training, several times for several; without it, 0.")
@click.option("--search", type=click.Choice(study.SEARCHES), default=study.PLAIN, show_default=True, help="How settings are tried.")
@click.option(
    "--vary", multiple=True, metavar="KEY=VALUES", help="What a search tries: KEY=0.1,1,10, KEY=0.001..0.1, or 'KEY=1e-5..1e-2 log'."
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting of all runs.")
@click.option("--trials", default=_DEFAULTS.trials, show_default=True, help="Combinations that a random or guided search tries.")
@click.option(
    "--objective",
    type=click.Choice(list(study.OBJECTIVES)),
    default=_DEFAULTS.objective,
    show_default=True,
    help="By what settings are compared, on the tune part.",
)
@click.option("--at-once", "parallel", default=_DEFAULTS.parallel, show_default=True, help="Runs of a guided search under way at once.")
@click.option("--prune/--no-prune", default=True, show_default=True, help="Whether a guided search gives up runs that fall behind.")
@click.option("--name", default="", help="What to call it.")
@output.json_option
def start(
    models: tuple[str, ...], seeds: tuple[int, ...], vary: tuple[str, ...], changes: tuple[str, ...], as_json: bool, **said_: Any
) -> None:
    """Start a study: every combination of models, settings, seeds and folds becomes a run.

    All of it is checked before the first run exists. The study goes on when this command, its terminal, or the web server ends.
    """
    artifacts = Artifacts.locate()
    chosen = tuple(card.id for card in registry.cards()) if ALL in models else models
    said_["split"] = said_["split"] or ""
    wanted = Wanted(models=chosen, seeds=seeds or _DEFAULTS.seeds, vary=_pairs("--vary", vary), fixed=_pairs("--set", changes), **said_)
    made = design.designed(artifacts, wanted)
    paths = control.started(artifacts, made)
    runner.ensure(artifacts)
    if as_json:
        output.document(summary(overview.read(artifacts, paths)))
    else:
        click.echo(f"Started {paths.id}: {made.runs} runs. {made.certificate.verdict()}")


@group.command("list")
@output.json_option
def list_(as_json: bool) -> None:
    """List all studies, oldest first."""
    artifacts = Artifacts.locate()
    found = [overview.read(artifacts, paths) for paths in study.every(artifacts)]
    if as_json:
        output.document({"studies": [_head(one) for one in found]})
        return
    rows = [(one.spec.id, one.spec.name, one.state, f"{one.ended}/{one.total}", one.spec.search, one.spec.data) for one in found]
    output.table(("study", "name", "state", "over", "search", "data"), rows)


@group.command("show")
@click.argument("study_id", metavar="STUDY")
@output.json_option
def show(study_id: str, as_json: bool) -> None:
    """Show one STUDY: its runs, the best so far, and what that is worth on the test side."""
    artifacts = Artifacts.locate()
    seen = overview.read(artifacts, artifacts.study(study_id))
    if as_json:
        output.document(summary(seen))
    else:
        _tell(seen)


@group.command("cancel")
@click.argument("study_id", metavar="STUDY")
@output.json_option
def cancel(study_id: str, as_json: bool) -> None:
    """Stop a STUDY and all its runs. What is done stays."""
    artifacts = Artifacts.locate()
    control.cancel(artifacts, study_id, by=people.local())
    runner.ensure_if_needed(artifacts)
    _told(artifacts, study_id, "Asked its runs to stop.", as_json)


@group.command("add")
@click.argument("study_id", metavar="STUDY")
@click.option("--trials", default=0, help="So many further combinations of a random or guided search.")
@click.option("--seed", "seeds", multiple=True, type=int, help="A further seed for every combination; may be given several times.")
@output.json_option
def add(study_id: str, trials: int, seeds: tuple[int, ...], as_json: bool) -> None:
    """Add more runs of the same kind to a STUDY."""
    artifacts = Artifacts.locate()
    new = control.add(artifacts, study_id, by=people.local(), trials=trials, seeds=seeds)
    runner.ensure(artifacts)
    _told(artifacts, study_id, f"{new} further runs.", as_json)


@group.command("delete")
@click.argument("study_id", metavar="STUDY")
@click.option("--runs", is_flag=True, help="Its runs too, with their models and figures.")
@output.json_option
def delete(study_id: str, runs: bool, as_json: bool) -> None:
    """Delete a STUDY. Its runs stay, unless --runs is given."""
    gone = control.delete(Artifacts.locate(), study_id, by=people.local(), runs=runs)
    if as_json:
        output.document({"id": study_id, "deleted": True, "runs_deleted": gone})
    else:
        click.echo(f"Deleted {study_id}" + (f" and {gone} runs." if runs else ". Its runs stay."))


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise BadInput(f"{option} {one} has no '='.", f"Write it as {option} epochs=3.")
        if name.strip() in found:
            raise BadInput(f"{option} names {name.strip()} twice.", "Say it once.")
        found[name.strip()] = value.strip()
    return found


def _told(artifacts: Artifacts, study_id: str, sentence: str, as_json: bool) -> None:
    if as_json:
        output.document(summary(overview.read(artifacts, artifacts.study(study_id))))
    else:
        click.echo(f"{study_id}: {sentence}")


def _head(seen: Overview) -> dict[str, Any]:
    spec = seen.spec
    return {
        "id": spec.id,
        "name": spec.name,
        "status": seen.state,
        "reason": seen.plan.reason,
        "created": spec.created,
        "data": spec.data,
        "search": spec.search,
        "models": list(spec.models),
        "runs": seen.total,
        "ended": seen.ended,
        "counts": seen.counts,
    }


def summary(seen: Overview) -> dict[str, Any]:
    """The document of `study show`."""
    weights = importance.of(seen)
    return {
        **_head(seen),
        "spec": seen.spec.to_dict(),
        "trials": [
            {
                "number": one.trial.number,
                "run": one.trial.run,
                "status": one.state,
                "reason": one.job.status.reason if one.job else "",
                "model": one.trial.model,
                "changed": dict(one.trial.changed),
                "seed": one.trial.seed,
                "fold": one.trial.fold,
                "tune": one.tuned.to_dict() if one.tuned else None,
                "test": {name: figure.to_dict() for name, figure in one.summary.scores.intervals.items()} if one.summary else None,
            }
            for one in seen.standings
        ],
        "best": seen.best and _best(seen, seen.best),
        "out_of_fold": [_pooled(row) for row in told.rows(seen)] if seen.spec.folds and seen.spec.search == study.PLAIN else [],
        "importance": {"shares": dict(weights.shares), "combinations": weights.n, "why_not": weights.why},
    }


def _pooled(row: Row) -> dict[str, Any]:
    return {
        "combination": row.name,
        "seed": row.seed,
        "images": row.test.n,
        "patients": row.test.subjects,
        "test": {name: figure.to_dict() for name, figure in row.test.intervals.items()},
        "spread_of_folds": row.spread and row.spread.to_dict(),
    }


def _best(seen: Overview, best: Best) -> dict[str, Any]:
    scores, spread = told.test_scores(best.entry), told.folds_spread(best.entry)
    return {
        "model": best.candidate.model,
        "changed": dict(best.candidate.changed),
        "seed": best.entry.seed,
        "runs": [one.trial.run for one in best.entry.standings],
        "objective": seen.spec.objective,
        "tune": best.entry.value,
        "tried": best.tried,
        "test": {name: figure.to_dict() for name, figure in scores.intervals.items()},
        "pooled": bool(seen.spec.folds),
        "optimistic": best.optimistic,
        "spread_of_folds": spread.to_dict() if seen.spec.folds and spread else None,
    }


def _tell(seen: Overview) -> None:
    click.echo(f"{seen.spec.id}: {seen.state}" + (f". {seen.plan.reason}" if seen.plan.reason else ""))
    objective = study.OBJECTIVES[seen.spec.objective]
    rows = []
    for one in seen.standings:
        tune = text.show(one.tuned) if one.tuned else ""
        test = text.show(one.summary.scores.intervals["balanced_accuracy"]) if one.summary else ""
        rows.append((one.trial.run, one.state, said(one.trial.changed), one.trial.seed, one.trial.fold, tune, test))
    output.table(("run", "state", "settings", "seed", "fold", f"tune {objective}", "test balanced accuracy"), rows)
    for line in told.verdict(seen):
        click.echo(line)
