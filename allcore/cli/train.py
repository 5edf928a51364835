"""`allcore train`: submit one training."""

from __future__ import annotations

import sys

import click

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.cli import output, runs, waiting
from allcore.data import splits
from allcore.jobs import control, submit
from allcore.models import presets
from allcore.runs import place, status, store
from allcore.runs.spec import Tags


@click.command("train")
@click.option("--data", "data_id", help="The data set's name.")
@click.option("--model", help="The model's id; `models list` shows them.")
@click.option("--from", "run", metavar="RUN", help="Repeat this run: its data, model, split and settings, but for what --set changes.")
@click.option("--continue", "goes_on", is_flag=True, help="With --from: go on from that run's last checkpoint, for more epochs.")
@click.option("--preset", show_default=presets.DEFAULT, help="A named way to train; `models show MODEL` explains each.")
@click.option("--split", type=click.Choice(splits.LEVELS), help="Split at this level, whatever the preset says.")
@click.option(
    "--calibrate",
    type=float,
    metavar="SHARE",
    help="Share of images kept for temperature, threshold and sets of classes, whatever the preset says; sets need 20 patients a class.",
)
@click.option("--folds", default=0, help="Cross-validate: so many parts of the split's level, of which this run tests on one; 0: no.")
@click.option("--fold", default=0, show_default=True, help="With --folds: the part that is the test side, counted from 0.")
@click.option("--seed", type=int, help="Start of every random choice, the split's included.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be given several times.")
@click.option(
    "--priority", type=click.IntRange(place.LOWEST, place.HIGHEST), default=place.NORMAL, show_default=True, help="The higher begins first."
)
@click.option("--wait", is_flag=True, help="Stay until the run has ended.")
@output.json_option
def command(
    data_id: str | None,
    model: str | None,
    run: str | None,
    goes_on: bool,
    preset: str | None,
    split: str | None,
    calibrate: float | None,
    folds: int,
    fold: int,
    seed: int | None,
    changes: tuple[str, ...],
    priority: int,
    wait: bool,
    as_json: bool,
) -> None:
    """Train one model on one data set, in the background.

    The run goes on when this command, its terminal, or the web server ends.
    """
    artifacts = Artifacts.locate()
    changed = dict(_pair(change) for change in changes)
    if run:
        if data_id or model or preset or split or folds or (seed, calibrate) != (None, None):
            raise BadInput(
                "--from takes all from that run.",
                "Leave out --data, --model, --preset, --split, --calibrate, --folds and --seed; use --set.",
            )
        plan, certificate = submit.repeated(artifacts, run, changed)
    elif data_id and model:
        plan, certificate = submit.planned(
            artifacts,
            data=data_id,
            model=model,
            preset=preset or presets.DEFAULT,
            split=split,
            calibrate=calibrate,
            folds=folds,
            fold=fold,
            seed=seed,
            changed=changed,
        )
    else:
        raise BadInput("What is to be trained is not named.", "Give --data and --model, or --from with a run.")
    if goes_on and not run:
        raise BadInput("--continue has no run to go on from.", "Name it with --from.")
    tags = Tags(priority=priority)
    paths = submit.continued(artifacts, run, plan, tags=tags) if goes_on else submit.training(artifacts, plan, tags=tags)
    control.ensure(artifacts)
    if not as_json:
        click.echo(f"Queued {paths.id}. {certificate.verdict()}")
    if wait:
        waiting.until_ended(artifacts, paths, quiet=as_json, goes_on=f"Training goes on. `runs show {paths.id}` tells how it stands.")
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
