"""Folds together: what a person would compute with a pencil."""

from __future__ import annotations

import pandas as pd
import pytest

from allcore.base.errors import BadInput
from allcore.metrics import pooled

CLASSES = ("healthy", "leukemia")


def fold(start: int, cases: str, *, people: int = 6) -> pd.DataFrame:
    """A fold's answers: H and L were judged rightly, h and l (their label) wrongly; patients a class take turns."""
    rows = []
    for place, case in enumerate(cases):
        label = "healthy" if case in "Hh" else "leukemia"
        sick = (label == "leukemia") == case.isupper()
        rows.append((f"{start + place}", f"{label}-{place % people}", label, 0.1 if sick else 0.9, 0.9 if sick else 0.1))
    return pd.DataFrame(rows, columns=["image_id", "subject", "label", "p_healthy", "p_leukemia"])


def test_the_pooled_figure_is_that_of_all_images_and_not_the_mean_of_folds():
    # 3 of 4 healthy and 1 of 2 leukemic in the first, 2 of 2 and 5 of 10 in the second: the folds' means would be 0.625 and 0.75.
    found = pooled.scores([fold(0, "HHHhLl"), fold(100, "HHLLLLLlllll")], classes=CLASSES, positive="leukemia")
    assert found.confusion == ((5, 1), (6, 6))
    assert found.balanced_accuracy == pytest.approx((5 / 6 + 6 / 12) / 2)
    assert found.n == 18


def test_the_interval_counts_patients_over_all_folds():
    found = pooled.scores([fold(0, "HL" * 6 + "hl"), fold(100, "HL" * 6 + "hl")], classes=CLASSES, positive="leukemia")
    interval = found.intervals["balanced_accuracy"]
    assert interval.clusters == found.subjects == 14 - 2 * 4  # six of each parity come round: even places are healthy, odd ones leukemic
    assert interval.n == 28


def test_an_image_tested_twice_is_no_fold():
    with pytest.raises(BadInput, match="two folds"):
        pooled.scores([fold(0, "HL"), fold(1, "HL")], classes=CLASSES, positive="leukemia")


def test_spread_is_told_as_spread():
    found = pooled.spread([0.75, 0.8, 0.85])
    assert found.words("folds") == "3 folds: 0.750 to 0.850, mean 0.800, SD 0.050"
    assert pooled.spread([0.5]).words("seeds") == "1 seeds: 0.500 to 0.500, mean 0.500"
