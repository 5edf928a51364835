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
from allcore.inference import served, uploads
from allcore.inference.uploads import Refused, Upload
from allcore.runs import threshold as kept


@click.command("predict")
@click.argument("run")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--csv", "as_csv", is_flag=True, help="Print a table: path, answer, a column a class, and why a file got no answer.")
@output.json_option
def command(run: str, paths: tuple[Path, ...], as_csv: bool, as_json: bool) -> None:
    """Classify the image files PATHS, or those in folders and zips PATHS, with RUN.

    Exit code 0 where all were answered, 2 otherwise.
    """
    paths_of_run = Artifacts.locate().run(run)
    model, chosen = served.load(paths_of_run), kept.read(paths_of_run)
    threshold = chosen.threshold if chosen else None
    found = uploads.answers(model, _sent(paths), threshold=threshold)
    told = uploads.document(model.card, found, threshold=threshold)
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
        shares = ", ".join(f"{name} {share:.3f}" for name, share in one["probabilities"].items())
        click.echo(f"{one['path']}: {one['label']} ({shares})")
    if told["synthetic"]:
        click.echo("This model was trained on drawn cells.", err=True)
    for one in told["errors"]:
        click.echo(f"{one['path']}: {one['error']}", err=True)


def _table(class_names: tuple[str, ...], told: dict[str, Any]) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(["path", "answer", *(f"p_{name}" for name in class_names), "note"])
    for one in told["results"]:
        writer.writerow([one["path"], one["label"], *one["probabilities"].values(), ""])
    for one in told["errors"]:
        writer.writerow([one["path"], "", *("" for _ in class_names), one["error"]])


def _sent(paths: tuple[Path, ...]) -> Iterator[Upload | Refused]:
    """The files, read one by one as they are wanted."""
    for path in paths:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.suffix.lower() in images.SUFFIXES)
            if not files:
                yield Refused(str(path), "The folder holds no image.")
            yield from (one for file in files for one in _read(file))
        else:
            yield from _read(path)


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
