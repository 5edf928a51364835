"""The one format of a moment: ISO 8601 in UTC, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """The present moment, as `2026-11-22T23:52:00.123Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_between(earlier: str, later: str) -> float:
    """Seconds from one moment to another, both as `now()` writes them."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def seconds_since(moment: str) -> float:
    """Seconds from a moment, as `now()` writes it, until the present."""
    return seconds_between(moment, now())
