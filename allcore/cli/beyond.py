"""`allcore evaluate` and `allcore robustness`: a finished run beyond its own test side."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts, JobPaths
from allcore.cli import output, waiting
from allcore.jobs import beyond as jobs
from allcore.jobs import control
from allcore.metrics import external_words as words
from allcore.metrics import robustness as figures
from allcore.metrics import text
from allcore.metrics.external import External
from allcore.metrics.robustness import Robustness
from allcore.runs import beyond, status, store

wait_option = click.option("--wait", is_flag=True, help="Stay until the job has ended.")


@click.command("evaluate")
@click.argument("run")
@click.option("--data", required=True, help="The other data set's name.")
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar="THEIRS=OURS",
    help="Their class is this one of the run's; with nothing after '=' it is left out.",
)
@wait_option
@output.json_option
def evaluate(run: str, data: str, pairs: tuple[str, ...], wait: bool, as_json: bool) -> None:
    """Judge a finished RUN by another laboratory's data set, beside its own test side.

    Images that the run has met while it learnt are found and left out.
    """
    artifacts = Artifacts.locate()
    mapping = dict(_pair(pair) for pair in pairs)
    paths = jobs.evaluating(artifacts, run, data, mapping=mapping)
    followed(artifacts, paths, wait, as_json, lambda: beyond.external(paths).to_dict(), lambda: _tell(beyond.external(paths)))


@click.command("robustness")
@click.argument("run")
@wait_option
@output.json_option
def robustness(run: str, wait: bool, as_json: bool) -> None:
    """Disturb the test images of a finished RUN in stain, light, sharpness and JPEG quality, and see its balanced accuracy fall."""
    artifacts = Artifacts.locate()
    paths = jobs.straining(artifacts, run)
    followed(artifacts, paths, wait, as_json, lambda: beyond.robustness(paths).to_dict(), lambda: _tell_curves(beyond.robustness(paths)))


def _pair(text_: str) -> tuple[str, str]:
    theirs, equals, ours = text_.partition("=")
    if not equals:
        raise BadInput(f"--map {text_} has no '='.", "Write it as --map blast=leukemia.")
    return theirs.strip(), ours.strip()


def followed(
    artifacts: Artifacts, paths: JobPaths, wait: bool, as_json: bool, document: Callable[[], dict[str, Any]], tell: Callable[[], None]
) -> None:
    """See to it that the job is done, and say what came of it. Ends the process with 1 where it was waited for and failed."""
    control.ensure(artifacts)
    if not as_json:
        click.echo(f"Queued {paths.id}.")
    if wait:
        waiting.until_ended(artifacts, paths, quiet=as_json, goes_on="The work goes on. `jobs list` tells how it stands.")
    job = store.read(paths)
    done = job.state == status.DONE
    if as_json:
        output.document({"id": job.id, "status": job.state, "reason": job.status.reason, "result": document() if done else None})
    elif done:
        tell()
    elif wait:
        click.echo(f"{job.id}: {job.state}. {job.status.reason}", err=True)
    if wait and not done:
        sys.exit(1)


def _tell(found: External) -> None:
    for sentence in words.alarms(found):
        click.echo(f"Attention: {sentence}")
    rows = [(words.measure(one.measure), text.show(one.own), text.show(one.other), words.signed(one.difference)) for one in found.compared]
    output.table(("figure", "own test side", found.data, "difference"), rows)
    for sentence in (words.conclusion(found), words.distances(found), words.looks(found), *words.caveats(found)):
        click.echo(sentence)


def _tell_curves(found: Robustness) -> None:
    if found.synthetic:
        click.echo("The test images are drawn cells: this says nothing about real ones.", err=True)
    click.echo(f"Balanced accuracy as they are: {text.show(found.base)}.")
    for one in found.curves:
        click.echo(f"\n{one.kind}: {one.strength}")
        rows = [(f"{p.strength:g}", text.show(p.balanced_accuracy), words.signed(p.loss), text.percent(p.changed)) for p in one.points]
        output.table(("strength", "balanced accuracy", "loss", "answers changed"), rows)
        click.echo(figures.told(one, found.base))
