"""What the queue costs: `python -m benchmarks.jobs [--quick] [--check]`

- From submit to running: a small drawing is queued, and the time is taken until its process says that it is at work, with the runner up
  and with none. Reported; no bar, since the machine's load decides.
- Memory of a runner with nothing to do: at most 150 MB.
- A listing of 500 queued trainings of 30 owners, each with its turn and its wait, as the Jobs page makes it every few seconds, and one look
  of the runner at them, with no slot free. In processor time, so that neighbours do not count. At most 0.2 s each.
- The same with a thousand finished runs beside them: at most 0.2 s still, and at most 0.05 s more than without. So is the listing of
  `jobs list --active`, which measures the speed of past trainings anew where the page does so once a minute: at most 0.2 s.
- What 500 more jobs cost to submit, with and without the thousand: a job must take no longer than 1.5 times as long.

The last line is JSON, with the ratios of "with a thousand" to "without". With --check, exits 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from allcore.base import clock
from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts, JobPaths
from allcore.data import importing
from allcore.data.phantom import PhantomSpec
from allcore.jobs import board, control, estimate, submit
from allcore.jobs.executors.local import LocalExecutor
from allcore.jobs.runner import Runner
from allcore.runs import spec, status, store
from allcore.runs.spec import Tags
from benchmarks.results_page import written

QUEUED, FINISHED, OWNERS = 500, 1000, 30
MOST_SECONDS, MOST_MORE, MOST_MB, MOST_RATIO = 0.2, 0.05, 150.0, 1.5
SMALL = PhantomSpec(images=8, patients=2, size=32)


def to_running(folder: Path, *, jobs: int) -> dict[str, float]:
    """Seconds from submit to running (medians), and MB of the idle runner."""
    artifacts = Artifacts(folder)
    cold, warm, memory = [], [], []
    for number in range(jobs):
        for up in (False, True):
            if not up:
                control.stop(artifacts)
            paths = submit.phantom(artifacts, f"{'warm' if up else 'cold'}-{number}", SMALL)
            control.ensure(artifacts)
            _until_over(paths)
            steps = {step.state: step.time for step in status.read(paths).history}
            (warm if up else cold).append(clock.seconds_between(spec.read(paths).created, steps[status.RUNNING]))
        pid = control.state(artifacts).pid
        memory.append(psutil.Process(pid).memory_info().rss / 1e6)
    control.stop(artifacts)
    return {
        "submit to running, runner up": statistics.median(warm),
        "submit to running, no runner": statistics.median(cold),
        "idle runner, MB": max(memory),
    }


def _until_over(paths: JobPaths) -> None:
    deadline = time.monotonic() + 120
    while status.read(paths).state not in status.ENDED:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{paths.id} has not ended after two minutes")
        time.sleep(0.05)


def queued(artifacts: Artifacts, *, jobs: int) -> float:
    """Queue trainings of 30 owners in turn; processor seconds a job."""
    plan, _ = submit.planned(artifacts, data="bench", model="random_forest", preset="patient")
    began = time.process_time()
    for number in range(jobs):
        submit.training(artifacts, plan, tags=Tags(owner=f"person-{number % OWNERS}"))
    return (time.process_time() - began) / jobs


def seconds(action: Callable[[], object], *, times: int) -> float:
    """Processor seconds of an action: the median, once the first call has filled the memories."""
    action()
    taken = []
    for _ in range(times):
        began = time.process_time()
        action()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def looks(artifacts: Artifacts, *, times: int) -> dict[str, float]:
    """Processor seconds of a listing and of a look of the runner."""
    runner = Runner(artifacts, LocalExecutor(artifacts, ()))
    speeds = estimate.speeds(store.jobs(artifacts))
    assert len(board.rows(artifacts, ended=False, speeds=speeds)) >= QUEUED
    return {
        "listing": seconds(lambda: board.rows(artifacts, ended=False, speeds=speeds), times=times),
        "listing, speeds anew": seconds(lambda: board.rows(artifacts, ended=False), times=times),
        "look of the runner": seconds(runner.step, times=times),
    }


def queue_of_many(folder: Path, *, times: int) -> dict[str, float]:
    """A long queue, without and with a thousand finished runs."""
    artifacts = Artifacts(folder)
    importing.make_phantom(artifacts, "bench", PhantomSpec(images=120, patients=20, size=32))
    found = {f"submit, {QUEUED} jobs, each": queued(artifacts, jobs=QUEUED)}
    alone = looks(artifacts, times=times)
    written(artifacts, runs=FINISHED, images=333, patients=30)
    beside = looks(artifacts, times=times)
    for what in alone:
        found[f"{what}, {QUEUED} queued"] = alone[what]
        found[f"{what}, {FINISHED} finished beside"] = beside[what]
        found[f"ratio: {what}"] = beside[what] / alone[what]
    again = queued(artifacts, jobs=50)
    found["ratio: submit"] = again / found[f"submit, {QUEUED} jobs, each"]
    return found


def missed(found: dict[str, float]) -> list[str]:
    """Names of the figures that miss their bar."""
    bad = ["idle runner, MB"] if found["idle runner, MB"] > MOST_MB else []
    for what in ("listing", "listing, speeds anew", "look of the runner"):
        with_all, without = f"{what}, {FINISHED} finished beside", f"{what}, {QUEUED} queued"
        bad += [name for name in (with_all, without) if found[name] > MOST_SECONDS]
        slower = what != "listing, speeds anew" and found[with_all] - found[without] > MOST_MORE
        bad += [f"ratio: {what}"] if slower else []
    return bad + (["ratio: submit"] if found["ratio: submit"] > MOST_RATIO else [])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        os.environ[ENVIRONMENT_VARIABLE] = one
        found = to_running(Path(one), jobs=2 if options.quick else 8)
        found |= queue_of_many(Path(other), times=5 if options.quick else 20)
    bad = missed(found)
    for name, value in found.items():
        unit = "" if name.startswith("ratio") or name.endswith("MB") else " s"
        print(f"{name}: {value:.3f}{unit}{'  missed' if name in bad else ''}")
    print(json.dumps({name: round(value, 4) for name, value in found.items()}))
    return 1 if options.check and bad else 0


if __name__ == "__main__":
    sys.exit(main())
