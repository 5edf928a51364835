"""`allcore runs`: trainings, finished and not."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import click

from allcore.base import fileio, people
from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.cli import output
from allcore.data.splits import Certificate
from allcore.jobs import acts
from allcore.metrics import fitting, text
from allcore.metrics.cycles import Cycles
from allcore.metrics.scores import Scores
from allcore.runs import events, status, store
from allcore.runs.store import Job


@click.group("runs")
def group() -> None:
    """List, show, cancel, finish, resume and delete trainings."""


@group.command("list")
@output.json_option
def list_(as_json: bool) -> None:
    """List all runs, oldest first."""
    found = store.runs(Artifacts.locate())
    if as_json:
        output.document({"runs": [summary(job, None) for job in found]})
        return
    rows = []
    for job in found:
        scores = _scores(job)
        balanced = text.show(scores.intervals["balanced_accuracy"]) if scores else ""
        rows.append((job.id, job.state, f"{job.share:.0%}", job.spec.params["data"], job.spec.params["split"]["level"], balanced))
    output.table(("run", "state", "done", "data", "split", "balanced accuracy"), rows)


@group.command("show")
@click.argument("run")
@output.json_option
def show(run: str, as_json: bool) -> None:
    """Show one RUN: state, settings, figures, epochs."""
    job = store.read(_paths(run))
    if as_json:
        table = events.epochs(events.read(job.paths))
        extra = {"spec": dict(job.spec.params), "epochs": table.to_dict("records"), "history": job.status.to_dict()["history"]}
        output.document({**summary(job, None), **extra})
    else:
        tell(job)


@group.command("cancel")
@click.argument("run")
@output.json_option
def cancel(run: str, as_json: bool) -> None:
    """Stop a RUN. What it has learned stays, and it can be resumed."""
    paths = _paths(run)
    acts.cancel(Artifacts.locate(), paths, by=people.local())
    _told(store.read(paths), "Asked it to stop.", as_json)


@group.command("resume")
@click.argument("run")
@output.json_option
def resume(run: str, as_json: bool) -> None:
    """Let a failed, cancelled or interrupted RUN go on from its last checkpoint."""
    paths = _paths(run)
    acts.resume(Artifacts.locate(), paths, by=people.local())
    _told(store.read(paths), "Queued again.", as_json)


@group.command("finish")
@click.argument("run")
@output.json_option
def finish(run: str, as_json: bool) -> None:
    """Let a network's RUN, at work, cancelled or failed, end with the epoch that it is or was in, and answer with what it has learned."""
    paths = _paths(run)
    now = acts.finish(Artifacts.locate(), paths, by=people.local())
    waits = now.state == status.QUEUED
    _told(store.read(paths), "Queued, to finish with what it has." if waits else "It ends with the epoch that it is in.", as_json)


@group.command("delete")
@click.argument("run")
@output.json_option
def delete(run: str, as_json: bool) -> None:
    """Move a RUN with all its files to the trash; `jobs restore` brings it back."""
    acts.delete(_paths(run), by=people.local())
    output.document({"id": run, "deleted": True}) if as_json else click.echo(f"Deleted {run}.")


def _paths(run: str) -> JobPaths:
    paths = Artifacts.locate().run(run)
    if not paths.folder.exists():
        raise NotFound(f"There is no run '{run}'.", "`runs list` shows what there is.")
    return paths


def _told(job: Job, sentence: str, as_json: bool) -> None:
    output.document(summary(job, None)) if as_json else click.echo(f"{job.id}: {sentence}")


def _scores(job: Job) -> Scores | None:
    return Scores.from_dict(job.metrics["test"]) if job.metrics else None


def summary(job: Job, certificate: Certificate | None) -> dict[str, Any]:
    """The document of one run. `certificate` stands in for one that is not yet written."""
    with suppress(FileNotFoundError):
        certificate = Certificate.from_dict(fileio.read_json(job.paths.certificate))
    metrics = job.metrics
    return {
        "id": job.id,
        "status": job.state,
        "reason": job.status.reason,
        "attempt": job.status.attempt,
        "share": job.share,
        "data": job.spec.params["data"],
        "model": job.spec.params["model"],
        "preset": job.spec.params["preset"],
        "created": job.spec.created,
        "seconds": job.seconds,
        "metrics": metrics and {**_figures(metrics["test"]), "constant": metrics["constant"], "training": metrics["training"]},
        "onnx_parity": metrics and metrics["onnx_parity"],
        "split": certificate and {**certificate.to_dict(), "verdict": certificate.verdict()},
    }


def _figures(test: dict[str, Any]) -> dict[str, Any]:
    """The test side's figures without the points of its curves."""
    kept = {name: value for name, value in test.items() if name not in ("by_class", "roc_micro")}
    kept["by_class"] = [
        {**{name: value for name, value in one.items() if name != "roc"}, "auroc": one["roc"] and one["roc"]["auroc"]}
        for one in test["by_class"]
    ]
    return kept


def tell(job: Job) -> None:
    """One run in lines."""
    click.echo(f"{job.id}: {job.state}" + (f". {job.status.reason}" if job.status.reason else ""))
    if job.status.state == status.FAILED:
        click.echo("Last lines of its log:")
        for line in fileio.read_tail(job.paths.log, 1500).splitlines()[-8:]:
            click.echo(f"  {line}")
    scores = _scores(job)
    if scores is None:
        return
    certificate = Certificate.from_dict(fileio.read_json(job.paths.certificate))
    for name in ("balanced_accuracy", "auroc", "sensitivity", "specificity", "accuracy"):
        if scores.intervals[name].estimate is not None:
            click.echo(f"  {name.replace('_', ' '):18} {text.show(scores.intervals[name])}")
    if early := fitting.ended_early(job.metrics["training"], job.spec.params["settings"]):
        click.echo(f"  {early}")
    floor = job.metrics["constant"]
    shown = f"balanced accuracy {text.number(floor['balanced_accuracy'])}, accuracy {text.number(floor['accuracy'])}"
    click.echo(f"  always '{floor['predicted']}' would have: {shown}")
    if over := job.metrics["training"].get("cycles"):
        click.echo(f"  {Cycles(**over).sentence()}")
    click.echo(f"  {certificate.verdict()}")
