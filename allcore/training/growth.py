"""A learning curve over patients: the quick model of `leakage`, trained on more and more of them."""

from __future__ import annotations

import numpy as np

from allcore.data import growing
from allcore.metrics import growth
from allcore.runs.attempt import Attempt
from allcore.training import leakage


def measure(attempt: Attempt) -> None:
    """Do a job of kind `growth`: its folder then holds `growth.json`."""
    params, (pixels, labels, subjects) = attempt.spec.params, leakage.opened(attempt)
    made = growing.design(labels, subjects, seed=params["seed"])
    draws, test = params["draws"], leakage.pooled(pixels[made.test])
    right, images = np.zeros((2, draws, len(made.steps), len(made.test)), bool), np.zeros((draws, len(made.steps)))
    for number in range(draws):
        for at, side in enumerate(growing.draw(made, labels, subjects, seed=params["seed"] + 1 + number)):
            share = (number * len(made.steps) + at) / right[0, :, :, 0].size
            attempt.progress(0.02 + 0.96 * share, f"Draw {number + 1} of {draws}, {sum(made.steps[at])} patients")
            right[0, number, at] = leakage.fitted(pixels, labels, side.every, number)(test) == labels[made.test]
            images[number, at] = len(side.every)
            # On the first step both sides are one.
            right[1, number, at] = right[0, number, at]
            if at:
                right[1, number, at] = leakage.fitted(pixels, labels, side.same, number)(test) == labels[made.test]
    found = growth.concluded(
        *right,
        labels=labels[made.test],
        subjects=subjects[made.test],
        patients=[sum(step) for step in made.steps],
        images=images.mean(axis=0).tolist(),
    )
    attempt.write_json(attempt.paths.growth, {**found.to_dict(), "model": leakage.MODEL})
