"""`allcore explain`: what a finished run looked at in image files."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import numpy as np

from allcore.base import fileio
from allcore.base.errors import Unreadable
from allcore.base.paths import Artifacts
from allcore.cli import output, predict
from allcore.data import images
from allcore.explain import heat, randomised
from allcore.explain.heat import HeatMap
from allcore.inference import served
from allcore.inference.served import ServedModel
from allcore.inference.uploads import Refused, Upload
from allcore.plots import heat as plots

_SIDE = 560


@click.command("explain")
@click.argument("run")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--method",
    type=click.Choice(tuple(heat.METHODS)),
    default=heat.OCCLUSION,
    show_default=True,
    help="How the map is made; 'activation' is for networks.",
)
@click.option("--class", "of", default="", help="The class to speak of; the one that the model finds most probable, where none is named.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("heat"),
    show_default=True,
    help="Folder for the pictures with their maps laid over them, as PNG.",
)
@output.json_option
def command(run: str, paths: tuple[Path, ...], method: str, of: str, out: Path, as_json: bool) -> None:
    """Show what RUN looked at in the image files PATHS, or in those in folders and zips PATHS.

    A map is withheld, with the reason, where a model with all that it learned shuffled gives much the same. Exit code 0 where each picture
    could be read, 2 otherwise.
    """
    paths_of_run = Artifacts.locate().run(run)
    model = served.load(paths_of_run)
    heat.require(model, method=method, of=of)
    told = _told(model, randomised.load(paths_of_run), predict.sent(paths), method=method, of=of, out=out)
    if as_json:
        output.document({**told, "most_likeness": heat.MOST_LIKENESS, "synthetic": model.card.synthetic})
    else:
        _lines(told, synthetic=model.card.synthetic)
    if told["errors"]:
        sys.exit(2)


def _told(
    model: ServedModel, shuffled: ServedModel, sent: Iterable[Upload | Refused], *, method: str, of: str, out: Path
) -> dict[str, list[dict[str, Any]]]:
    results, errors = [], []
    for one in sent:
        if isinstance(one, Refused):
            errors.append({"path": one.name, "error": one.error})
            continue
        try:
            picture = images.prepared(one.content, model.card.input_size)
        except Unreadable as error:
            errors.append({"path": one.name, "error": str(error)})
            continue
        found = heat.explained(model, shuffled, picture, method=method, of=of)
        file = None if found.withheld else out / _name(len(results) + 1, one.name, method)
        if file:
            _draw(file, picture, found)
        results.append({"path": one.name, "overlay": file and str(file), **found.to_dict()})
    return {"results": results, "errors": errors}


def _name(number: int, sender: str, method: str) -> str:
    """Of the file to be written. A number tells files of two folders apart; what a zip calls its files is not trusted."""
    stem = re.sub(r"[^\w.-]+", "_", Path(sender).stem)[:80]
    return f"{number:03}-{stem}-{method}.png"


def _draw(file: Path, picture: np.ndarray, found: HeatMap) -> None:
    from PIL import Image

    image = Image.fromarray(plots.overlay(picture, found.values)).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    with fileio.replacing(file) as aside:
        image.save(aside, "PNG")


def _lines(told: dict[str, Any], *, synthetic: bool) -> None:
    for one in told["results"]:
        click.echo(f"{one['path']}: {one['of']} {one['raw_probability']:.3f}, before any calibration")
        if one["withheld"]:
            click.echo(f"  no map: {one['withheld']}")
            continue
        if one["share_on_cell"] is not None:
            click.echo(f"  {one['share_on_cell']:.0%} of the weight lies on the cell, which fills {one['cell']:.0%} of the picture")
        click.echo(f"  rank correlation with the shuffled model's map {one['likeness']:.2f}; withheld from {heat.MOST_LIKENESS} on")
        click.echo(f"  {one['overlay']}")
    if synthetic:
        click.echo("This model was trained on drawn cells.", err=True)
    for one in told["errors"]:
        click.echo(f"{one['path']}: {one['error']}", err=True)
