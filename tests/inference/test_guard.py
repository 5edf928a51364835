"""Unlike what was trained on is told apart, with the reason; what was held out is mostly not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing
from allcore.data.phantom import PhantomSpec, draw, plan
from allcore.inference import guard, guarding, measures, served
from allcore.inference.guard import HELD_OUT, TRAINED_ON, Guard
from allcore.runs import store

SPEC = PhantomSpec(images=240, patients=40, size=48)


def vectors(pixels: np.ndarray) -> np.ndarray:
    """In place of a model's embedding: means over squares of 6 pixels, (n, 192)."""
    return pixels.reshape(len(pixels), 8, 6, 8, 6, 3).mean(axis=(2, 4)).reshape(len(pixels), -1) / 255


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    pixels = np.stack([draw(SPEC, number) for number in range(SPEC.images)])
    cells = plan(SPEC)
    subjects = np.array([cell.subject for cell in cells])
    order = {subject: place for place, subject in enumerate(np.random.default_rng(0).permutation(np.unique(subjects)))}
    sides = np.array([("train", "train", "calibrate", "test")[order[subject] % 4] for subject in subjects])
    labels = np.array([int(cell.label == "leukemia") for cell in cells])
    return {"pixels": pixels, "vectors": vectors(pixels), "labels": labels, "sides": sides, "subjects": subjects}


def made(drawn: dict[str, np.ndarray], sides: np.ndarray, subjects: np.ndarray | None) -> Guard:
    return guarding.fitted(drawn["pixels"], drawn["vectors"], drawn["labels"], sides, subjects, standardise=False)


@pytest.fixture(scope="module")
def one(drawn: dict[str, np.ndarray]) -> Guard:
    return made(drawn, drawn["sides"], drawn["subjects"])


def judged(one: Guard, picture: np.ndarray) -> guard.Verdict:
    return guard.judge(one, picture, vectors(picture[None])[0])


@pytest.mark.parametrize(("patients", "level"), [(12, 1.0), (18, 1.0), (19, 1.0), (39, 0.95 * 40 / 39), (1000, 0.95 * 1.001)])
def test_a_new_patient_counts_as_one_more(patients: int, level: float):
    assert guarding._level(patients) == pytest.approx(level)


def test_of_the_held_out_cells_as_many_are_refused_as_the_level_says(drawn: dict[str, np.ndarray], one: Guard):
    """And where the limits are the farthest cell's, for want of patients, none, and the guard promises nothing."""
    held = np.flatnonzero(drawn["sides"] == "calibrate")
    refused = np.array([not judged(one, drawn["pixels"][row]).ok for row in held])
    people = np.unique(drawn["subjects"][held])
    shares = [refused[drawn["subjects"][held] == subject].mean() for subject in people]
    assert np.mean(shares) <= 1 - guarding._level(len(people)) + 1e-9
    assert ("too few to promise" in one.origin.note) == (len(people) < 19)
    assert one.origin == guard.Origin(HELD_OUT, len(held), 10, int((drawn["sides"] == "train").sum()))
    test = np.flatnonzero(drawn["sides"] == "test")
    assert np.mean([judged(one, drawn["pixels"][row]).ok for row in test]) >= 0.85


def test_limits_leave_the_share_outside_that_was_asked_for():
    dice = np.random.default_rng(0)
    found = {topic: np.abs(dice.normal(size=4000)) for topic in ("outline", "stain")}
    limits = guarding._limits(found, np.full(4000, 1 / 4000), 0.95)
    outside = np.any([values > limits[topic] for topic, values in found.items()], axis=0).mean()
    assert outside == pytest.approx(0.05, abs=0.001)


def test_limits_know_nothing_of_the_test_side(drawn: dict[str, np.ndarray], one: Guard):
    spoilt = drawn["pixels"].copy()
    spoilt[drawn["sides"] == "test"] = 0
    same = guarding.fitted(spoilt, drawn["vectors"], drawn["labels"], drawn["sides"], drawn["subjects"], standardise=False)
    assert same.limits == one.limits


