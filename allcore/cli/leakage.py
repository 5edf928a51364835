"""`allcore leakage`: what it is worth to a model to have met the test patients."""

from __future__ import annotations

import click

from allcore.base.paths import Artifacts
from allcore.cli import beyond, output
from allcore.jobs import submit
from allcore.metrics.leakage import Leakage
from allcore.runs import leakage


@click.command("leakage")
@click.argument("data")
@click.option("--repeats", default=10, show_default=True, help="Splits, 10 to 100; two models are trained for each.")
@click.option("--model", default=leakage.QUICK, show_default=True, help="'quick', a support vector machine, or a network's id.")
@click.option("--seed", default=0, show_default=True, help="By which the test patients and the training sides are chosen.")
@beyond.wait_option
@output.json_option
def command(data: str, repeats: int, model: str, seed: int, wait: bool, as_json: bool) -> None:
    """Measure how much better a model answers for patients whose other cells it was trained on, on the data set DATA.

    The test cells are the same; one training side has no cell of their patients, the other has, at the same size and classes.
    """
    artifacts = Artifacts.locate()
    paths = submit.leakage(artifacts, data, repeats=repeats, model=model, seed=seed)
    beyond.followed(artifacts, paths, wait, as_json, lambda: leakage.read(paths).to_dict(), lambda: _tell(leakage.read(paths)))


def _tell(found: Leakage) -> None:
    rows = [
        (str(number), f"{one.strangers:.3f}", f"{one.acquainted:.3f}", f"{one.acquainted - one.strangers:+.3f}")
        for number, one in enumerate(found.repeats, 1)
    ]
    output.table(("split", "had not met them", "knew other cells of them", "gap"), rows)
    click.echo(f"Trained: {found.model}.")
    click.echo(found.verdict())
