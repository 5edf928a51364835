"""How long a training will take, from what this machine has done before."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from allcore.data.splits import Certificate
from allcore.models import registry
from allcore.runs import status
from allcore.runs.spec import TrainSpec
from allcore.runs.store import Job

# Coming up, exporting and judging, measured on two cores of 2021: TensorFlow alone takes 5 s to import, compiling 7, exporting 3.
_OVERHEAD = {"cnn": 25.0, "classical": 5.0}
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
    measured = measured_speed(plan.model, alike)
    speed = (measured or card.images_per_second * machine) / area
    overhead = _OVERHEAD[card.family] + total * area / _ANSWERS_PER_SECOND * (card.family == "cnn")
    if "epochs" not in plan.settings:
        return Estimate(overhead + images / speed, None, measured is not None)
    epoch = images / speed
    return Estimate(overhead + plan.settings["epochs"] * epoch * 1.1, epoch, measured is not None)
