"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]
"""Called with the share done (0 to 1) and what is being done; may raise to stop the work."""


def silent(_share: float, _what: str) -> None:
    """A Progress for those who don't watch."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """A Progress whose 0 to 1 is `start` to `end` of another's."""
    return lambda share, what: progress(start + (end - start) * share, what)
