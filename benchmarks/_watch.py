"""A reader that looks at runs all the time and holds what they say against the processes that there are."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import psutil

from allcore.base.errors import AllcoreError
from allcore.base.paths import JobPaths
from allcore.runs import events, status, store

_EVERY = 0.5
_ALWAYS_THERE = (status.RUNNING, status.FINISHING)
_NEVER_THERE = (status.QUEUED, status.INTERRUPTED, *status.ENDED)


@dataclass
class Watch:
    """What was seen of `runs`, to which more may be added."""

    runs: Collection[JobPaths]
    longest: dict[str, float] = field(default_factory=dict)
    """Seconds for which a status was false at a stretch, by what was said and what was so."""
    twice: int = 0
    """Looks at which two processes had one run in hand."""
    unreadable: list[str] = field(default_factory=list)
    _since: dict[str, tuple[str, float]] = field(default_factory=dict)
    _end: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()

    @property
    def worst(self) -> float:
        """The longest that any status was false, in seconds."""
        return max(self.longest.values(), default=0.0)

    def _look_on(self) -> None:
        while not self._end.wait(_EVERY):
            there = processes()
            for run in list(self.runs):
                try:
                    self._look(run, there.get(run.id, []))
                except (AllcoreError, OSError) as error:
                    self.unreadable.append(f"{run.id}: {error}")

    def _look(self, run: JobPaths, there: list[psutil.Process]) -> None:
        holding = [process for process in there if _has_in_hand(process, run)]
        self.twice += len(holding) > 1
        at_work = any(_is_moving(process) for process in holding)
        state = store.read(run).state
        false = ""
        if state in _ALWAYS_THERE and not at_work:
            false = f"{state}, and nobody at work"
        elif state in _NEVER_THERE and at_work:
            false = f"{state}, and somebody at work"
        elif state == status.STARTING and not there:
            false = f"{state}, and no process"
        said, since = self._since.get(run.id, ("", 0.0))
        if false != said:
            self._since[run.id] = false, time.monotonic()
        elif false:
            self.longest[false] = max(self.longest.get(false, 0.0), time.monotonic() - since)


def processes() -> dict[str, list[psutil.Process]]:
    """Every process that was started to do a job, by the job's id."""
    found: dict[str, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            command = process.cmdline()
            if command[1:3] == ["-m", "allcore.worker"]:
                found.setdefault(command[3], []).append(process)
    return found


def _has_in_hand(process: psutil.Process, run: JobPaths) -> bool:
    with suppress(psutil.Error):
        return any(file.path == str(run.job_lock) for file in process.open_files())
    return False


def _is_moving(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    return False


def corrupt(run: JobPaths) -> list[str]:
    """Files of a run that can't be read, and what tells that its attempts wrote over each other."""
    bad = []
    for file in sorted(run.folder.rglob("*")):
        try:
            _read(file)
        except Exception as error:
            bad.append(f"{file.relative_to(run.folder)}: {error}")
    attempts = [event["attempt"] for event in events.read(run)]
    return bad + ([] if attempts == sorted(attempts) else ["events.jsonl: an attempt that was over has written"])


def _read(file: Path) -> None:
    if file.suffix == ".json":
        json.loads(file.read_bytes())
    elif file.suffix == ".jsonl":
        for line in file.read_bytes().splitlines():
            json.loads(line)
    elif file.suffix == ".parquet":
        pd.read_parquet(io.BytesIO(file.read_bytes()))
    elif file.suffix == ".npy":
        np.load(file)
    elif file.suffix == ".onnx":
        onnx.checker.check_model(onnx.load(file))


def results(run: JobPaths) -> tuple[dict, pd.DataFrame]:
    """What must be the same, whatever has happened: the test side's figures, and every answer."""
    return json.loads(run.metrics.read_bytes())["test"], store.predictions(run)


def differ(one: tuple[dict, pd.DataFrame], other: tuple[dict, pd.DataFrame]) -> bool:
    """Whether two runs ended differently, in any digit."""
    return one[0] != other[0] or not one[1].equals(other[1])
