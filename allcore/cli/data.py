"""`allcore data`: make, list, show and delete data sets."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.checks import report
from allcore.checks import run as checks
from allcore.cli import output
from allcore.data import fetching, importers, importing, looks, records, splits, verifying
from allcore.data.importers import Options, manifest
from allcore.data.phantom import CNMC, PhantomSpec, twin
from allcore.data.progress import Progress, part
from allcore.data.records import DatasetCard
from allcore.data.splits import SplitSpec

DEFAULTS = PhantomSpec()
_COLUMNS = ", ".join(manifest.COLUMNS)
_SIZES = [str(size) for size in fetching.BLOODMNIST_BY_SIZE]
_SHOWN = 5


@click.group("data")
def group() -> None:
    """Make, list, show and delete data sets."""


@group.command("phantom")
@click.option("--name", required=True, help="The new data set's name.")
@click.option(
    "--like",
    type=click.Choice([CNMC]),
    help="Draw a twin: names, phases, folds, classes and subjects of C-NMC 2019's published list, 15,114 images of 118 patients.",
)
@click.option("--images", type=int, show_default=str(DEFAULTS.images), help="How many cells to draw.")
@click.option("--patients", type=int, show_default=str(DEFAULTS.patients), help="How many patients they come from.")
@click.option("--difficulty", default=DEFAULTS.difficulty, show_default=True, help="0: classes far apart; 1: no difference at all.")
@click.option("--habits", default=DEFAULTS.habits, show_default=True, help="Strength of each patient's own stain, light and size; 0: none.")
@click.option("--size", default=DEFAULTS.size, show_default=True, help="Pixels a side.")
@click.option("--seed", default=DEFAULTS.seed, show_default=True, help="Same seed, same cells.")
@output.json_option
def phantom(name: str, like: str | None, images: int | None, patients: int | None, as_json: bool, **settings: Any) -> None:
    """Draw a synthetic data set, labelled as such wherever it speaks."""
    counts = {key: value for key, value in {"images": images, "patients": patients}.items() if value is not None}
    if like and counts:
        raise BadInput(f"A twin's '{next(iter(counts))}' can't be chosen: it has those of the set that it is like.", "Leave it out.")
    drawing = twin(**settings) if like else PhantomSpec(**counts, **settings)
    with _progress(as_json) as progress:
        card = importing.make_phantom(Artifacts.locate(), name, drawing, progress=progress)
        _measured(card, progress)
    _show(card, as_json)


@group.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="The new data set's name.")
@click.option("--layout", default=importers.AUTO, show_default=True, help=f"One of {', '.join((importers.AUTO, *importers.IMPORTERS))}.")
@click.option("--patient-pattern", default="", help="Regular expression with a group (?P<patient>...), looked for in each image's path.")
@click.option("--positive", default="", help="The class that is looked for.")
@click.option("--column", "columns", multiple=True, metavar="NAME=COLUMN", help=f"Of a table: which column is the {_COLUMNS}.")
@click.option("--class-name", "class_names", multiple=True, help="Of a MedMNIST file: a class's name; once for each label, in order.")
@click.option("--licence", default="", help="The images' licence, for the data set's card.")
@click.option("--source", default="", help="Where they come from: a citation or an address.")
@output.json_option
def import_(path: Path, name: str, layout: str, columns: tuple[str, ...], as_json: bool, **said: Any) -> None:
    """Make a data set of images.

    PATH is a folder (C-NMC 2019 in any of its copies; a folder for each class, with or without train, val and test above), a table (CSV
    or Parquet) of paths and labels, a MedMNIST file, or a zip of any of these. Images in a folder stay where they are; those in a zip
    or a MedMNIST file are unpacked into the data set's own.
    """
    options = Options(columns=_pairs(columns), **said)
    with _progress(as_json) as progress:
        card = importing.import_folder(Artifacts.locate(), path, name, layout=layout, options=options, progress=progress)
        _measured(card, progress)
    _show(card, as_json)


@group.command("fetch")
@click.argument("what", metavar="WHAT", type=click.Choice(fetching.NAMES))
@click.option("--name", default="", help="The new data set's name; without it, WHAT.")
@click.option("--size", type=click.Choice(_SIZES), default=_SIZES[0], show_default=True, help="Pixels a side, of BloodMNIST.")
@output.json_option
def fetch(what: str, name: str, size: str, as_json: bool) -> None:
    """Fetch real images and import them.

    WHAT is cnmc, C-NMC 2019 (11 GB, from Kaggle, by the package kagglehub), or bloodmnist, BloodMNIST (from Zenodo).
    """
    artifacts = Artifacts.locate()
    with _progress(as_json) as progress:
        if what == fetching.CNMC:
            source = fetching.cnmc(artifacts.downloads)
        else:
            source = fetching.file(fetching.BLOODMNIST_BY_SIZE[int(size)], artifacts.downloads, progress=part(progress, 0.0, 0.5))
        card = importing.import_folder(artifacts, source, name or what, progress=part(progress, 0.5, 1.0))
        _measured(card, progress)
    _show(card, as_json)


@group.command("verify")
@click.argument("copy")
@output.json_option
def verify(copy: str, as_json: bool) -> int:
    """Hold COPY, a folder or an imported data set, against the list of C-NMC 2019 as published. Exit code 1 where it is not whole."""
    with _progress(as_json) as progress:
        found = verifying.against_official(verifying.root_of(Artifacts.locate(), copy), progress=progress)
    if as_json:
        output.document(found.to_dict())
    else:
        click.echo(f"{found.present:,} of the {found.expected:,} published files are in {found.root} as published.")
        for what in ("missing", "changed", "extra"):
            paths = getattr(found, what)
            click.echo(f"{what:12} {len(paths):,}")
            for path in paths[:_SHOWN]:
                click.echo(f"             {path}")
            if len(paths) > _SHOWN:
                click.echo(f"             and {len(paths) - _SHOWN:,} more; --json names all")
    return 0 if found.is_whole else 1


def _measured(card: DatasetCard, progress: Progress) -> None:
    """Measure the cells now, so that the pages need not."""
    progress(1.0, "Measuring cells")
    looks.of(Artifacts.locate().dataset(card.id))


@group.command("list")
@output.json_option
def list_(as_json: bool) -> None:
    """List all data sets."""
    cards = records.all_cards(Artifacts.locate())
    if as_json:
        output.document({"datasets": [summary(card) for card in cards]})
    else:
        rows = [(card.id, f"{card.images:,}", output.counts(card.classes), output.counts(card.subjects)) for card in cards]
        output.table(("name", "images", "classes", "subjects"), rows)


@group.command("show")
@click.argument("name")
@output.json_option
def show(name: str, as_json: bool) -> None:
    """Show what data set NAME holds."""
    _show(records.read_card(Artifacts.locate().dataset(name)), as_json)


@group.command("split")
@click.argument("name")
@click.option("--level", type=click.Choice(splits.LEVELS), default="patient", show_default=True, help="What stands on one side as a whole.")
@click.option("--seed", default=0, show_default=True, help="Same seed, same split.")
@click.option("--folds", default=0, help="Cross-validate with so many parts; 0: one test side.")
@click.option("--fold", default=0, show_default=True, help="With --folds: the part that is the test side, counted from 0.")
@output.json_option
def split(name: str, level: str, seed: int, folds: int, fold: int, as_json: bool) -> None:
    """Show the certificate of a split of data set NAME. Nothing is written."""
    paths = Artifacts.locate().dataset(name)
    certificate = splits.of_dataset(paths, SplitSpec(level, seed=seed, folds=folds, fold=fold)).certificate
    if as_json:
        output.document({"data": name, **certificate.to_dict(), "verdict": certificate.verdict()})
        return
    click.echo(certificate.verdict())
    rows = [
        (name, f"{side.images:,}", "unknown" if side.subjects is None else side.subjects, output.counts(side.images_by_class))
        for name, side in certificate.sides.items()
    ]
    output.table(("side", "images", "subjects", "images by class"), rows)
    click.echo(f"Byte for byte on another side too: {certificate.duplicate_test_images} test images. Hash {certificate.hash[:16]}.")


@group.command("check")
@click.argument("name")
@output.json_option
def check(name: str, as_json: bool) -> None:
    """Look for what can deceive in data set NAME, and keep what was found with it."""
    with _progress(as_json) as progress:
        found = checks.check(Artifacts.locate(), name, progress=progress)
    if as_json:
        output.document(found.to_dict())
        return
    for one in found.findings:
        click.echo(f"{one.severity:8} {one.title}")
        if one.severity != report.GOOD:
            for text in filter(None, (one.meaning, one.action)):
                click.echo(textwrap.indent(textwrap.fill(text, 110), " " * 9))
    click.echo("\nWhat could not be known:")
    for sentence in found.unknown:
        click.echo(textwrap.fill(sentence, 118, initial_indent="- ", subsequent_indent="  "))


@group.command("delete")
@click.argument("name")
@output.json_option
def delete(name: str, as_json: bool) -> None:
    """Delete data set NAME. Imported images stay where they lie."""
    importing.delete(Artifacts.locate(), name)
    output.document({"id": name, "deleted": True}) if as_json else click.echo(f"Deleted {name}.")


def summary(card: DatasetCard) -> dict[str, Any]:
    """The document of `data show`."""
    return {
        "id": card.id,
        "images": card.images,
        "classes": card.classes,
        "subjects": card.subjects,
        "phases": card.phases,
        "folds": card.folds,
        "fingerprint": card.fingerprint,
        "synthetic": card.synthetic,
        "positive": card.positive,
        "layout": card.layout,
        "licence": card.licence,
        "source": card.source,
        "unreadable": list(card.unreadable),
    }


def _pairs(columns: tuple[str, ...]) -> dict[str, str]:
    """`label=diagnosis` as a mapping. Raises BadInput where one has no equals sign."""
    for one in columns:
        if "=" not in one:
            raise BadInput(f"'{one}' maps no column.", "Write --column label=diagnosis.")
    return dict(one.split("=", 1) for one in columns)


def _show(card: DatasetCard, as_json: bool) -> None:
    if as_json:
        output.document(summary(card))
        return
    lines = {
        "data set": card.id + (" (drawn cells)" if card.synthetic else ""),
        "images": f"{card.images:,}",
        "classes": output.counts(card.classes),
        "subjects": output.counts(card.subjects) if card.has_subjects else "unknown",
        "phases": output.counts(card.phases),
        "folds": output.counts(card.folds),
        "positive": card.positive,
        "licence": card.licence or "unknown",
        "source": card.source or "unknown",
        "left out": f"{len(card.unreadable)} unreadable files",
        "fingerprint": card.fingerprint[:16],
    }
    for name, value in lines.items():
        click.echo(f"{name:12} {value}")


class _progress:
    """A progress bar on stderr, none with --json or where stderr is no terminal."""

    def __init__(self, as_json: bool) -> None:
        self._bar = click.progressbar(length=1000, file=sys.stderr, hidden=as_json or not sys.stderr.isatty())

    def __enter__(self) -> Callable[[float, str], None]:
        self._bar.__enter__()

        def told(share: float, doing: str) -> None:
            self._bar.label = doing
            self._bar.update(max(0, int(1000 * share) - self._bar.pos))

        return told

    def __exit__(self, *error: Any) -> None:
        self._bar.__exit__(*error)
