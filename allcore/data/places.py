"""Where a person in a browser may import from. Whoever has a command line may read what his account may."""

from __future__ import annotations

import os
from pathlib import Path

from allcore.base.errors import BadInput

ENVIRONMENT_VARIABLE = "ALLCORE_IMPORT_ROOTS"
_USUAL = ("/data", "/mnt", "/media", "/srv", "/Volumes")


def roots() -> tuple[Path, ...]:
    """The folders that ALLCORE_IMPORT_ROOTS names (separated as in PATH); without it, the account's own and where disks are mounted."""
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if named is not None:
        chosen = [Path(one).expanduser() for one in named.split(os.pathsep) if one.strip()]
    else:
        chosen = [home for home in (Path.home(),) if home != Path(home.anchor)] + [Path(one) for one in _USUAL if os.path.isdir(one)]
    return tuple(dict.fromkeys(path.resolve() for path in chosen))


def allowed(typed: str) -> Path:
    """The path that was typed, all links followed, if it lies in one of the roots.

    Raises BadInput where it does not, in the same words whether it exists or not.
    """
    try:
        path = Path(typed.strip()).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, an unknown ~user, a NUL
        raise BadInput(f"{typed!r} is no path.", "Type the path of a folder or file on this server.") from error
    known = roots()
    if not any(path.is_relative_to(root) for root in known):
        where = ", ".join(map(str, known)) or "no folder"
        raise BadInput(f"{typed.strip()} lies outside the folders that may be imported from here.", f"These may: {where}.")
    return path
