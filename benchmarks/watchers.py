"""What it costs the web server that many people watch one training: `python -m benchmarks.watchers [--quick] [--check]`

The paper's network trains on a few drawn cells, with one processor thread; 30 sessions (5 with --quick) have it open on the Jobs page for a
minute (15 s) and ask for its parts again as often as a browser does. Measured are

- cores: processor seconds that the web process takes a second; the training's own are not counted;
- age: for each epoch that ended meanwhile and each session, the seconds from the epoch's line in `events.jsonl` to the message that has it
  in the curves. What never came counts until the end of listening.

Bars: under 1.0 cores in all for 30 sessions (fewer: their share of it); no age over 5 s. The last line is JSON. With --check, exits 1 where
a bar is missed, a page showed an error, a session was lost, the training ended, or no epoch of it did.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psutil
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing
from allcore.data.phantom import PhantomSpec
from allcore.jobs import control, submit
from allcore.runs import events, status
from benchmarks import _session
from tests.e2e import stage

SESSIONS, SECONDS = 30, 60.0
CORES_BAR, AGE_BAR = 1.0, 5.0
APART, FIRST_VIEW = 0.35, 60.0
"""Seconds from one session's coming to the next's, and after which a first view counts as lost."""
SETTLING, LISTENING = 5.0, 10.0
"""Seconds between the first views and what is measured, and after it, in which the last epoch may still come."""
FEW = PhantomSpec(images=96, patients=16, size=32, difficulty=0.0)
SETTINGS = {"input_size": 32, "epochs": 1000, "batch_size": 32, "threads": 1, "patience": 0}
_EPOCHS = re.compile(r"Training over (\d+) epochs?\.")
"""What the curves' text for screen readers begins with."""


@dataclass
class Watcher:
    """A session, and when it was told of each epoch."""

    session: _session.Session
    seen: dict[int, float] = field(default_factory=dict)
    """time.time() at which curves with so many epochs came first."""

    def told(self, message: ForwardMsg, at: float) -> None:
        if message.WhichOneof("type") == "delta" and message.delta.new_element.HasField("plotly_chart"):
            found = _EPOCHS.match(message.delta.new_element.plotly_chart.alt)
            if found:
                self.seen.setdefault(int(found[1]), at)

    def told_of(self, epoch: int) -> float | None:
        """When the curves had this epoch, or a later one."""
        return min((at for number, at in self.seen.items() if number >= epoch), default=None)


@dataclass(frozen=True)
class Watched:
    """What was seen in the measured time."""

    watchers: list[Watcher]
    began: float
    """time.time(), as the others."""
    ended: float
    listened: float
    cores: float
    reruns: int
    received: int
    lost: int
    """Sessions whose connection broke or whose first view never came."""


def training(artifacts: Artifacts) -> JobPaths:
    """Queue the training and wait until its first epoch has ended. Raises RuntimeError where it fails."""
    importing.make_phantom(artifacts, "few", FEW)
    plan, _ = submit.planned(artifacts, data="few", model="proposed_cnn", preset="patient", changed=SETTINGS)
    run = submit.training(artifacts, plan)
    control.ensure(artifacts)
    while events.epochs(events.read(run)).empty:
        if status.read(run).state in status.ENDED:
            raise RuntimeError(f"The training ended before it was watched: {status.read(run).reason}")
        time.sleep(0.2)
    return run


async def watch(url: str, process: psutil.Process, *, sessions: int, seconds: float) -> Watched:
    """Open the Jobs page in many sessions and look on."""
    watchers = []
    for _ in range(sessions):
        watcher = Watcher(_session.Session(url))
        watcher.session.told = watcher.told
        watchers.append(watcher)
    try:
        # People do not come at the same moment, and their browsers' clocks do not beat together.
        stood = await asyncio.gather(*(_came(watcher.session, number * APART) for number, watcher in enumerate(watchers)))
        await asyncio.sleep(SETTLING)
        before, reruns, received = _cpu(process), sum(one.session.reruns for one in watchers), sum(one.session.received for one in watchers)
        began, clock = time.time(), time.perf_counter()
        await asyncio.sleep(seconds)
        taken, took = _cpu(process) - before, time.perf_counter() - clock
        ended = time.time()
        reruns, received = (
            sum(one.session.reruns for one in watchers) - reruns,
            sum(one.session.received for one in watchers) - received,
        )
        await asyncio.sleep(LISTENING)
        lost = sum(not (stands and one.session.is_open) for stands, one in zip(stood, watchers, strict=True))
        return Watched(watchers, began, ended, time.time(), taken / took, reruns, received, lost)
    finally:
        for watcher in watchers:
            await watcher.session.close()


async def _came(session: _session.Session, after: float) -> bool:
    """Whether the page stood in time."""
    await asyncio.sleep(after)
    await session.open()
    try:
        answer = await session.ask("jobs", patience=FIRST_VIEW)
    except _session.Unanswered as error:
        print(f"a first view did not come: {error}", file=sys.stderr)
        return False
    print(f"a first view took {answer.seconds:.1f} s", file=sys.stderr)
    return True


def ages(watched: Watched, run: JobPaths) -> dict[int, list[float]]:
    """For each epoch that ended in the measured time: the seconds that it took to come to each session."""
    found = {}
    for record in events.read(run):
        written = datetime.fromisoformat(record["time"]).timestamp()
        if record["event"] == events.EPOCH and watched.began <= written <= watched.ended:
            came = [watcher.told_of(record["epoch"]) or watched.listened for watcher in watched.watchers]
            found[record["epoch"]] = [max(0.0, at - written) for at in came]
    return found


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5 sessions for 15 s")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    options = parser.parse_args()
    sessions, seconds = (5, 15.0) if options.quick else (SESSIONS, SECONDS)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        artifacts = Artifacts(Path(folder) / "artifacts")
        with stage.serving(artifacts) as server:
            run = training(artifacts)
            _session.visited(server.url, "jobs")  # a server's very first page waits for its imports
            watched = _session.in_loop(watch(server.url, server.process, sessions=sessions, seconds=seconds))
            memory = server.process.memory_info().rss / 1e6
            found = ages(watched, run)
            state = status.read(run).state
    every = [age for one in found.values() for age in one]
    errors = sorted({error for watcher in watched.watchers for error in watcher.session.errors})
    for epoch, one in found.items():
        print(f"epoch {epoch}: came after {statistics.median(one):.1f} s (median), {max(one):.1f} s at most")
    bar = CORES_BAR * sessions / SESSIONS
    missed = [f"{watched.cores:.2f} cores, of {bar:.2f}"] if watched.cores >= bar else []
    missed += [f"curves {max(every):.1f} s old"] if every and max(every) > AGE_BAR else []
    missed += [] if every else ["no epoch ended meanwhile"]
    missed += [f"{watched.lost} sessions lost"] if watched.lost else []
    missed += [f"a page showed: {error}" for error in errors]
    missed += [] if state == status.RUNNING else [f"the training was {state} at the end"]
    figures = {
        "benchmark": "watchers",
        "sessions": sessions,
        "seconds": seconds,
        "cores": round(watched.cores, 3),
        "cpu_ms_a_rerun": round(1000 * watched.cores * (watched.ended - watched.began) / max(1, watched.reruns), 1),
        "reruns_a_second": round(watched.reruns / seconds, 1),
        "kilobytes_a_second": round(watched.received / seconds / 1000, 1),
        "epochs": len(found),
        "age_median_s": round(statistics.median(every), 2) if every else None,
        "age_most_s": round(max(every), 2) if every else None,
        "memory_mb": round(memory),
        "missed": missed,
    }
    print(json.dumps(figures))
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
