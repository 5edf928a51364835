"""`allcore data`: make, list, show and delete data sets."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from allcore.base.paths import Artifacts
from allcore.cli import output
from allcore.data import importers, importing, records
from allcore.data.phantom import PhantomSpec
from allcore.data.records import DatasetCard

DEFAULTS = PhantomSpec()


@click.group("data")
def group() -> None:
    """Make, list, show and delete data sets."""


@group.command("phantom")
@click.option("--name", required=True, help="The new data set's name.")
@click.option("--images", default=DEFAULTS.images, show_default=True, help="How many cells to draw.")
@click.option("--patients", default=DEFAULTS.patients, show_default=True, help="How many patients they come from.")
@click.option("--difficulty", default=DEFAULTS.difficulty, show_default=True, help="0: classes far apart; 1: no difference at all.")
@click.option("--habits", default=DEFAULTS.habits, show_default=True, help="Strength of each patient's own stain, light and size; 0: none.")
@click.option("--size", default=DEFAULTS.size, show_default=True, help="Pixels a side.")
@click.option("--seed", default=DEFAULTS.seed, show_default=True, help="Same seed, same cells.")
@output.json_option
def phantom(name: str, as_json: bool, **settings: Any) -> None:
    """Draw a synthetic data set, labelled as such wherever it speaks."""
    with _progress(as_json) as progress:
        card = importing.make_phantom(Artifacts.locate(), name, PhantomSpec(**settings), progress=progress)
    _show(card, as_json)


@group.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="The new data set's name.")
@click.option("--layout", default=importers.AUTO, show_default=True, help=f"One of {', '.join((importers.AUTO, *importers.IMPORTERS))}.")
@output.json_option
def import_(path: Path, name: str, layout: str, as_json: bool) -> None:
    """Make a data set of the images below PATH, which stay where they are."""
    with _progress(as_json) as progress:
        card = importing.import_folder(Artifacts.locate(), path, name, layout=layout, progress=progress)
    _show(card, as_json)


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
