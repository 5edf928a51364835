"""AllNet against the study's nine, given the same minutes: `python -m benchmarks.rivals [FOLDER] [--minutes 10] [--seeds 5] [--check]`

FOLDER holds real images, a folder a class (PBC's 2,400, say), split 70 / 30 at random within each class. Without FOLDER the cells are the
drawn twin of C-NMC 2019, split 70 / 30 by patient. For each seed every model learns from the larger part: the networks for as many
epochs as fit into the minutes on two cores, by a run of two epochs beforehand (or as `--epochs allnet=90,vgg16=4` says, so that
another machine repeats the same work); the six classifiers on measures of the cell, the best of their features on PBC, until they
converge, which takes seconds to minutes. The best of the nine is the one with the highest balanced accuracy over all seeds together,
chosen with a look at the very test images: that favours it. The difference is paired on the same images, its interval over images
(without FOLDER over patients) and seeds. Bar: on real images that interval lies above 0, on the twin the difference is not below 0.
Beside it, without a bar: how well each model's probabilities hold (log loss, Brier score and expected calibration error of the class
that is named, mean AUROC over the classes), and how AllNet and that best one bear the same images under another stain, another light, a
blur and a turn. The last line is JSON; with --check, exits 1 where the bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts
from allcore.data import cache, importing, strained
from allcore.data.phantom import twin
from allcore.inference import served
from allcore.jobs import control, slots, submit
from allcore.metrics import calibration, compare, intervals
from allcore.metrics.intervals import Interval
from allcore.models import registry
from allcore.models.features import CELL
from allcore.models.spec import CNN
from allcore.runs import status, store
from allcore.runs.store import Job

OURS, DATA, TEST = "allnet", "cells", 0.3
MOMENTUM = "batch_norm_momentum"
STRENGTHS = ((strained.STAIN, 0.8), (strained.STAIN, 1.25), (strained.BRIGHTNESS, 0.8), (strained.BRIGHTNESS, 1.25),
             (strained.BLUR, 1.0), (strained.TURN, 45.0), (strained.TURN, 90.0))  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """Of one run or of several, on the test side: what each image's errors may share, its class, (n,); probabilities (n, classes)."""

    units: np.ndarray
    labels: np.ndarray
    p: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """Whether each image was answered rightly, bool (n,)."""
        return self.p.argmax(axis=1) == self.labels

    def held(self) -> dict[str, float]:
        """How well the probabilities hold."""
        sure = calibration.evaluate(self.right, self.p.max(axis=1), subjects=None)
        own = np.clip(self.p[np.arange(len(self.labels)), self.labels], 1e-7, 1)
        auroc = intervals.macro_auroc(self.labels, self.p, None).estimate
        return {"log_loss": float(-np.log(own).mean()), "brier": sure.brier, "ece": sure.ece, "auroc": auroc}


def trained(artifacts: Artifacts, model: str, split: str, seed: int, changed: dict[str, Any]) -> Job:
    """One run, done by the runner as any other. Raises RuntimeError where it does not end well."""
    plan, _ = submit.planned(artifacts, data=DATA, model=model, split=split, seed=seed, changed=changed)
    split = replace(plan.split, test=TEST, tune=0.0, calibrate=0.0, stratified=True)
    paths = submit.training(artifacts, replace(plan, split=split))
    while (job := store.read(paths)).status.state not in status.ENDED:
        control.ensure_if_needed(artifacts)
        time.sleep(0.5)
    if job.state != status.DONE:
        raise RuntimeError(f"{model}: {job.status.reason}")
    return job


def answers(job: Job, unit: str) -> Answers:
    """A run's, each image's `unit` its name or its patient."""
    table = store.predictions(job.paths).query("side == 'test'").sort_values("image_id")
    names = [name for name in table.columns if name.startswith("p_")]
    labels = table["label"].map({name.removeprefix("p_"): place for place, name in enumerate(names)}).to_numpy()
    return Answers(table[unit].to_numpy(str), labels, table[names].to_numpy())


def under(artifacts: Artifacts, job: Job, kind: str, strength: float) -> np.ndarray:
    """Probabilities (n, classes) of a run for its test images, disturbed, in the order of `answers`."""
    model = served.load(job.paths)
    pixels = cache.opened(artifacts.dataset(DATA), model.card.input_size)
    rows = pd.read_parquet(job.paths.split).query("side == 'test'").sort_values("image_id").index.to_numpy()
    return model.answer(strained.KINDS[kind].applied(np.asarray(pixels[rows]), strength)).probabilities


def together(runs: Sequence[Answers]) -> Answers:
    """Of all seeds, in order."""
    return Answers(*(np.concatenate([getattr(one, field.name) for one in runs]) for field in fields(Answers)))


