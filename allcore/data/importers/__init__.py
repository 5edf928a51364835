"""One file a layout. An importer lists the images of a folder; reading them is `data.importing`'s task."""

from __future__ import annotations

from pathlib import Path

from allcore.base.errors import BadInput
from allcore.data.importers import cnmc, folders
from allcore.data.importers.listing import Importer, Listing

# In the order in which `auto` asks them: the narrow ones first.
IMPORTERS: dict[str, Importer] = {module.NAME: module for module in (cnmc, folders)}
AUTO = "auto"

__all__ = ["AUTO", "IMPORTERS", "Importer", "Listing", "listed"]


def listed(source: Path, layout: str = AUTO) -> Listing:
    """The images below `source`, by the importer named, or by the first that recognises the layout.

    Raises BadInput where the folder is missing, the layout unknown, or nothing fits.
    """
    if layout not in (AUTO, *IMPORTERS):
        raise BadInput(f"There is no layout '{layout}'.", f"Choose one of: {', '.join((AUTO, *IMPORTERS))}.")
    if not source.exists():
        raise BadInput(f"There is no folder {source}.", "Check the path.")
    if not source.is_dir():
        raise BadInput(f"{source} is a file, not a folder.", "Name the folder that holds the images.")
    if layout != AUTO:
        return IMPORTERS[layout].listing(source)
    for importer in IMPORTERS.values():
        if importer.recognises(source):
            return importer.listing(source)
    raise BadInput(
        f"No known layout was found in {source}.",
        "Put the images of each class into a folder of its own, or name the layout with --layout.",
    )
