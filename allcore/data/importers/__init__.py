"""One file a layout. An importer lists the images of a folder or a file; reading them is `data.importing`'s task."""

from __future__ import annotations

from pathlib import Path

from allcore.base.errors import BadInput
from allcore.data.importers import cnmc, folders, manifest, medmnist, options
from allcore.data.importers.listing import Importer, Listing
from allcore.data.importers.options import AS_FOUND, Options

# In the order in which `auto` asks them: the narrow ones first.
IMPORTERS: dict[str, Importer] = {module.NAME: module for module in (cnmc, medmnist, manifest, folders)}
AUTO = "auto"

__all__ = ["AS_FOUND", "AUTO", "IMPORTERS", "Importer", "Listing", "Options", "listed"]


def listed(source: Path, layout: str = AUTO, said: Options = AS_FOUND) -> Listing:
    """The images below `source` (or that the file `source` stands for), by the importer named, or by the first that recognises the
    layout, with what the person said of them.

    Raises BadInput where `source` is missing, the layout unknown, nothing fits, or an option does not go with the layout.
    """
    require_layout(layout)
    if not source.exists():
        raise BadInput(f"There is no folder or file {source}.", "Check the path.")
    importer = IMPORTERS[layout] if layout != AUTO else _recognising(source, said)
    for name in _OWN:
        if getattr(said, name) and name not in importer.UNDERSTANDS:
            raise BadInput(f"The layout '{importer.NAME}' knows no {_OWN[name]}.", f"They go with '{_owner(name)}'.")
    return options.applied(said, importer.listing(source, said))


def require_layout(layout: str) -> None:
    """Raises BadInput where no importer has this name."""
    if layout not in (AUTO, *IMPORTERS):
        raise BadInput(f"There is no layout '{layout}'.", f"Choose one of: {', '.join((AUTO, *IMPORTERS))}.")


_OWN = {"columns": "columns", "class_names": "names of classes"}


def _owner(option: str) -> str:
    return next(name for name, importer in IMPORTERS.items() if option in importer.UNDERSTANDS)


def _recognising(source: Path, said: Options) -> Importer:
    for option in _OWN:
        if getattr(said, option):  # says what it is
            return IMPORTERS[_owner(option)]
    for importer in IMPORTERS.values():
        if importer.recognises(source):
            return importer
    if source.is_file():
        raise BadInput(f"{source} is a file that no importer knows.", "Name a folder of images, a zip, a table or an .npz file.")
    raise BadInput(
        f"No known layout was found in {source}.",
        "Put the images of each class into a folder of its own, or name the layout with --layout.",
    )
