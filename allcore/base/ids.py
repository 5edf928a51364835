"""Names of data sets, jobs and runs: `^[a-z0-9][a-z0-9-]*$`, safe as a folder on any system."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from allcore.base.errors import BadInput

PATTERN = re.compile(r"^[a-z0-9][a-z0-9-]*$")
LONGEST = 80


def checked(value: str, what: str = "name") -> str:
    """`value` itself, if it may name a folder of ours.

    Raises BadInput where it may not.
    """
    if not PATTERN.fullmatch(value) or len(value) > LONGEST:
        raise BadInput(
            f"{value[:LONGEST]!r} can't be a {what}.",
            f"Use lower-case letters, digits and hyphens, a letter or digit first, {LONGEST} characters at most.",
        )
    return value


def new(*parts: str) -> str:
    """A fresh id that sorts by time: `20261122-235200-proposed-cnn-3f9c07ab`."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    end = f"-{secrets.token_hex(4)}"
    middle = "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts)
    return f"{stamp}-{middle}"[: LONGEST - len(end)] + end
