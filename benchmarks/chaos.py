"""Whatever is killed, no run is lost: `python -m benchmarks.chaos [--quick] [--check] [--seed N]`

A hundred faults (12 with --quick) at random moments of active runs, first with the processes of this machine, then on a Dask scheduler with
two workers. Six kinds: the web server, the runner, a training's process and a Dask worker are killed; a training's process is stopped and
goes on 2 to 14 s later; all that there is goes at once. What a person would start again is started again: the page, a worker, the runner
(as every view of a page does), a run that failed since it died three times in a row without getting further.

Every run must end done, with the figures and answers of an undisturbed one in every digit, no two processes may have one run in hand, no
file may be damaged, and what a reader is told must be true within 10 s of any change. A run's own processor threads are one.

The last line is JSON. With --check, exits 1 where any of this fails.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs import cluster as clusters
from allcore.jobs import control
from allcore.runs import status, store
from benchmarks import _runs, _watch
from tests.clusters import ROOT, Cluster, free_port

PAGE, RUNNER, TRAINING, STOPPED, ALL, WORKER = (
    "web server", "runner", "training process", "training process, stopped", "all at once", "Dask worker",
)  # fmt: skip
LOCAL = (PAGE, RUNNER, TRAINING, STOPPED, ALL)
MODELS = ("proposed_cnn", "random_forest", "logistic_regression")
MOST_SECONDS_FALSE = 10.0
PATIENCE = 1800.0


@dataclass
class Laboratory:
    """One artifacts folder, with all that a person keeps running around it."""

    artifacts: Artifacts
    folder: Path
    random: random.Random
    port: int
    cluster: Cluster | None = None
    page: subprocess.Popen | None = None
    runs: dict[JobPaths, str] = field(default_factory=dict)
    """The model of each run."""
    resumed: int = 0
    page_starts: int = 0
    _continue: list[tuple[float, psutil.Process]] = field(default_factory=list)

    def submit(self, model: str) -> JobPaths:
        run = _runs.queued(self.artifacts, model)
        self.runs[run] = model
        return run

    def tend(self) -> None:
        """What a person does who looks in: whatever is down is started again."""
        if self.page is None or self.page.poll() is not None:
            command = [sys.executable, "-m", "allcore", "app", "--port", str(self.port)]
            with open(self.folder / "page.log", "ab") as log:
                self.page = subprocess.Popen(
                    command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )  # fmt: skip
            self.page_starts += 1
        control.ensure_if_needed(self.artifacts)
        for name, process in list(self.cluster.workers.items()) if self.cluster else ():
            if process.poll() is not None:
                self.cluster.worker(name)
        for run in self.runs:
            if status.read(run).state == status.FAILED:
                store.resume(run)
                self.resumed += 1
        now = time.monotonic()
        for due, process in [one for one in self._continue if one[0] < now]:
            self._continue.remove((due, process))
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)

    def trainings(self) -> list[psutil.Process]:
        """Processes that do a run of ours."""
        ids = {run.id for run in self.runs}
        return [process for job, found in _watch.processes().items() if job in ids for process in found]

    def strike(self, kind: str) -> bool:
        """Do one fault; whether there was something to strike."""
        trainings = self.trainings()
        if not trainings:
            return False
        one = self.random.choice(trainings)
        if kind == STOPPED:
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGSTOP)
                self._continue.append((time.monotonic() + self.random.uniform(2, 14), one))
            return True
        pages = _family(self.page.pid) if self.page and self.page.poll() is None else []
        pid = control.state(self.artifacts).pid
        runner = [psutil.Process(pid)] if pid is not None and psutil.pid_exists(pid) else []
        workers = [psutil.Process(each.pid) for each in self.cluster.workers.values() if each.poll() is None] if self.cluster else []
        victims = {
            PAGE: pages,
            RUNNER: runner,
            TRAINING: [one],
            WORKER: [self.random.choice(workers)] if workers else [],
            ALL: [*pages, *runner, *workers, *trainings],
        }[kind]
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        return bool(victims)

    def end(self) -> None:
        control.stop(self.artifacts)
        for process in _family(self.page.pid) if self.page else []:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self.page:
            self.page.wait(30)
            self.page = None


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def disturbed(laboratory: Laboratory, kinds: list[str], *, runs: int) -> None:
    """Queue `runs` runs, a third of them of the network, and strike in the given order until all is struck and done."""
    others = [model for model in MODELS if model != "proposed_cnn"]
    for number in range(runs):
        laboratory.submit(others[number % len(others)] if number % 3 else "proposed_cnn")
    waiting, strike_at, deadline = list(kinds), time.monotonic() + 5, time.monotonic() + PATIENCE
    while waiting or any(status.read(run).state != status.DONE for run in laboratory.runs):
        if time.monotonic() > deadline:
            print("Gave up waiting.", flush=True)
            return
        laboratory.tend()
        if waiting and time.monotonic() > strike_at:
            if not store.active(laboratory.artifacts):
                laboratory.submit(laboratory.random.choice(MODELS))
            elif laboratory.strike(waiting[0]):
                print(f"{time.strftime('%X')} {waiting.pop(0)}", flush=True)
                strike_at = time.monotonic() + laboratory.random.uniform(1, 8)
        time.sleep(0.5)


def answers(port: int) -> bool:
    """Whether the page is up."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/_stcore/health")
            if connection.getresponse().status == 200:
                return True
        time.sleep(0.5)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="12 faults, 6 runs")
    parser.add_argument("--check", action="store_true", help="exit 1 where anything fails")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    each, on_workers, runs = (1, 2, 3) if options.quick else (8, 20, 15)
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        artifacts = Artifacts(folder / "artifacts")
        _runs.prepared(artifacts)
        laboratory = Laboratory(artifacts, folder, chance, free_port())
        try:
            expected = {model: _watch.results(run) for model, run in _runs.undisturbed(artifacts, MODELS).items()}
            print(f"{time.strftime('%X')} undisturbed runs are done", flush=True)
            found = struck_in_both(laboratory, each=each, on_workers=on_workers, runs=runs)
        finally:
            laboratory.end()
        done = [run for run in laboratory.runs if status.read(run).state == status.DONE]
        found |= {
            "runs": len(laboratory.runs),
            "of the network": sum(model == "proposed_cnn" for model in laboratory.runs.values()),
            "done": len(done),
            "attempts": sum(status.read(run).attempt for run in laboratory.runs),
            "resumed": laboratory.resumed,
            "page starts": laboratory.page_starts,
            "differing": sum(_watch.differ(_watch.results(run), expected[laboratory.runs[run]]) for run in done),
            "corrupt": [f"{run.id}/{what}" for run in laboratory.runs for what in _watch.corrupt(run)],
        }
    good = found["done"] == found["runs"] and found["answers at the end"] and found["longest false status, s"] <= MOST_SECONDS_FALSE
    good = good and not (found["differing"] or found["in two hands"] or found["corrupt"] or found["unreadable"])
    for what, value in found.items():
        print(f"{what}: {value}")
    print(json.dumps({**found, "good": good}))
    return 1 if options.check and not good else 0


