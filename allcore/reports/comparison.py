"""Runs against each other on the very same images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from allcore.metrics import compare
from allcore.metrics.compare import Difference
from allcore.metrics.scores import Scores
from allcore.reports.evidence import TEST, Evidence
from allcore.runs import summary


def paired(
    scores: Scores, first: pd.DataFrame, second: pd.DataFrame, *, thresholds: tuple[float, float] = (0.5, 0.5)
) -> dict[str, Difference]:
    """Differences (first - second) of two runs by measure. The tables are predictions of one test side, in any order.

    Of two classes at a threshold a run; of more at the most probable class. Raises BadInput where the images differ.
    """
    one, other = (table.set_index("image_id").sort_index() for table in (first, second))
    subjects = one["subject"].to_numpy() if scores.subjects else None
    if len(scores.classes) == 2:
        p = [table[f"p_{scores.positive}"].to_numpy() for table in (one, other)]
        found = compare.paired((one["label"] == scores.positive).to_numpy(), *p, thresholds=thresholds, subjects=subjects)
    else:
        labels = one["label"].map({name: index for index, name in enumerate(scores.classes)}).to_numpy()
        columns = [f"p_{name}" for name in scores.classes]
        right = [np.argmax(table[columns].to_numpy(), axis=1) == labels for table in (one, other)]
        found = compare.of_answers(labels, *right, subjects=subjects)
    return {each.measure: each for each in found}


def to_first(runs: Sequence[Evidence]) -> tuple[dict[str, dict[str, Difference]], list[Evidence]]:
    """By measure, the differences of the others from the first run, p corrected by Holm within a measure; and who can't be compared,
    having been tested on other images."""
    base, others = runs[0], runs[1:]
    sides = [summary.read(one.job.paths).test_side for one in runs]
    alike = [one for one, side in zip(others, sides[1:], strict=True) if side == sides[0]]
    every = {
        one.name: paired(base.scores, one.predictions_of(TEST), base.predictions_of(TEST), thresholds=(one.threshold, base.threshold))
        for one in alike
    }
    measures = list(next(iter(every.values()))) if every else []
    found = {measure: dict(zip(every, compare.corrected([one[measure] for one in every.values()]), strict=True)) for measure in measures}
    return found, [one for one in others if one not in alike]
