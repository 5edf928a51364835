"""What happened in a run, a line each, appended and never rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allcore.base import clock, fileio
from allcore.base.paths import JobPaths

if TYPE_CHECKING:
    import pandas as pd

EPOCH, STAGE = "epoch", "stage"


def append(paths: JobPaths, event: str, *, attempt: int, **values: Any) -> None:
    """Write one event with its time."""
    fileio.append_json_line(paths.events, {"event": event, "time": clock.now(), "attempt": attempt, **values})


def read(paths: JobPaths) -> list[dict[str, Any]]:
    """All events, oldest first."""
    return fileio.read_json_lines(paths.events)


def stamp(paths: JobPaths) -> int:
    """A number that grows with each event; 0 before the first."""
    try:
        return paths.events.stat().st_size
    except FileNotFoundError:
        return 0


def epochs(records: list[dict[str, Any]]) -> pd.DataFrame:
    """A row an epoch, ascending; of an epoch that was done twice, since an attempt died, the later one counts."""
    import pandas as pd

    by_epoch = {record["epoch"]: record for record in records if record["event"] == EPOCH}
    return pd.DataFrame([by_epoch[number] for number in sorted(by_epoch)])
