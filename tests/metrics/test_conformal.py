"""The promise is kept, class by class, over patients; and not made where it can't be."""

from __future__ import annotations

import numpy as np
import pytest

from allcore.base.errors import BadInput
from allcore.metrics import conformal
from allcore.metrics.conformal import Sets

CLASSES = ("healthy", "leukemia")


def patients(dice: np.random.Generator, count: int, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities and names of 1 to `most` cells of `count` patients of each class; half of the spread is the patient's own."""
    labels, odds, names = [], [], []
    for index, name in enumerate(CLASSES):
        for patient in range(count):
            cells = int(dice.integers(1, most + 1))
            labels += [index] * cells
            # Patients with few cells are the odd ones, so that counting cells alike would promise too much.
            odds.append((1.2 if index else -1.0) + (3 if cells <= 3 else 1) * dice.normal() + dice.normal(size=cells))
            names += [f"{name} {patient}"] * cells
    p = 1 / (1 + np.exp(-np.concatenate(odds)))
    return np.array(labels), np.column_stack([1 - p, p]).astype(np.float32), np.array(names)


@pytest.mark.parametrize("count", [20, 45])
def test_nine_in_ten_new_patients_cells_are_covered_in_each_class(count: int):
    dice = np.random.default_rng(count)
    covered = {name: [] for name in CLASSES}
    for _ in range(150):
        labels, p, names = patients(dice, count, 30)
        sets = conformal.fitted(labels, p, names, CLASSES)
        labels, p, names = patients(dice, 10, 30)
        for index, name in enumerate(CLASSES):
            hits = np.array([name in sets.of(row) for row in p[labels == index]])
            who = names[labels == index]
            covered[name].append(np.mean([hits[who == one].mean() for one in np.unique(who)]))
    for shares in covered.values():
        # Never less than promised, and with so many patients no more than one of them beyond it.
        assert 0.9 - 3 * np.std(shares) / np.sqrt(len(shares)) <= np.mean(shares) <= 0.9 + 1.3 / (count + 1) + 0.02


def test_the_p_value_is_that_of_one_cell_a_patient_drawn_again_and_again():
    dice = np.random.default_rng(0)
    labels, p, names = patients(dice, 20, 9)
    own, who = p[labels == 1, 1], names[labels == 1]
    new = np.array([0.1, 0.4, 0.9])
    cells = [own[who == one] for one in np.unique(who)]
    drawn = np.array([[dice.choice(one) for one in cells] for _ in range(4000)])
    averaged = ((1 + (drawn[:, :, None] <= new).sum(axis=1)) / 21).mean(axis=0)
    np.testing.assert_allclose(conformal.p_values(new, own, who), averaged, atol=0.01)


def test_a_set_holds_what_is_usual():
    sets = Sets(0.9, {"healthy": 0.4, "leukemia": 0.3}, {}, 0)
    assert sets.of(np.array([0.9, 0.1])) == ("healthy",)
    assert sets.of(np.array([0.5, 0.5])) == CLASSES
    assert sets.of(np.array([0.39, 0.2])) == ()
    assert sets.of(np.array([0.4 - 1e-8, 0.2])) == ("healthy",)
    assert Sets.from_dict(sets.to_dict()) == sets


def test_too_few_patients_get_no_promise():
    labels, p, names = patients(np.random.default_rng(0), 19, 5)
    with pytest.raises(BadInput, match="20 patients a class; the calibrate part has 19 of class healthy"):
        conformal.fitted(labels, p, names, CLASSES)
    assert "not known" in conformal.why_none(labels, None, CLASSES)
    assert "kept none" in conformal.why_none(labels[:0], names[:0], CLASSES)
