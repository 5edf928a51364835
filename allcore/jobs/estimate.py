"""How long a training will take, and how long it will wait, from what this machine has done before."""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from allcore.base import fileio
from allcore.base.errors import AllcoreError
from allcore.base.paths import Artifacts
from allcore.data import paired
from allcore.data.splits import Certificate
from allcore.jobs import queue, slots
from allcore.models import presets, registry
from allcore.runs import spec, status
from allcore.runs.leakage import QUICK
from allcore.runs.spec import TrainSpec
from allcore.runs.store import Job

# Coming up, exporting and judging, measured on two cores of 2021: TensorFlow alone takes 5 s to import, compiling 7, exporting 1.
_OVERHEAD = {"cnn": 25.0, "classical": 5.0}
_STARTING, _COMPILING = 5.0, 7.0
_QUICK = 1300.0
"""Images a second that the quick model of `training.leakage` learns from, its answers included, there too."""
_ANSWERS_PER_SECOND = 150.0
_LAST = 5


@dataclass(frozen=True)
class Estimate:
    """Seconds, and where they come from."""

    seconds: float
    epoch_seconds: float | None
    """None for a model without epochs."""
    measured: bool
    """From runs of this model on this machine; else from the card's speed, scaled by a short measurement of this processor."""


def measured_speed(model: str, runs: Sequence[Job]) -> float | None:
    """Images a second, at 70 pixels, that the last runs of a model trained at; None where there were none."""
    done = (job for job in reversed(runs) if job.status.state == status.DONE and job.spec.params["model"] == model)
    speeds = [
        job.metrics["training"]["images_per_second"] * (job.spec.params["settings"]["input_size"] / 70) ** 2
        for job in islice(done, _LAST)  # not all: each has a file to read
        if job.metrics
    ]
    return statistics.median(speeds) if speeds else None


def estimated(plan: TrainSpec, certificate: Certificate, runs: Sequence[Job], *, machine: float = 1.0) -> Estimate:
    """How long `plan` takes on this machine, judging by `runs`, or where there are none by `machine`, as `machine.relative` gives it."""
    card = registry.card(plan.model)
    images = certificate.sides["train"].images
    total = sum(side.images for side in certificate.sides.values())
    # The cost of an image grows with its area.
    area = (plan.settings["input_size"] / 70) ** 2
    # Fourteen thousand pixels take a classifier far longer than sixty-four components.
    alike = [job for job in runs if job.spec.params["settings"].get("features") == plan.settings.get("features")]
    alike = [job for job in alike if slots.wanted(job.spec.params) == slots.wanted({"settings": plan.settings})]
    measured = measured_speed(plan.model, alike)
    speed = (measured or card.images_per_second * machine) / area
    overhead = _OVERHEAD[card.family] + total * area / _ANSWERS_PER_SECOND * (card.family == "cnn")
    if "epochs" not in plan.settings:
        return Estimate(overhead + images / speed, None, measured is not None)
    epoch = images / speed
    return Estimate(overhead + plan.settings["epochs"] * epoch * 1.1, epoch, measured is not None)


def leaking(model: str, cells: int, repeats: int, runs: Sequence[Job], *, machine: float = 1.0) -> float:
    """Seconds in which leakage is measured among so many `cells` by `repeats` pairs of quick models, or of a network's first lessons.

    `runs` and `machine` as in `estimated`.
    """
    images = min(paired.MOST, round(2 / 3 * cells))  # a third of the patients is tested
    if model == QUICK:
        return 2 * repeats * images / (_QUICK * machine)
    card = registry.card(model)
    lesson = card.preset(presets.FIRST_LESSON)
    settings = card.settings(lesson, {})
    speed = measured_speed(model, runs) or card.images_per_second * machine
    epochs = settings["epochs"] * images * (settings["input_size"] / 70) ** 2 / speed
    return _STARTING + 2 * repeats * (_COMPILING + epochs)