def changes(artifacts: Artifacts, model: str, split: str, minutes: float, epochs: dict[str, int]) -> dict[str, Any]:
    """What a model's runs change of its preset: epochs that fit, or the features. Batch norm gets AllNet's momentum in every network: with
    Keras's 0.99 its averages lag behind over so few steps, and a network that has learnt answers as if it had not."""
    card = registry.card(model)
    if card.family != CNN:
        return {"features": CELL}
    quicker = {MOMENTUM: 0.9} if MOMENTUM in {knob.name for knob in card.knobs} else {}
    if model not in epochs:
        typical = trained(artifacts, model, split, 0, {"epochs": 2, "patience": 0}).metrics["training"]["epoch_seconds"]
        epochs[model] = max(1, int(60 * minutes / typical))
    return {"epochs": epochs[model], "patience": 0, **quicker}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=10.0, help="for each run of a network")
    parser.add_argument("--epochs", default="", help="model=epochs, separated by commas, instead of a measurement")
    parser.add_argument("--models", default=",".join(card.id for card in registry.cards()))
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    epochs = {name: int(number) for name, _, number in (one.partition("=") for one in asked.epochs.split(",") if one)}
    split, unit = ("image", "image_id") if asked.folder else ("patient", "subject")
    found: dict[str, list[Answers]] = {}
    trained_runs: dict[str, list[Job]] = {}
    took: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        artifacts = Artifacts(Path(folder))
        os.environ |= {ENVIRONMENT_VARIABLE: folder, slots.PARTS_VARIABLE: "1", "ALLCORE_RUNNER_IDLE": "20"}
        if asked.folder:
            importing.import_folder(artifacts, asked.folder.resolve(), DATA, layout="folders")
        else:
            importing.make_phantom(artifacts, DATA, twin())
        for model in asked.models.split(","):
            wanted = changes(artifacts, model, split, asked.minutes, epochs)
            jobs = [trained(artifacts, model, split, seed, wanted) for seed in range(asked.seeds)]
            trained_runs[model], found[model] = jobs, [answers(job, unit) for job in jobs]
            took[model] = float(np.median([job.metrics["training"]["seconds"] for job in jobs]))
            scores = [job.metrics["test"]["intervals"]["balanced_accuracy"]["estimate"] for job in jobs]
            said = f"{wanted['epochs']} epochs" if "epochs" in wanted else "measures of the cell"
            told = " ".join(f"{score:.3f}" for score in scores)
            held = ", ".join(f"{name} {value:.4f}" for name, value in together(found[model]).held().items())
            print(f"{model}: {np.mean(scores):.4f} ({told}), {said}, {took[model]:.0f} s a run; {held}", flush=True)
        control.stop(artifacts)
        gap, told = judged(found, over="images and seeds" if asked.folder else "patients and seeds")
        bearing = borne(artifacts, {model: trained_runs[model] for model in (OURS, told["best"])}, found)
    held = {model: together(runs).held() for model, runs in found.items()}
    print(json.dumps({**told, "held": held, "under": bearing, "seconds": took, "epochs": epochs}))
    missed = gap.low <= 0 if asked.folder else gap.estimate < 0
    return 1 if asked.check and missed else 0


def judged(found: dict[str, list[Answers]], *, over: str) -> tuple[Interval, dict[str, Any]]:
    """AllNet's balanced accuracy less that of the best of the others, told in words, and what of it goes into the JSON."""
    seeds = _seeds(found[OURS])
    all_of = {model: together(runs) for model, runs in found.items()}
    ours = all_of.pop(OURS)
    against = {
        model: compare.balanced_accuracy(ours.labels, ours.right, other.right, ours.units, repeats=seeds) for model, other in all_of.items()
    }
    best = max(against, key=lambda model: against[model].second)
    gap = against[best].interval
    print(f"allnet {against[best].first:.4f}, best of the others {best} {against[best].second:.4f}")
    print(f"difference {gap.estimate:+.4f} ({gap.low:+.4f} to {gap.high:+.4f}) over {over}", flush=True)
    scores = {model: one.second for model, one in against.items()} | {OURS: against[best].first}
    return gap, {"balanced_accuracy": scores, "best": best, "difference": [gap.estimate, gap.low, gap.high]}


def _seeds(runs: Sequence[Answers]) -> np.ndarray:
    return np.concatenate([np.full(len(one.labels), seed) for seed, one in enumerate(runs)])


def borne(artifacts: Artifacts, runs: dict[str, list[Job]], found: dict[str, list[Answers]]) -> dict[str, dict[str, Any]]:
    """Balanced accuracy of AllNet and of the best of the others on disturbed test images, with the paired difference; printed, too."""
    told: dict[str, dict[str, Any]] = {}
    other = next(model for model in runs if model != OURS)
    for kind, strength in STRENGTHS:
        of = {
            model: together([replace(one, p=under(artifacts, job, kind, strength)) for job, one in zip(jobs, found[model], strict=True)])
            for model, jobs in runs.items()
        }
        gap = compare.balanced_accuracy(of[OURS].labels, of[OURS].right, of[other].right, of[OURS].units, repeats=_seeds(found[OURS]))
        limits = [gap.interval.estimate, gap.interval.low, gap.interval.high]
        told[f"{kind} {strength:g}"] = {OURS: gap.first, other: gap.second, "difference": limits}
        print(f"{kind} {strength:g}: allnet {gap.first:.3f}, {other} {gap.second:.3f}, difference {limits}", flush=True)
    return told


if __name__ == "__main__":
    sys.exit(main())
