"""`allcore explain`: what a finished run looked at in image files."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np

from allcore.base import fileio
from allcore.base.errors import BadInput, Unreadable
from allcore.base.paths import Artifacts
from allcore.cli import output, predict
from allcore.explain import heat, randomised
from allcore.explain.heat import HeatMap
from allcore.inference import answers, cutting, kinds, sentence, served
from allcore.inference.answers import Adviser
from allcore.inference.cutting import Look
from allcore.inference.served import ServedModel
from allcore.inference.uploads import Refused, Upload
from allcore.metrics import text
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
@predict.kind_option
@click.option("--anyway", is_flag=True, help="Explain what can't be judged, too.")
@output.json_option
def command(run: str, paths: tuple[Path, ...], method: str, of: str, out: Path, kind: str, anyway: bool, as_json: bool) -> None:
    """Show what RUN looked at in the image files PATHS, or in those in folders and zips PATHS.

    What a picture shows is found out as by `allcore predict`: single cells, and those of a field, are cut out and placed as the training
    cells are. What can't be judged has no map. A map is withheld, with the reason, where a model with all that it learned shuffled gives
    much the same. Exit code 0 where each picture could be read, 2 otherwise.
    """
    artifacts = Artifacts.locate()
    paths_of_run = artifacts.run(run)
    model, adviser = served.load(paths_of_run), answers.adviser(artifacts, paths_of_run)
    heat.require(model, method=method, of=of)
    shuffled = randomised.load(paths_of_run)
    results: list[dict[str, Any]] = []
    errors: list[dict[str, str]] = []

    def mapped(picture: np.ndarray, name: str) -> dict[str, Any]:
        found = heat.explained(model, shuffled, picture, method=method, of=of)
        file = None if found.withheld else out / _name(len(results) + 1, name, method)
        if file:
            _draw(file, picture, found)
        return {"overlay": file and str(file), **found.to_dict()}

    for one in predict.sent(paths):
        try:
            look, pictures = _seen(one, model, adviser, kind)
            if not pictures:
                results.append({"path": one.name, "number": None, "judged": False, "reasons": [look.reason]})
            for number, picture in pictures:
                (said,) = answers.said(adviser, model.answer(picture[None]), picture[None])
                told = {"path": one.name, "number": number, "judged": said.judged, "reasons": list(said.reasons)}
                results.append(told | (mapped(picture, one.name) if anyway or said.judged is not False else {}))
        except (Unreadable, BadInput) as error:
            errors.append({"path": one.name, "error": str(error)})
    if as_json:
        beside = {"most_likeness": heat.MOST_LIKENESS, "synthetic": model.card.synthetic, "note": text.NOT_FOR_DIAGNOSIS}
        output.document({"results": results, "errors": errors, **beside})
    else:
        _lines(results, errors, adviser)
    if errors:
        sys.exit(2)


def _seen(one: Upload | Refused, model: ServedModel, adviser: Adviser, kind: str) -> tuple[Look, list[tuple[int | None, np.ndarray]]]:
    """What a file is taken for, and what the model is shown of it: uint8 (size, size, 3), each with the cell's number in a field.

    Raises Unreadable and BadInput.
    """
    if isinstance(one, Refused):
        raise BadInput(one.error)
    prepared = one.read(model.card.input_size)
    look = cutting.looked(one.content, prepared, ground=adviser.ground, kind=kind)
    if look.field is None:
        return look, [(None, prepared.pixels)]
    return look, [(cut.cell.number if look.kind == kinds.FIELD else None, cut.shown) for cut in look.cuts]


def _name(number: int, sender: str, method: str) -> str:
    """Of the file to be written. A number tells files of two folders apart; what a zip calls its files is not trusted."""
    stem = re.sub(r"[^\w.-]+", "_", Path(sender).stem)[:80]
    return f"{number:03}-{stem}-{method}.png"


def _draw(file: Path, picture: np.ndarray, found: HeatMap) -> None:
    from PIL import Image

    image = Image.fromarray(plots.overlay(picture, found.values)).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    with fileio.replacing(file) as aside:
        image.save(aside, "PNG")


def _lines(results: list[dict[str, Any]], errors: list[dict[str, str]], adviser: Adviser) -> None:
    for one in results:
        name = one["path"] + (f", cell {one['number']}" if one["number"] else "")
        if "of" not in one:
            click.echo(f"{name}: {' '.join([sentence.CANNOT, *one['reasons']])}")
            continue
        click.echo(f"{name}: {one['of']} {one['raw_probability']:.3f}, before any calibration")
        if one["judged"] is False:
            click.echo(f"  {' '.join([sentence.CANNOT, *one['reasons']])}")
        if one["withheld"]:
            click.echo(f"  no map: {one['withheld']}")
            continue
        if one["share_on_cell"] is not None:
            click.echo(f"  {one['share_on_cell']:.0%} of the weight lies on the cell, which fills {one['cell']:.0%} of the picture")
        click.echo(f"  rank correlation with the shuffled model's map {one['likeness']:.2f}; withheld from {heat.MOST_LIKENESS} on")
        click.echo(f"  {one['overlay']}")
    predict.told_of_all(adviser, None)
    for one in errors:
        click.echo(f"{one['path']}: {one['error']}", err=True)
