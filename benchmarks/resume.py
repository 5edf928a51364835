"""A training that is killed ends as if it had not been: `python -m benchmarks.resume [--quick] [--check] [--seed N] [--threads N]`

20 trainings of the paper's network (2 with --quick) on a few drawn cells, and one of each other model (with --quick AllNet and the forest).
Each is killed (SIGKILL, its whole process group) at a random moment between its process's start and the end that an undisturbed one had,
and taken up again by the runner: of the network every other one not before one to three of its four epochs are done, and each other
network not before one, so that there is a checkpoint to go on from. The network must then have the weights of the undisturbed run bit for
bit (each constant of its ONNX graph); every model the losses and accuracies of each epoch, the test figures and the answer to every image,
in every digit, and no damaged file.

Networks train on `--threads` threads, one unless told otherwise.

A run that ends before its moment has come is let be, and another is queued, to be killed earlier. The last line is JSON. With --check,
exits 1 where any of this fails.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
from onnx import numpy_helper

from allcore.base import clock
from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs import control
from allcore.models import registry
from allcore.models.spec import CNN
from allcore.runs import events, status
from benchmarks import _runs, _watch

NETWORK = "proposed_cnn"
KILLS = 20
PATIENCE = 3600.0
_FIGURES = ("loss", "accuracy", "tune_loss", "tune_accuracy")


@dataclass(frozen=True)
class Strike:
    """A run that is to be killed, or was."""

    model: str
    run: JobPaths
    share: float
    """Of the undisturbed run's time in process, from 0 to 1."""
    epochs: int = 0
    """Not before so many are done."""
    struck: str = ""
    """Where it was when it was killed; '' before."""


def _epochs(model: str, number: int, chance: random.Random) -> int:
    """That a training has done before it is killed."""
    if registry.card(model).family != CNN:
        return 0
    return chance.randint(1, 3) * (number % 2) if model == NETWORK else 1


def weights(run: JobPaths) -> str:
    """One digest of all constants of a run's graph, whatever they are called."""
    arrays = [numpy_helper.to_array(one) for one in onnx.load(run.onnx).graph.initializer]
    each = sorted(hashlib.sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes()).hexdigest() for array in arrays)
    return hashlib.sha256("".join(each).encode()).hexdigest()


def losses(run: JobPaths) -> set[tuple]:
    """What each epoch ended with; an epoch that was done twice, since an attempt died, stands there twice if it ended differently."""
    told = [record for record in events.read(run) if record["event"] == events.EPOCH]
    return {(record["epoch"], *(record.get(name) for name in _FIGURES)) for record in told}


def seconds_in_process(run: JobPaths) -> float:
    """From its process's start to its end."""
    steps = {step.state: step.time for step in status.read(run).history}
    return clock.seconds_between(steps[status.STARTING], steps[status.DONE])


def killed(artifacts: Artifacts, strikes: list[Strike], seconds: dict[str, float], *, threads: int) -> list[Strike]:
    """The strikes, when each has struck and its run is over. `seconds` are those of each model's undisturbed run."""
    waiting, done, deadline = list(strikes), [], time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        control.ensure_if_needed(artifacts)
        for one in list(waiting):
            after = _struck(artifacts, one, seconds[one.model], threads)
            if after is not one:
                waiting.remove(one)
                (done if after.struck else waiting).append(after)
        if not waiting and all(status.read(one.run).state in status.ENDED for one in done):
            return done
        time.sleep(0.05)
    print("Gave up waiting.", flush=True)
    return [*done, *waiting]


def _struck(artifacts: Artifacts, one: Strike, seconds: float, threads: int) -> Strike:
    """It, once killed, or another in its place where its run has ended; else the same."""
    now = status.read(one.run)
    if now.state in status.ENDED:
        return replace(one, run=_runs.queued(artifacts, one.model, threads=threads), share=one.share / 2)
    began = next((step.time for step in now.history if step.state == status.STARTING), None)
    if began is None or clock.seconds_since(began) < one.share * seconds or len(losses(one.run)) < one.epochs:
        return one
    for process in _watch.processes().get(one.run.id, []):
        where = f"{now.state}, {len(losses(one.run))} epochs done"
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # a training's process leads a group of its own
            print(f"{time.strftime('%X')} {one.run.id} killed at {one.share:.0%}: {where}", flush=True)
            return replace(one, struck=where)
    return one


def faults(one: Strike, expected: JobPaths) -> list[str]:
    """What is not as it was without the kill."""
    now = status.read(one.run)
    if not one.struck or now.state != status.DONE:
        return [f"{one.run.id}: {'not killed' if not one.struck else f'{now.state}: {now.reason}'}"]
    found = [] if now.attempt > 1 else ["it was not taken up by another attempt"]
    found += ["other answers or test figures"] if _watch.differ(_watch.results(one.run), _watch.results(expected)) else []
    found += ["other losses"] if losses(one.run) != losses(expected) else []
    found += ["other weights"] if one.model == NETWORK and weights(one.run) != weights(expected) else []
    return [f"{one.run.id}, killed at {one.share:.0%} ({one.struck}): {what}" for what in [*found, *_watch.corrupt(one.run)]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2 trainings of the network, and two other models")
    parser.add_argument("--check", action="store_true", help="exit 1 where a run ends otherwise than undisturbed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="of each network's training")
    options = parser.parse_args()
    models = [NETWORK, "allnet", "random_forest"] if options.quick else list(_runs.SETTINGS)
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        artifacts = Artifacts(Path(folder) / "artifacts")
        _runs.prepared(artifacts)
        try:
            expected = _runs.undisturbed(artifacts, models, threads=options.threads)
            seconds = {model: seconds_in_process(run) for model, run in expected.items()}
            print(f"{time.strftime('%X')} undisturbed runs are done", flush=True)
            wanted = [NETWORK] * (2 if options.quick else KILLS) + [model for model in models if model != NETWORK]
            strikes = [
                Strike(model, _runs.queued(artifacts, model, threads=options.threads), chance.random(), _epochs(model, number, chance))
                for number, model in enumerate(wanted)
            ]
            strikes = killed(artifacts, strikes, seconds, threads=options.threads)
            missed = [fault for one in strikes for fault in faults(one, expected[one.model])]
        finally:
            control.stop(artifacts)
    for fault in missed:
        print(fault)
    figures = {
        "benchmark": "resume",
        "threads": options.threads,
        "killed": {model: sum(one.model == model and bool(one.struck) for one in strikes) for model in models},
        "killed_after_an_epoch": {
            model: sum(one.model == model and not one.struck.endswith(" 0 epochs done") for one in strikes) for model in models
        },
        "seconds_undisturbed": {model: round(taken, 1) for model, taken in seconds.items()},
        "missed": missed,
    }
    print(json.dumps(figures))
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
