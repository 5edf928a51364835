"""`allcore predict`: classify image files with a finished run."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from allcore.base.paths import Artifacts
from allcore.cli import output
from allcore.data import images
from allcore.inference import answers, kinds, sentence, served, uploads
from allcore.inference.uploads import Refused, Upload
from allcore.reports import sheet


@click.command("predict")
@click.argument("run")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--kind",
    type=click.Choice((kinds.AUTO, *kinds.KINDS)),
    default=kinds.AUTO,
    show_default=True,
    help="What the pictures show: a segmented cell on black, a single stained cell, or a field of a smear, whose white cells are found.",
)
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="Print a table: path, cell (its number in a field), answer, a column a class, and why there is no answer.",
)
@click.option("--anyway", is_flag=True, help="Show the probabilities of images that can't be judged, too (in lines and in JSON).")
@output.json_option
def command(run: str, paths: tuple[Path, ...], kind: str, as_csv: bool, anyway: bool, as_json: bool) -> None:
    """Classify the image files PATHS, or those in folders and zips PATHS, with RUN.

    A single cell on a stained background, and each white cell of a field, is cut out and placed as the training cells are.
    An image unlike all that the model was trained on can't be judged: it is named with the reasons, and in JSON `judged` is false and
    there is no label.
    Exit code 0 where all files could be read, 2 otherwise.
    """
    artifacts = Artifacts.locate()
    uploads.require_few(sum(len(_images(path)) if path.is_dir() else 1 for path in paths))
    model, adviser = served.load(artifacts.run(run)), answers.adviser(artifacts, artifacts.run(run))
    told = uploads.document(adviser, uploads.answered(model, sent(paths), adviser=adviser, kind=kind), anyway=anyway)
    if as_json:
        output.document(told)
    elif as_csv:
        _table(model.card.class_names, told)
    else:
        _lines(told)
    if told["errors"]:
        sys.exit(2)


def _lines(told: dict[str, Any]) -> None:
    for one in told["results"]:
        cells = one.get("cells")
        if cells is None:
            click.echo(f"{one['path']}: {_spoken(one)}")
            continue
        click.echo(f"{one['path']}: a field with {sentence.counted_cells(len(cells))}")
        for cell in cells:
            click.echo(f"{one['path']}, cell {cell['number']}: {_spoken(cell)}")
    if told["why_not_guarded"]:
        click.echo(told["why_not_guarded"], err=True)
    if told["synthetic"]:
        click.echo("This model was trained on drawn cells.", err=True)
    click.echo(told["note"], err=True)
    for one in told["errors"]:
        click.echo(f"{one['path']}: {one['error']}", err=True)


def _spoken(one: dict[str, Any]) -> str:
    shares = ", ".join(f"{name} {share:.3f}" for name, share in (one["probabilities"] or {}).items())
    if one["judged"] is False:
        return " ".join([sentence.CANNOT, *one["reasons"]]) + (f" ({shares})" if shares else "")
    return f"{one['label']} ({shares})" + ("" if one["set"] is None else f", set: {', '.join(one['set']) or 'empty'}")


def _table(class_names: tuple[str, ...], told: dict[str, Any]) -> None:
    writer = csv.writer(sys.stdout)
    none = [""] * len(class_names)
    writer.writerow(["path", "cell", "answer", *(f"p_{name}" for name in class_names), "note"])
    for one in told["results"]:
        for cell in one.get("cells", [one]):
            judged = cell["judged"] is not False
            shares = cell["probabilities"].values() if judged else none
            answer = cell["label"] if judged else sheet.NOT_JUDGED
            writer.writerow([one["path"], cell.get("number", ""), answer, *shares, " ".join(cell["reasons"])])
        if not one.get("cells", [one]):
            writer.writerow([one["path"], "", sheet.NO_CELL, *none, one["kind_reason"]])
    for one in told["errors"]:
        writer.writerow([one["path"], "", "", *none, one["error"]])


def sent(paths: tuple[Path, ...]) -> Iterator[Upload | Refused]:
    """The files that are named, those in folders and zips too, read one by one as they are wanted."""
    for path in paths:
        if path.is_dir():
            files = _images(path)
            if not files:
                yield Refused(str(path), "The folder holds no image.")
            yield from (one for file in files for one in _read(file))
        else:
            yield from _read(path)


def _images(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in images.SUFFIXES)


def _read(path: Path) -> Iterator[Upload | Refused]:
    try:
        if path.stat().st_size > uploads.MOST_BYTES:
            yield Refused(str(path), f"The file has more than {uploads.MOST_BYTES / 1e6:.0f} MB.")
            return
        content = path.read_bytes()
    except OSError as error:
        yield Refused(str(path), f"The file can't be opened ({error.strerror}).")
        return
    yield from uploads.opened(Upload(str(path), content))
