"""What a model's call is worth where so many cells are of that class: predictive values from its test side."""

from __future__ import annotations

import pandas as pd

from allcore.inference.answers import Adviser
from allcore.metrics import classification, thresholds
from allcore.metrics.intervals import Interval


def of_call(adviser: Adviser, tested: pd.DataFrame, label: str, prevalence: float) -> Interval:
    """Of cells that the model calls `label`, the share that is, where a share of `prevalence` of all cells is, with limits.

    `tested`: the run's predictions on its test side; the class is called there as for new pictures. Of two classes this is the positive
    or the negative predictive value. Raises BadInput unless 0 < prevalence < 1.
    """
    card = adviser.card
    p = tested[[f"p_{name}" for name in card.class_names]].to_numpy()
    if adviser.chosen is None:
        called = p.argmax(axis=1) == card.class_names.index(label)
    else:
        positive = p[:, card.class_names.index(card.positive)] >= adviser.chosen.threshold
        called = positive if label == card.positive else ~positive
    known = bool((tested["subject"] != "").all())
    found, false = classification.rates_at(
        (tested["label"] == label).to_numpy(), called.astype(float), 0.5, subjects=tested["subject"].to_numpy() if known else None
    )
    return thresholds.predictive_values(found, false, prevalence)[0]
