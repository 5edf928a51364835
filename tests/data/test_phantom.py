"""The synthetic cells: what is promised of plan, pixels and dials."""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest

from allcore.base.errors import BadInput
from allcore.data.phantom import PhantomSpec, draw, plan
from allcore.data.phantom.anatomy import anatomy
from allcore.data.phantom.render import render
from benchmarks.phantom_likeness import averaged

SMALL = PhantomSpec(images=24, patients=6, size=48)


def drawn(spec: PhantomSpec) -> np.ndarray:
    return np.stack([draw(spec, index) for index in range(spec.images)])


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(positive, scores)


# Settings


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("images", 7, "from 8 to 20,000"),
        ("images", 20_001, "from 8 to 20,000"),
        ("images", 10.5, "a whole number"),
        ("images", True, "a whole number"),
        ("patients", 1, "from 2 to 500"),
        ("difficulty", -0.01, "from 0 to 1"),
        ("difficulty", float("nan"), "a number"),
        ("difficulty", "high", "a number"),
        ("habits", 1.5, "from 0 to 1"),
        ("size", 31, "from 32 to 450"),
        ("size", 451, "from 32 to 450"),
        ("seed", -1, "from 0 to"),
        ("leukemia_share", 0.0, "from 0.05 to 0.95"),
    ],
)
def test_a_bad_setting_is_refused_by_name_and_with_its_range(field, value, allowed):
    with pytest.raises(BadInput) as caught:
        PhantomSpec(**{field: value})
    assert f"'{field}'" in caught.value.message
    assert repr(value) in caught.value.message
    assert allowed in caught.value.hint


def test_more_patients_than_images_are_refused():
    with pytest.raises(BadInput, match="more than its 20 'images'") as caught:
        PhantomSpec(images=20, patients=21)
    assert "2 to 20 patients" in caught.value.hint


@pytest.mark.parametrize("index", [-1, 24])
def test_a_cell_that_the_set_does_not_have_is_refused(index):
    with pytest.raises(BadInput, match="0 to 23"):
        draw(SMALL, index)


# Plan


@pytest.mark.parametrize("share", [0.05, 0.5, 0.68, 0.95])
@pytest.mark.parametrize(("images", "patients"), [(8, 2), (8, 8), (9, 3), (60, 7), (200, 9), (1000, 40), (12_528, 101)])
def test_the_plan_keeps_its_promises(images, patients, share):
    cells = plan(PhantomSpec(images=images, patients=patients, leukemia_share=share))
    assert len(cells) == images
    assert len({cell.name for cell in cells}) == images
    classes, folds = defaultdict(set), defaultdict(set)
    for cell in cells:
        classes[cell.subject].add(cell.label)
        folds[cell.subject].add(cell.fold)
        assert cell.fold in (0, 1, 2)
        leukemic = cell.label == "leukemia"
        assert leukemic or cell.label == "healthy"
        assert cell.subject.startswith("H") != leukemic
        uid, subject, field, number, ending = cell.name.split("_")
        assert (uid, subject, ending) == ("UID", cell.subject, "all" if leukemic else "hem")
        assert int(field) >= 1
        assert int(number) >= 1
    assert len(classes) == patients
    assert all(len(labels) == 1 for labels in classes.values())
    assert all(len(sides) == 1 for sides in folds.values())
    patients_of = Counter(next(iter(labels)) for labels in classes.values())
    assert min(patients_of["leukemia"], patients_of["healthy"]) >= (4 if patients >= 8 else 1)


def test_the_default_plan_is_imbalanced_as_c_nmc_is():
    cells = plan(PhantomSpec())
    assert Counter(cell.label for cell in cells) == {"leukemia": 680, "healthy": 320}
    for label in ("leukemia", "healthy"):
        of_a_fold = Counter(cell.fold for cell in cells if cell.label == label)
        assert min(of_a_fold.values()) > 0.8 * max(of_a_fold.values())
    of_a_patient = Counter(cell.subject for cell in cells)
    assert max(of_a_patient.values()) > 2 * min(of_a_patient.values())


# Pixels


def test_a_cell_is_the_same_in_any_order_and_process():
    once = drawn(SMALL)
    backwards = np.stack([draw(SMALL, index) for index in reversed(range(SMALL.images))])[::-1]
    assert np.array_equal(once, backwards)
    indices = [5, 0, 23]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        elsewhere = list(pool.map(draw, [SMALL] * len(indices), indices))
    assert np.array_equal(once[indices], elsewhere)


