"""A learning curve over patients: what is compared, what it says, and the job that draws it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from allcore.base.errors import BadInput, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import growing, importing
from allcore.data.phantom import PhantomSpec
from allcore.jobs import submit
from allcore.metrics import compare, growth, intervals
from allcore.plots import growth as plots
from allcore.runs import growth as kept
from allcore.runs import store

SUBJECTS = np.array([f"H{one}" for one in range(20) for _ in range(10)] + [f"L{one}" for one in range(40) for _ in range(6)])
LABELS = np.array([0] * 200 + [1] * 240)


def test_one_test_side_and_training_sides_that_hold_the_smaller_ones() -> None:
    made = growing.design(LABELS, SUBJECTS, seed=3)
    tested = set(SUBJECTS[made.test])
    assert {one[0] for one in tested} == {"H", "L"}
    assert len(tested) == 7 + 13
    assert made.steps[0] == (2, 4)
    assert made.steps[-1] == (13, 27)
    assert list(made.steps) == sorted(made.steps)
    assert len(made.steps) == 6
    for seed in (0, 1):
        before: set[int] = set()
        for step, side in zip(made.steps, growing.draw(made, LABELS, SUBJECTS, seed=seed), strict=True):
            assert not tested & set(SUBJECTS[side.every])
            for label, letter in enumerate("HL"):
                mine = {one for one in SUBJECTS[side.every] if one[0] == letter}
                assert len(mine) == step[label]
            assert len(side.every) == 10 * step[0] + 6 * step[1]
            assert before <= set(side.every.tolist())
            before = set(side.every.tolist())
            # As many cells of each class as at first, of all of these patients.
            assert np.bincount(LABELS[side.same]).tolist() == [20, 24]
            assert set(side.same) <= before
        assert len(set(SUBJECTS[side.same])) > 20
    first, second = (growing.draw(made, LABELS, SUBJECTS, seed=seed)[0].every.tolist() for seed in (0, 1))
    assert first != second
    assert growing.draw(made, LABELS, SUBJECTS, seed=0)[0].every.tolist() == first


def test_the_gain_is_paired_and_over_the_test_patients() -> None:
    random = np.random.default_rng(0)
    made = growing.design(LABELS, SUBJECTS, seed=3)
    labels, subjects = LABELS[made.test], SUBJECTS[made.test]
    every = random.random((4, 3, len(labels))) < np.array([0.55, 0.6, 0.9])[None, :, None]
    same = random.random(every.shape) < 0.55
    found = growth.concluded(every, same, labels=labels, subjects=subjects, patients=[6, 20, 40], images=[44, 140, 280])
    assert (found.half, found.draws, found.rising) == (20, 4, True)
    recalls = [every[:, 2, labels == one].mean() for one in (0, 1)]
    assert found.steps[2].every.estimate == pytest.approx(np.mean(recalls))
    assert found.gain.estimate == pytest.approx(found.steps[2].every.estimate - found.steps[1].every.estimate)
    assert found.gain.clusters == found.steps[0].same.clusters == 20
    assert "this model still gains from further patients" in found.verdict()
    assert growth.Growth.from_dict(found.to_dict()) == found
    # Of one draw it is the difference of two runs, as everywhere.
    alone = growth.concluded(every[:1], same[:1], labels=labels, subjects=subjects, patients=[6, 20, 40], images=[44, 140, 280])
    codes = intervals.cluster_codes(subjects)
    assert alone.gain == compare.balanced_accuracy(labels, every[0, 2], every[0, 1], codes).interval
    assert alone.steps[0].spread == 0
    flat = growth.concluded(every[:, [0, 2, 2]], same, labels=labels, subjects=subjects, patients=[6, 20, 40], images=[44, 140, 280])
    assert "no rise is shown" in flat.verdict()

    all_cells, as_many = plots.growth(found).data
    assert (all_cells.marker.symbol, as_many.marker.symbol, as_many.line.dash) == ("circle", "square-open", "dash")
    assert all_cells.y == tuple(one.every.estimate for one in found.steps)
    assert "40 patients" in plots.describe_growth(found)
    assert plots.growth_table(found)["patients"].tolist() == [6, 20, 40]


def test_a_job_draws_the_curve(artifacts: Artifacts, do: Callable[[Artifacts, JobPaths], int]) -> None:
    importing.make_phantom(artifacts, "many", PhantomSpec(images=240, patients=40, size=32, difficulty=0.0, habits=0.0))
    job = submit.growth(artifacts, "many", draws=2)
    do(artifacts, job)
    assert store.read(job).state == "done", store.read(job).status.reason
    found = kept.read(job)
    assert found.draws == 2
    assert [one.patients for one in found.steps] == sorted({one.patients for one in found.steps})
    assert found.steps[0].every == found.steps[0].same
    assert found.steps[-1].images > found.steps[0].images
    assert found.steps[-1].every.estimate > 0.75  # without habits these cells are easy


def test_what_can_not_be_told_is_refused_before_there_is_a_job(artifacts: Artifacts, tiny: str) -> None:
    with pytest.raises(BadInput, match="2 to 50"):
        submit.growth(artifacts, tiny, draws=1)
    with pytest.raises(BadInput, match="needs 9 patients of each class"):
        submit.growth(artifacts, tiny)
    with pytest.raises(BadInput, match="patients are not known"):
        growing.design(LABELS, np.where(LABELS == 0, "", SUBJECTS), seed=0)
    assert not store.jobs(artifacts)
    with pytest.raises(NotFound):
        kept.read(artifacts.job("growth-nothing"))
