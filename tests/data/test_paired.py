"""The design's promises, on random data sets: same test cells, equal size and classes, and nothing else differs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allcore.base.errors import BadInput
from allcore.data import paired


def _case(seed: int, patients: int = 20) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    subjects = np.repeat([f"P{one}" for one in range(patients)], random.integers(2, 15, patients))
    labels = np.array([int(name[1:]) % 2 for name in subjects])
    labels[random.random(len(labels)) < 0.05] = -1
    return labels, subjects.astype(str)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(20, 40))
def test_both_training_sides_differ_by_whose_cells_they_hold_and_by_nothing_else(seed: int, patients: int) -> None:
    labels, subjects = _case(seed, patients)
    try:
        found = paired.design(labels, subjects, seed=seed)
    except BadInput:  # too many lost their labels
        return
    tested = set(subjects[found.test])
    assert np.bincount(labels[found.strangers]).tolist() == np.bincount(labels[found.acquainted]).tolist()
    assert not tested & set(subjects[found.strangers])
    assert set(subjects[found.familiar]) <= tested
    assert set(found.familiar) == set(found.acquainted) - set(found.strangers)
    assert len(found.familiar)
    for side in (found.strangers, found.acquainted):
        assert not set(side) & set(found.test)
        assert len(set(side)) == len(side)
        assert (labels[side] >= 0).all()


def test_a_design_is_a_function_of_its_seed() -> None:
    labels, subjects = _case(1)
    one, same, other = (paired.design(labels, subjects, seed=seed) for seed in (4, 4, 5))
    assert (one.acquainted == same.acquainted).all()
    assert set(one.test) != set(other.test)


def test_large_sets_are_cut_to_size() -> None:
    labels, subjects = np.tile([0, 1], 4000), np.array([f"P{i % 50}" for i in range(8000)])
    assert len(paired.design(labels, subjects, seed=0, most=600).acquainted) == 600


def test_what_can_not_bear_it_is_refused() -> None:
    labels, subjects = _case(2)
    with pytest.raises(BadInput, match="not known"):
        paired.design(labels, np.where(subjects == "P1", "", subjects), seed=0)
    with pytest.raises(BadInput, match="5 patients of each class"):
        paired.design(*_case(3, patients=8), seed=0)
