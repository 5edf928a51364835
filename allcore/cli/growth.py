"""`allcore learning-curve`: what further patients are worth."""

from __future__ import annotations

import click

from allcore.base.paths import Artifacts
from allcore.cli import beyond, output
from allcore.jobs import submit
from allcore.metrics import text
from allcore.metrics.growth import Growth
from allcore.runs import growth


@click.command("learning-curve")
@click.argument("data")
@click.option("--draws", default=5, show_default=True, help="How often other patients are drawn to train on, 2 to 50.")
@click.option("--seed", default=0, show_default=True, help="By which the test patients, a third, and the draws are chosen.")
@beyond.wait_option
@output.json_option
def command(data: str, draws: int, seed: int, wait: bool, as_json: bool) -> None:
    """Tell what further patients of the data set DATA are worth.

    A quick model is trained on more and more of them, and judged on the same test patients each time.
    Beside all cells of those patients, as many as at the first step: there the number of patients alone grows.
    """
    artifacts = Artifacts.locate()
    paths = submit.growth(artifacts, data, draws=draws, seed=seed)
    beyond.followed(artifacts, paths, wait, as_json, lambda: growth.read(paths).to_dict(), lambda: _tell(growth.read(paths)))


def _tell(found: Growth) -> None:
    rows = [(str(one.patients), f"{one.images:,.0f}", text.show(one.every), text.show(one.same)) for one in found.steps]
    output.table(("patients", "images", "balanced accuracy", "with as many cells as at first"), rows)
    click.echo(found.verdict())