@dataclass(frozen=True)
class Wait:
    """What is ahead of a job, in seconds; a guess, and said to be one."""

    starts_in: float | None
    """Until it begins; 0 for one at work, None where what is before it can't be guessed."""
    left: float | None
    """From then, or from now, until it ends."""


_SHARING = 0.75
"""A training on a share s of the cores has s ** 0.75 of the speed: 0.6 with one thread of two, as measured."""


def speeds(jobs: Sequence[Job]) -> dict[str, float]:
    """`measured_speed` of each model that waits or runs among `jobs`, where it was trained before."""
    trainings = [job for job in jobs if job.spec.kind == spec.TRAIN]
    wanted = {job.spec.params.get("model") for job in trainings if job.status.state in status.ACTIVE}
    found = {model: measured_speed(model, trainings) for model in wanted}
    return {model: speed for model, speed in found.items() if speed}


def duration(artifacts: Artifacts, job: Job, measured: Mapping[str, float]) -> float | None:
    """Seconds that a training takes with the machine to itself; None where its model was never trained here, or it is none.

    Its sides are not known before it begins, so the shares that its split asks for stand in for them.
    """
    params = job.spec.params
    if job.spec.kind != spec.TRAIN or params.get("model") not in measured:
        return None
    try:
        images = fileio.read_json_cached(artifacts.dataset(params["data"]).card)["images"]
    except (OSError, AllcoreError, KeyError):
        return None
    split, settings = params["split"], params["settings"]
    test = 1 / split["folds"] if split["folds"] else split["test"]
    area = (settings["input_size"] / 70) ** 2
    once = images * max(0.05, 1 - test - split["tune"] - split["calibrate"]) * area / measured[params["model"]]
    family = registry.card(params["model"]).family
    judging = images * area / _ANSWERS_PER_SECOND * (family == "cnn")
    return _OVERHEAD[family] + judging + settings.get("epochs", 1) * once


def waits(artifacts: Artifacts, active: Iterable[Job], waiting: Sequence[Job], measured: Mapping[str, float]) -> dict[str, Wait]:
    """By id, what is ahead of each job: of those at work, and of those in `waiting`, which are in their turn."""
    found: dict[str, Wait] = {}
    ends: dict[str, list[float]] = {queue.TRAININGS: [], queue.OTHERS: []}
    sure = {queue.TRAININGS: True, queue.OTHERS: True}
    narrow = 1.0
    for job in active:
        if job.status.state not in status.IN_PROCESS:
            continue
        lane, total = queue.lane(job.spec.kind), duration(artifacts, job, measured)
        given = job.allotment
        if given and given.threads and lane == queue.TRAININGS:
            narrow = min(narrow, (min(given.threads, slots.cores()) / slots.cores()) ** _SHARING)
        left = _left(job, total and total / narrow)
        found[job.id] = Wait(0.0, left)
        sure[lane] = sure[lane] and left is not None
        for _ in range(slots.wanted(job.spec.params)):
            heapq.heappush(ends[lane], left or 0.0)
    for job in waiting:
        lane, total = queue.lane(job.spec.kind), duration(artifacts, job, measured)
        total = total and total / narrow
        # One that asks for several GPUs begins when the last of them is free.
        taken = [heapq.heappop(ends[lane]) for _ in range(min(slots.wanted(job.spec.params), len(ends[lane])))]
        begins = max(taken, default=0.0)
        found[job.id] = Wait(begins if sure[lane] else None, total)
        sure[lane] = sure[lane] and total is not None
        for _ in range(slots.wanted(job.spec.params)):
            heapq.heappush(ends[lane], begins + (total or 0.0))
    return found


def _left(job: Job, total: float | None) -> float | None:
    """Of a job at work: from its own pace once that can be seen, else from what such jobs took."""
    if job.seconds is not None and 0.1 < job.share < 1:
        return job.seconds / job.share - job.seconds
    return None if total is None else max(0.0, total - (job.seconds or 0.0))
