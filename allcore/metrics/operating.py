"""The figures of a binary problem at one threshold, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from allcore.metrics import bootstrap, classification, intervals, thresholds
from allcore.metrics.intervals import Interval
from allcore.metrics.scores import ConstantScores

NO_INTERVAL = "no interval is computed"


@dataclass(frozen=True)
class Figure:
    """A figure with what it is, and what the constant answer reaches (None: not known, or not to be had)."""

    name: str
    interval: Interval
    about: str
    constant: float | None = None


def figures(
    truth: np.ndarray,
    p: np.ndarray,
    subjects: Sequence[str] | None,
    *,
    threshold: float,
    positive: str,
    prevalence: float | None = None,
) -> tuple[Figure, ...]:
    """`truth` (n,) bool, `p` (n,) float; PPV and NPV at a `prevalence`, None: that of these images."""
    codes = intervals.cluster_codes(subjects)
    called, labels = (p >= threshold).astype(int), truth.astype(int)
    right = called == labels
    rarest = None if codes is None else min(len(np.unique(codes[labels == one])) for one in np.unique(labels))
    sensitivity, false = classification.rates_at(truth, p, threshold, subjects=subjects)
    found = [
        Figure("sensitivity", sensitivity, f"share of {positive} that is found"),
        Figure("specificity", thresholds.complement(false), "share of the others that is left alone"),
        Figure("balanced accuracy", intervals.balanced_accuracy(labels, right, codes), "the mean of both"),
        Figure("weighted F1", bootstrap.weighted_f1(labels, called, codes, classes=2), "F1 of both classes, weighted by their images"),
        Figure("accuracy", intervals.share(right, codes, fewest=rarest), "share of images called rightly"),
    ]
    share = float(truth.mean()) if prevalence is None else prevalence
    if not 0 < share < 1:
        return tuple(found)
    ppv, npv = thresholds.predictive_values(sensitivity, false, share)
    there = f"{100 * share:.3g} %"
    return (
        *found,
        Figure(f"PPV at {there}", ppv, f"of images called {positive}, the share that is, where {there} are"),
        Figure(f"NPV at {there}", npv, f"of the others, the share that is not {positive}"),
    )


def beside_constant(found: Sequence[Figure], constant: ConstantScores, *, positive: str, prevalence: float) -> list[Figure]:
    """The same, each beside what calling every image the majority class reaches; predictive values at that `prevalence`."""
    always = constant.predicted == positive
    reached = {
        "sensitivity": float(always),
        "specificity": float(not always),
        "balanced accuracy": constant.balanced_accuracy,
        "weighted F1": constant.weighted_f1,
        "accuracy": constant.accuracy,
        "PPV": prevalence if always else None,
        "NPV": None if always else 1 - prevalence,
    }
    return [replace(one, constant=reached.get(one.name.partition(" at ")[0])) for one in found]
