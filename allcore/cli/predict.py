"""`allcore predict`: classify image files with a finished run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from allcore.base.paths import Artifacts
from allcore.cli import output
from allcore.data import images
from allcore.inference import served, uploads
from allcore.inference.uploads import Classified, Refused, Upload
from allcore.runs import threshold as kept


@click.command("predict")
@click.argument("run")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@output.json_option
def command(run: str, paths: tuple[Path, ...], as_json: bool) -> None:
    """Classify the image files PATHS, or those in folders PATHS, with RUN.

    Exit code 0 where all were answered, 2 otherwise.
    """
    paths_of_run = Artifacts.locate().run(run)
    model, chosen = served.load(paths_of_run), kept.read(paths_of_run)
    threshold = chosen.threshold if chosen else None
    found: list[Classified | Refused] = []
    for path in paths:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.suffix.lower() in images.SUFFIXES)
            answers = [one for file in files for one in _answered(model, file, threshold)]
            found += answers or [Refused(str(path), "The folder holds no image.")]
        else:
            found += _answered(model, path, threshold)
    results = [{"path": one.name, "label": one.label, "probabilities": one.probabilities} for one in found if isinstance(one, Classified)]
    errors = [{"path": one.name, "error": one.error} for one in found if isinstance(one, Refused)]
    if as_json:
        output.document({"results": results, "errors": errors, "synthetic": model.card.synthetic, "threshold": threshold})
    else:
        for one in results:
            shares = ", ".join(f"{name} {share:.3f}" for name, share in one["probabilities"].items())
            click.echo(f"{one['path']}: {one['label']} ({shares})")
        if model.card.synthetic:
            click.echo("This model was trained on drawn cells.", err=True)
        for one in errors:
            click.echo(f"{one['path']}: {one['error']}", err=True)
    if errors:
        sys.exit(2)


def _answered(model: served.ServedModel, path: Path, threshold: float | None) -> list[Classified | Refused]:
    try:
        if path.stat().st_size > images.MOST_BYTES:
            return [Refused(str(path), f"The file has more than {images.MOST_BYTES / 1e6:.0f} MB.")]
        return uploads.classify(model, [Upload(str(path), path.read_bytes())], threshold=threshold)
    except OSError as error:
        return [Refused(str(path), f"The file can't be opened ({error.strerror}).")]