STRANGE = {
    "black": (lambda cell: np.zeros_like(cell), measures.OUTLINE),
    "white": (lambda cell: np.full_like(cell, 255), measures.OUTLINE),
    "noise": (lambda cell: np.random.default_rng(0).integers(0, 256, cell.shape, dtype=np.uint8), measures.OUTLINE),
    "on a stained ground": (lambda cell: np.where(cell.max(axis=2, keepdims=True) > 8, cell, 220).astype(np.uint8), measures.OUTLINE),
    "moved to the edge": (lambda cell: np.roll(cell, 14, axis=0), measures.OUTLINE),
    "two": (lambda cell: np.maximum(np.roll(cell, 11, axis=1), np.roll(cell, -11, axis=1)), measures.OUTLINE),
    "half as large": (lambda cell: np.pad(cell[::2, ::2], ((12, 12), (12, 12), (0, 0))), measures.SCALE),
    "inverted": (lambda cell: np.where(cell.max(axis=2, keepdims=True) > 8, 255 - cell, 0).astype(np.uint8), measures.STAIN),
    "green": (lambda cell: cell[..., [0, 2, 1]], measures.STAIN),
    "overexposed": (lambda cell: np.minimum(cell.astype(int) * 3, 255).astype(np.uint8), measures.QUALITY),
    "grainy": (
        lambda cell: np.where(cell > 8, np.clip(cell + np.random.default_rng(0).normal(0, 40, cell.shape), 9, 255), cell).astype(np.uint8),
        measures.QUALITY,
    ),
    "out of focus": (
        lambda cell: np.where(cell > 8, np.maximum(ndimage.gaussian_filter(cell, (4, 4, 0)), 9), 0).astype(np.uint8),
        measures.QUALITY,
    ),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_strange_is_refused_for_the_right_reason(drawn: dict[str, np.ndarray], one: Guard, kind: str):
    change, topic = STRANGE[kind]
    proper = [row for row in np.flatnonzero(drawn["sides"] == "test") if judged(one, drawn["pixels"][row]).ok][:5]
    for row in proper:
        verdict = judged(one, change(drawn["pixels"][row]))
        assert not verdict.ok
        assert guard.REASONS[topic] in verdict.reasons
        assert len(verdict.reasons) == sum(score > 1 for score in verdict.scores.values())


def test_a_strange_embedding_alone_is_a_reason(drawn: dict[str, np.ndarray], one: Guard):
    row = next(row for row in np.flatnonzero(drawn["sides"] == "test") if judged(one, drawn["pixels"][row]).ok)
    verdict = guard.judge(one, drawn["pixels"][row], drawn["vectors"][row] + 0.5)
    assert verdict.reasons == (guard.REASONS[guard.EMBEDDING],)
    nothing = guard.judge(one, drawn["pixels"][row], np.full(len(one.mean), np.nan))
    assert guard.REASONS[guard.EMBEDDING] in nothing.reasons


def test_without_a_part_for_it_the_guard_says_what_it_was_set_on(drawn: dict[str, np.ndarray]):
    found = made(drawn, np.where(drawn["sides"] == "calibrate", "train", drawn["sides"]), drawn["subjects"])
    assert found.origin.side == TRAINED_ON
    assert "only be set on training images" in found.origin.note
    unknown = made(drawn, drawn["sides"], None)
    assert unknown.origin.patients is None
    assert "patients that are not known" in unknown.origin.note


def test_a_guard_is_kept_and_comes_back_the_same(drawn: dict[str, np.ndarray], one: Guard, artifacts: Artifacts):
    paths = artifacts.run("r")
    paths.folder.mkdir(parents=True)
    assert guard.read(paths) is None
    guard.save(one, paths)
    again = guard.read(paths)
    assert again.origin == one.origin
    picture = drawn["pixels"][0]
    assert judged(again, picture) == judged(one, picture)


def test_a_training_ends_with_a_guard_and_an_older_run_gets_the_same(artifacts: Artifacts, forest: JobPaths):
    before = guard.read(forest)
    assert before is not None
    pixels = np.zeros((1, 32, 32, 3), np.uint8)
    (embedding,) = served.load(forest).answer(pixels).embeddings
    verdict = guard.judge(before, pixels[0], embedding)
    forest.guard.unlink()
    forest.guard_arrays.unlink()
    after = guarding.of_run(artifacts, forest)
    # Kept embeddings have 16 bits.
    assert after.limits == pytest.approx(dict(before.limits), rel=0.02)
    assert guard.judge(after, pixels[0], embedding).ok == verdict.ok is False
    assert forest.guard.exists()
    np.testing.assert_array_equal(after.rows, np.flatnonzero(store.sides(forest) == "train"))


def test_without_its_data_an_older_run_gets_none(artifacts: Artifacts, forest: JobPaths):
    forest.guard.unlink()
    importing.delete(artifacts, "tiny")
    with pytest.raises(NotFound):
        guarding.of_run(artifacts, forest)


def test_three_classes_and_few_images_make_a_guard_too():
    dice = np.random.default_rng(0)
    pixels = dice.integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
    sides = np.array(["train"] * 6 + ["calibrate"] * 2 + ["test"])
    found = guarding.fitted(pixels, dice.normal(size=(9, 4)), np.arange(9) % 3, sides, None, standardise=False)
    assert all(np.isfinite(value) and value > 0 for value in found.limits.values())
    assert replace(found, rest=1.0).rows.tolist() == list(range(6))