def test_seeds_and_cells_differ():
    cells = [*drawn(SMALL), *drawn(replace(SMALL, seed=1))]
    assert len({cell.tobytes() for cell in cells}) == len(cells)


@pytest.mark.parametrize(("size", "difficulty"), [(32, 0.0), (70, 0.3), (71, 0.0), (160, 0.3)])
def test_one_connected_cell_on_pure_black_clear_of_the_border(size, difficulty):
    from skimage.measure import label

    for image in drawn(PhantomSpec(images=60, patients=8, size=size, difficulty=difficulty, seed=3)):
        assert image.shape == (size, size, 3)
        assert image.dtype == np.uint8
        cell = image.any(axis=2)
        assert label(cell, connectivity=2).max() == 1
        assert not any(side.any() for side in (cell[0], cell[-1], cell[:, 0], cell[:, -1]))
        assert 0.05 < cell.mean() < 0.6


@pytest.mark.parametrize("size", [32, 70, 131])
def test_a_small_cell_is_the_average_of_the_large_one(size):
    for index in range(0, SMALL.images, 6):
        small = draw(replace(SMALL, size=size), index)
        average = averaged(draw(replace(SMALL, size=450), index), size)
        difference = np.abs(small.astype(float) - average)
        assert difference[average.any(axis=2)].mean() < 0.7
        assert difference.max() < 12


# Dials


def test_at_full_difficulty_a_cell_does_not_depend_on_its_class():
    spec = replace(SMALL, difficulty=1.0)
    for index, cell in enumerate(plan(spec)):
        other = replace(cell, label="healthy" if cell.label == "leukemia" else "leukemia")
        assert np.array_equal(draw(spec, index), render(anatomy(spec, index, other), spec.size))


@pytest.mark.parametrize(("difficulty", "low", "high"), [(1.0, 0.42, 0.58), (0.3, 0.6, 0.8), (0.0, 0.85, 0.99)])
def test_area_tells_the_classes_as_far_as_the_difficulty_lets_it(difficulty, low, high):
    spec = PhantomSpec(images=400, patients=400, difficulty=difficulty, size=32, leukemia_share=0.5, seed=2)
    areas = drawn(spec).any(axis=3).sum(axis=(1, 2))
    leukemic = np.array([cell.label == "leukemia" for cell in plan(spec)])
    assert low < auroc(areas, leukemic) < high


def test_colour_does_not_tell_the_classes():
    spec = PhantomSpec(images=600, patients=500, size=32, leukemia_share=0.5, seed=1)
    images = drawn(spec).astype(float)
    leukemic = np.array([cell.label == "leukemia" for cell in plan(spec)])
    inside = images.any(axis=3)
    for channel in range(3):
        colour = images[..., channel].sum(axis=(1, 2)) / inside.sum(axis=(1, 2))
        assert 0.42 < auroc(colour, leukemic) < 0.58


@pytest.mark.parametrize(("habits", "least", "most"), [(0.0, 0.0, 1.5), (0.5, 2.0, np.inf), (1.0, 5.0, np.inf)])
def test_habits_make_cells_of_a_patient_alike(habits, least, most):
    """The nearest cell of the same class, by mean colour, is of the same patient `least` to `most` times as often as by chance."""
    spec = PhantomSpec(images=400, patients=40, habits=habits, size=32)
    cells = plan(spec)
    pixels = drawn(spec).astype(np.float64)
    colours = pixels.sum(axis=(1, 2)) / pixels.any(axis=3).sum(axis=(1, 2))[:, None]
    images = (colours - colours.mean(axis=0)) / colours.std(axis=0)
    hits, expected = 0.0, 0.0
    for label in ("leukemia", "healthy"):
        rows = [index for index, cell in enumerate(cells) if cell.label == label]
        subjects = np.array([cells[index].subject for index in rows])
        products = images[rows] @ images[rows].T
        distances = np.diag(products)[:, None] + np.diag(products) - 2 * products
        np.fill_diagonal(distances, np.inf)
        hits += (subjects[distances.argmin(axis=1)] == subjects).sum()
        expected += ((subjects[:, None] == subjects).sum(axis=1) - 1).sum() / (len(rows) - 1)
    assert least < hits / expected < most
