"""Random weights or ImageNet's: runs that differ in nothing but their start, held against each other on the same images.

The comparison that the paper lacks: it trained VGG-16 and ResNet-50 from random weights alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from allcore.metrics import compare
from allcore.metrics.compare import Difference
from allcore.metrics.intervals import Interval
from allcore.models import registry
from allcore.models.cnn import knobs
from allcore.reports import comparison
from allcore.runs import summary
from allcore.runs.spec import TrainSpec
from allcore.runs.store import Job

_OF_THE_START = tuple(knob.name for knob in knobs.start())
_NO_MATTER = (*_OF_THE_START, "threads")
"""Settings that may differ: those that say how it starts, and by how many threads it was computed, which moves the last digits alone."""
_INTERVALS = {compare.BALANCED: "balanced_accuracy", compare.AUROC: "auroc"}


@dataclass(frozen=True)
class Pair:
    """Two finished runs, alike in data, split, model, settings and test side."""

    random: Job
    imagenet: Job


@dataclass(frozen=True)
class Measured:
    """One figure of a pair: each run's own, and (ImageNet's - random), paired image by image."""

    measure: str
    random: Interval
    imagenet: Interval
    difference: Difference


def models() -> tuple[str, ...]:
    """Names of the models that can start from ImageNet's weights."""
    return tuple(card.name for card in registry.cards() if any(knob.name == _OF_THE_START[0] for knob in card.knobs))


def pairs(runs: Sequence[Job]) -> list[Pair]:
    """Pairs among finished trainings, the latest first. Of runs alike in all, the latest stands; of ImageNet's, one a way to begin
    (frozen epochs, file of weights).

    Raises NotFound where a run has no figures.
    """
    alike: dict[tuple, dict[tuple, Job]] = defaultdict(dict)
    for job in sorted(runs, key=lambda job: (job.spec.created, job.id)):
        settings = job.spec.params["settings"]
        if settings.get("start") == knobs.SCRATCH:  # where the other settings of a start mean nothing
            alike[_all_else(job)][(knobs.SCRATCH,)] = job
        elif settings.get("start") == knobs.IMAGENET:
            alike[_all_else(job)][tuple(settings.get(name) for name in _OF_THE_START)] = job
    found = []
    for starts in alike.values():
        random = starts.pop((knobs.SCRATCH,), None)
        found += [Pair(random, one) for one in starts.values()] if random else []
    return sorted(found, key=lambda pair: max(pair.random.spec.created, pair.imagenet.spec.created), reverse=True)


def measured(found: Sequence[Pair], *, predictions: Callable[[Job], pd.DataFrame]) -> list[tuple[Measured, ...]]:
    """Balanced accuracy and, of two classes, AUROC of each pair, at 0.5; p corrected by Holm within a measure for being several pairs.

    `predictions` gives a run's test side.
    """
    every = []
    for pair in found:
        scores = summary.read(pair.imagenet.paths).scores
        every.append(comparison.paired(scores, predictions(pair.imagenet), predictions(pair.random)))
    mended: list[dict[str, Difference]] = [{} for _ in found]
    for measure in _INTERVALS:
        places = [place for place, one in enumerate(every) if measure in one]
        for place, one in zip(places, compare.corrected([every[place][measure] for place in places]), strict=True):
            mended[place][measure] = one
    return [
        tuple(Measured(name, _own(pair.random, name), _own(pair.imagenet, name), one) for name, one in differences.items())
        for pair, differences in zip(found, mended, strict=True)
    ]


def _own(job: Job, measure: str) -> Interval:
    return summary.read(job.paths).scores.intervals[_INTERVALS[measure]]


def _all_else(job: Job) -> tuple:
    """What two runs of a pair have in common."""
    plan, short = TrainSpec.from_params(job.spec.params), summary.read(job.paths)
    settings = tuple(sorted((name, value) for name, value in plan.settings.items() if name not in _NO_MATTER))
    return plan.data, plan.data_fingerprint, plan.model, plan.split, short.certificate.hash, short.test_side, settings