def struck_in_both(laboratory: Laboratory, *, each: int, on_workers: int, runs: int) -> dict[str, object]:
    """Faults on this machine, then on a cluster; what was seen meanwhile."""
    kinds: Counter[str] = Counter()
    seen = []
    for on_cluster in (False, True):
        faults = [kind for kind in LOCAL for _ in range(each)] + [WORKER] * (on_workers if on_cluster else 0)
        laboratory.random.shuffle(faults)
        kinds.update(faults)
        first = len(laboratory.runs)
        if on_cluster:
            place = laboratory.folder / "cluster"
            place.mkdir()
            laboratory.cluster = Cluster(place).start()
            os.environ[clusters.VARIABLE] = laboratory.cluster.address
            for name in ("one", "two"):
                laboratory.cluster.worker(name)
        watch = _watch.Watch([])
        try:
            watch.runs = laboratory.runs  # grows as runs are queued
            disturbed(laboratory, faults, runs=runs)
            up = answers(laboratory.port)
        finally:
            watch.close()
            laboratory.end()
            if laboratory.cluster:
                laboratory.cluster.end()
        where = "on the cluster" if on_cluster else "here"
        print(f"{time.strftime('%X')} {len(laboratory.runs) - first} runs {where} are over", flush=True)
        seen.append((watch, up))
    longest: dict[str, float] = {}
    for watch, _ in seen:
        for what, taken in watch.longest.items():
            longest[what] = round(max(taken, longest.get(what, 0.0)), 1)
    return {
        "faults": sum(kinds.values()),
        "kinds": dict(kinds),
        "answers at the end": all(up for _, up in seen),
        "longest false status, s": round(max(watch.worst for watch, _ in seen), 1),
        "false statuses": longest,
        "in two hands": sum(watch.twice for watch, _ in seen),
        "unreadable": [line for watch, _ in seen for line in watch.unreadable],
    }


if __name__ == "__main__":
    sys.exit(main())
