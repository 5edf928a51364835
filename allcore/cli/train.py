"""`allcore train`: submit one training."""

from __future__ import annotations

import sys
import time

import click

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts, JobPaths
from allcore.cli import output, runs
from allcore.data import splits
from allcore.jobs import control, submit
from allcore.models import presets
from allcore.runs import status, store


@click.command("train")
@click.option("--data", "data_id", required=True, help="The data set's name.")
@click.option("--model", required=True, help="The model's id; `models list` shows them.")
@click.option("--preset", default=presets.DEFAULT, show_default=True, help="A named way to train; `models show MODEL` explains each.")
@click.option("--split", type=click.Choice(splits.LEVELS), help="Split at this level, whatever the preset says.")
@click.option("--seed", type=int, help="Start of every random choice, the split's included.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be given several times.")
@click.option("--wait", is_flag=True, help="Stay until the run has ended.")
@output.json_option
def command(
    data_id: str, model: str, preset: str, split: str | None, seed: int | None, changes: tuple[str, ...], wait: bool, as_json: bool
) -> None:
    """Train one model on one data set, in the background.

    The run goes on when this command, its terminal, or the web server ends.
    """
    artifacts = Artifacts.locate()
    changed = dict(_pair(change) for change in changes)
    plan, certificate = submit.planned(artifacts, data=data_id, model=model, preset=preset, split=split, seed=seed, changed=changed)
    paths = submit.training(artifacts, plan)
    control.ensure(artifacts)
    if not as_json:
        click.echo(f"Queued {paths.id}. {certificate.verdict()}")
    if wait:
        _wait(artifacts, paths, quiet=as_json)
    job = store.read(paths)
    if as_json:
        output.document(runs.summary(job, certificate))
    elif wait:
        runs.tell(job)
    if wait and job.state != status.DONE:
        sys.exit(1)


def _pair(change: str) -> tuple[str, str]:
    name, equals, value = change.partition("=")
    if not equals:
        raise BadInput(f"--set {change} has no '='.", "Write it as --set epochs=3.")
    return name.strip(), value.strip()


def _wait(artifacts: Artifacts, paths: JobPaths, *, quiet: bool) -> None:
    """Until the run has ended; Ctrl-C ends the waiting alone."""
    told = ""
    try:
        while (job := store.read(paths)).status.state not in status.ENDED:
            control.ensure(artifacts)
            line = f"{job.state} {job.share:.0%} {job.beat.doing if job.beat else ''}".strip()
            if not quiet and line != told:
                click.echo(line, err=True)
                told = line
            time.sleep(0.25)
    except KeyboardInterrupt:
        click.echo(f"Training goes on. `runs show {paths.id}` tells how it stands.", err=True)
        raise
