"""`allcore predict`: classify image files with a finished run."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from allcore.base.paths import Artifacts
from allcore.cli import output
from allcore.data import archives, images
from allcore.inference import answers, kinds, limits, sentence, served, uploads, worth
from allcore.inference.answers import Adviser
from allcore.inference.uploads import Classified, Found, Refused, Upload
from allcore.inference.worth import Worth
from allcore.metrics import text
from allcore.reports import sheet
from allcore.reports.sheet import Row

kind_option: Callable = click.option(
    "--kind",
    type=click.Choice((kinds.AUTO, *kinds.KINDS)),
    default=kinds.AUTO,
    show_default=True,
    help="What the pictures show: a segmented cell on black, a single stained cell, or a field of a smear, whose white cells are found.",
)


@click.command(
    "predict", epilog=f"Limits. A picture: {limits.PICTURE}. At once: {limits.BATCH}, {limits.FILE_BYTES // 1_000_000} MB a file."
)
@click.argument("run")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@kind_option
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="Print a table, a line a file or a cell of a field: path, kind, cell (its number), left, top, right, bottom, answer, "
    "probabilities (p_) and those before calibration (raw_p_), set, note, run, synthetic.",
)
@click.option(
    "--prevalence",
    metavar="SHARE",
    help="Tell what the calls are worth (PPV, NPV) where so large a share of cells is of the positive class; CLASS=SHARE for another.",
)
@click.option("--anyway", is_flag=True, help="Show the probabilities of images that can't be judged, too (in lines and in JSON).")
@output.json_option
def command(run: str, paths: tuple[Path, ...], kind: str, as_csv: bool, prevalence: str | None, anyway: bool, as_json: bool) -> None:
    """Classify the image files PATHS, or those in folders and zips PATHS, with RUN.

    A single cell on a stained background, and each white cell of a field, is cut out and placed as the training cells are.
    An image unlike all that the model was trained on can't be judged: it is named with the reasons, and in JSON `judged` is false and
    there is no label. Answers are printed as they come, JSON at the end.
    Exit code 0 where all files could be read, 2 otherwise.
    """
    artifacts = Artifacts.locate()
    files = _files(paths)
    held = sum(map(_held, files))
    uploads.require_few(held)
    model, adviser = served.load(artifacts.run(run)), answers.adviser(artifacts, artifacts.run(run))
    value = worth.asked(artifacts.run(run), adviser, prevalence)
    # A bar beside answers that are seen as they come would only tear them apart.
    hidden = not sys.stderr.isatty() or (sys.stdout.isatty() and not as_json)
    refused: list[Refused] = []
    with click.progressbar(length=held, label="Judging", file=sys.stderr, hidden=hidden, show_pos=True) as bar:

        def answered() -> Iterator[Found | Refused]:
            for one in uploads.answered(model, _read(files), adviser=adviser, kind=kind):
                bar.update(1)
                if isinstance(one, Refused):
                    refused.append(one)
                yield one

        if as_json:
            document = uploads.document(adviser, answered(), anyway=anyway, worth=value)
        elif as_csv:
            _table(adviser, answered())
        else:
            _lines(answered(), anyway=anyway)
    if as_json:
        output.document(document)
    else:
        told_of_all(adviser, value)
        for one in [] if as_csv else refused:
            click.echo(f"{one.name}: {one.error}", err=True)
    if refused:
        sys.exit(2)


def _lines(found: Iterable[Found | Refused], *, anyway: bool) -> None:
    """Print answers as they come; what is refused is told at the end."""
    for one in found:
        if isinstance(one, Classified):
            click.echo(f"{one.name}: {_spoken(one, anyway)}")
        elif not isinstance(one, Refused):
            click.echo(f"{one.name}: a field. {sentence.of_field(one.cells)}")
            for cell in one.cells:
                click.echo(f"{one.name}, cell {cell.cut.cell.number}: {_spoken(cell, anyway)}")


def told_of_all(adviser: Adviser, value: Worth | None) -> None:
    """Print, beside the answers, what holds for all of them."""
    said = ("" if value is None else value.sentence(), *adviser.wanting, "This model was trained on drawn cells." * adviser.card.synthetic)
    for one in (*filter(None, said), text.NOT_FOR_DIAGNOSIS):
        click.echo(one, err=True)


def _spoken(one: Classified, anyway: bool) -> str:
    shares = ", ".join(f"{name} {share:.3f}" for name, share in one.probabilities.items())
    if one.judged is False:
        return " ".join([sentence.CANNOT, *one.reasons]) + (f" ({shares})" if anyway else "")
    return f"{one.label} ({shares})" + ("" if one.set is None else f", set: {', '.join(one.set) or 'empty'}")


def _table(adviser: Adviser, found: Iterable[Found | Refused]) -> None:
    """Print answers as they come, and what is refused, for other programs."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(sheet.csv_head(adviser.card.class_names))
    for one in found:
        writer.writerows(sheet.csv_lines([Row.of(one, None, lambda _: "")], adviser))
        sys.stdout.flush()


def sent(paths: tuple[Path, ...]) -> Iterator[Upload | Refused]:
    """The files that are named, those in folders and zips too, read one by one as they are wanted."""
    return _read(_files(paths))


def _files(paths: tuple[Path, ...]) -> list[Path | Refused]:
    """Those that are named, and those in folders; a folder without any as what is refused."""
    found: list[Path | Refused] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        within = sorted(file for file in path.rglob("*") if file.suffix.lower() in images.SUFFIXES)
        found += within or [Refused(str(path), "The folder holds no image.")]
    return found


def _held(file: Path | Refused) -> int:
    """How many pictures there are in it."""
    if isinstance(file, Refused) or not archives.is_archive(file):
        return 1
    whole = _whole(file)
    return uploads.count(whole) if isinstance(whole, Upload) else 1


def _read(files: Iterable[Path | Refused]) -> Iterator[Upload | Refused]:
    for file in files:
        one = file if isinstance(file, Refused) else _whole(file)
        yield from uploads.opened(one) if isinstance(one, Upload) else [one]


def _whole(file: Path) -> Upload | Refused:
    """The file itself, or why it can't be had."""
    try:
        if file.stat().st_size > limits.FILE_BYTES:
            return Refused(str(file), f"The file has more than {limits.FILE_BYTES / 1e6:.0f} MB.")
        return Upload(str(file), file.read_bytes())
    except OSError as error:
        return Refused(str(file), f"The file can't be opened ({error.strerror}).")
