"""A laboratory of one small drawn data set, and short trainings of each model on it, done by the real runner: what may be struck."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts, JobPaths
from allcore.data import importing
from allcore.data.phantom import PhantomSpec
from allcore.jobs import cluster as clusters
from allcore.jobs import control, slots, submit
from allcore.runs import status

_CHANGED = {"turns": "any", "stain_shift": 0.05, "brightness_shift": 0.1, "schedule": "cosine", "patience": 3}
"""So that dice, schedule and patience have to be taken up too."""
_NETWORK = {"epochs": 4, "batch_size": 16, "input_size": 32, "threads": 1, **_CHANGED}
_CLASSIFIER = {"components": 8, "input_size": 32}
SETTINGS = {
    "proposed_cnn": _NETWORK,
    "allnet": _NETWORK,
    "resnet50": {**_NETWORK, "epochs": 2},
    "vgg16": {**_NETWORK, "epochs": 2},
    "random_forest": {"trees": 400, **_CLASSIFIER},
    "logistic_regression": _CLASSIFIER,
    "svm": _CLASSIFIER,
    "knn": _CLASSIFIER,
    "sgd": _CLASSIFIER,
    "mlp": _CLASSIFIER,
}
"""Every model, so small that a training takes seconds."""


def prepared(artifacts: Artifacts) -> None:
    """Draw the cells; let this process, and the runner that it starts, work there: two trainings at a time, on this machine."""
    os.environ |= {ENVIRONMENT_VARIABLE: str(artifacts.root), slots.PARTS_VARIABLE: "2", "ALLCORE_RUNNER_IDLE": "120"}
    os.environ.pop(clusters.VARIABLE, None)
    importing.make_phantom(artifacts, "cells", PhantomSpec(images=120, patients=24, size=32))


def queued(artifacts: Artifacts, model: str, *, threads: int = 1) -> JobPaths:
    """Queue a training, a network's on so many threads."""
    changed = {**SETTINGS[model], **({"threads": threads} if "threads" in SETTINGS[model] else {})}
    plan, _ = submit.planned(artifacts, data="cells", model=model, preset="patient", changed=changed)
    return submit.training(artifacts, plan)


def undisturbed(artifacts: Artifacts, models: Iterable[str], *, threads: int = 1) -> dict[str, JobPaths]:
    """A run of each model, when all are done. Raises RuntimeError where one is not to be done."""
    runs = {model: queued(artifacts, model, threads=threads) for model in models}
    while True:
        states = [status.read(run) for run in runs.values()]
        if all(state.state == status.DONE for state in states):
            return runs
        for state in states:
            if state.state in (status.FAILED, status.CANCELLED):
                raise RuntimeError(f"A run that nobody disturbed has failed: {state.reason}")
        control.ensure_if_needed(artifacts)
        time.sleep(0.5)
