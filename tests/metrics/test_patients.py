"""Cells to patients: by hand, by simulation, and the worst first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allcore.base.errors import BadInput
from allcore.metrics import intervals, patients


def test_a_small_case_by_hand() -> None:
    subjects = list("aaabbbccdd")
    truth = np.array([1, 1, 1, 0, 0, 0, 1, 1, 0, 0], bool)
    p = np.array([0.9, 0.9, 0.2, 0.1, 0.2, 0.6, 0.4, 0.3, 0.9, 0.4])
    found = patients.evaluate(truth, p, subjects=subjects, threshold=0.5)
    by_id = {one.id: one for one in found.patients}
    assert [one.id for one in found.patients] == ["c", "d", "a", "b"]
    assert (by_id["a"].vote, by_id["a"].mean, by_id["a"].right) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert [(by_id[one].by_mean, by_id[one].by_vote) for one in "abcd"] == [(True, True), (False, False), (False, False), (True, True)]
    assert (found.by_mean.estimate, found.by_vote.estimate, found.mixed) == (0.5, 0.5, 0)
    assert (found.by_mean.n, found.by_mean.note) == (4, "")
    assert found.auroc.estimate == pytest.approx(0.75)
    assert found.auroc.note == intervals.TOO_FEW_PATIENTS


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 25), st.floats(0, 1))
def test_a_stable_call_equals_brute_force(cells: int, share: float) -> None:
    """Every way of taking m of the cells, weighed by how often it comes, from m = all downwards."""
    from math import comb

    called = round(share * cells)
    whole = 2 * called >= cells

    def agreement(m: int) -> float:
        ways = sum(comb(called, hits) * comb(cells - called, m - hits) for hits in range(m + 1) if (2 * hits >= m) == whole)
        return ways / comb(cells, m)

    expected = cells
    while expected > 1 and agreement(expected - 1) >= patients.STABLE - 1e-12:
        expected -= 1
    assert patients.cells_for_a_stable_call(called, cells) == expected


def test_agreeing_cells_need_one_and_divided_ones_nearly_all() -> None:
    assert patients.cells_for_a_stable_call(40, 40) == patients.cells_for_a_stable_call(0, 40) == 1
    assert patients.cells_for_a_stable_call(21, 41) > 35
    assert patients.cells_for_a_stable_call(30, 40) < 15


def test_many_cells_make_a_better_call_than_one() -> None:
    random = np.random.default_rng(0)
    who = np.repeat(np.arange(40), 30)
    truth = who < 20
    p = 1 / (1 + np.exp(-(np.where(truth, 0.5, -0.5) + 0.3 * random.normal(size=40)[who] + random.normal(size=1200))))
    found = patients.evaluate(truth, p, subjects=who.astype(str), threshold=0.5)
    assert found.by_mean.estimate > np.mean((p >= 0.5) == truth) + 0.1
    assert found.by_mean.low < found.by_mean.estimate
    assert found.auroc.note == ""
    assert 1 <= found.stable_at <= 30
    assert [one.right for one in found.patients] == sorted(one.right for one in found.patients)


def test_patients_with_cells_of_both_classes_are_counted() -> None:
    found = patients.evaluate(np.array([1, 1, 0, 0, 0], bool), np.full(5, 0.7), subjects=list("aaabb"), threshold=0.5)
    assert found.mixed == 1
    assert [one.positive for one in sorted(found.patients, key=lambda one: one.id)] == [True, False]


def test_unknown_patients_are_refused() -> None:
    with pytest.raises(BadInput, match="not known"):
        patients.evaluate(np.ones(3, bool), np.ones(3), subjects=["a", None, "b"], threshold=0.5)
