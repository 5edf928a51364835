"""How well a few numbers alone tell the classes apart, on images of people (or duplicates) that the classifier did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from allcore.metrics import intervals
from allcore.metrics.intervals import Interval

PARTS = 5
REPEATS, REPEATED_BELOW = 5, 3000
"""So often is a set of fewer images divided anew, and its scores averaged: one division of a small set is a matter of luck."""
MOST_SQUARED = 6
"""Up to so many numbers, their squares and products are learned from as well."""
CONSTANT = "the same in every image: it tells nothing"
TOO_FEW_GROUPS = "too few patients or images in a class to hold any back"
BY_IMAGE = "patients unknown: takes images for independent, but for duplicates"


@dataclass(frozen=True)
class Probe:
    """Area under the ROC curve from held-back images, one against the rest where there are several classes."""

    auroc: Interval
    scores: np.ndarray | None
    """float (n, classes): each image's held-back probabilities; None where none could be had."""


def grouped(labels: np.ndarray, features: np.ndarray, groups: Sequence, *, patients: bool, positive: int = 1) -> Probe:
    """A logistic regression on `features` (n, d) float, cross-validated in five parts that share no group.

    `labels` (n,) int from 0; `groups` (n,) whoever must not be on both sides: patients where `patients`, else duplicates' groups.
    `positive` is the label whose area is given where there are two. The interval is over groups.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    codes = np.unique(np.asarray(groups).astype(str), return_inverse=True)[1]
    if np.ptp(features, axis=0).max(initial=0) == 0:
        return Probe(Interval(0.5, n=len(labels), clusters=int(codes.max() + 1) if patients else None, note=CONSTANT), None)
    classes = int(labels.max()) + 1
    fewest = min(len(np.unique(codes[labels == one])) for one in range(classes))
    if classes < 2 or fewest < 2:
        return Probe(Interval(None, n=len(labels), note=TOO_FEW_GROUPS), None)
    steps = [StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=500)]
    if features.shape[1] <= MOST_SQUARED:
        steps[1:1] = [PolynomialFeatures(2, include_bias=False), StandardScaler()]
    drawn = []
    for seed in range(REPEATS if len(labels) < REPEATED_BELOW else 1):
        folds = StratifiedGroupKFold(min(PARTS, fewest), shuffle=True, random_state=seed)
        parts = list(folds.split(features, labels, codes))
        if all(len(np.unique(labels[train])) == classes for train, _ in parts):
            drawn.append(cross_val_predict(make_pipeline(*steps), features, labels, cv=parts, method="predict_proba"))
    if not drawn:
        return Probe(Interval(None, n=len(labels), note=TOO_FEW_GROUPS), None)
    scores = np.mean(drawn, axis=0)
    area = intervals.auroc(labels == positive, scores[:, positive], codes) if classes == 2 else intervals.macro_auroc(labels, scores, codes)
    if not patients:
        area = replace(
            area,
            clusters=None,
            method=area.method.replace("patient", "duplicates' group"),
            note="; ".join(filter(None, (area.note, BY_IMAGE))),
        )
    return Probe(area, scores)
