"""A run under strain: from the verb to the figures, by its own test images."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from allcore.base.errors import BadInput, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import cache, importing, strained
from allcore.data.phantom import PhantomSpec
from allcore.inference import served
from allcore.jobs import beyond as jobs
from allcore.runs import beyond, status, store


def test_it_answers_for_its_own_test_images_disturbed(artifacts: Artifacts, forest: JobPaths, do: Callable[[Artifacts, JobPaths], int]):
    job = jobs.straining(artifacts, forest.id)
    with pytest.raises(NotFound):
        beyond.robustness(job)
    do(artifacts, job)
    assert store.read(job).state == status.DONE, store.read(job).status.reason
    found = beyond.robustness(job)
    test = store.read(forest).metrics["test"]
    assert (found.n, found.base.estimate) == (test["n"], test["balanced_accuracy"])
    assert [one.kind for one in found.curves] == list(strained.KINDS)
    for one in found.curves:
        (none,) = [point for point in one.points if point.strength == one.none]
        assert (none.balanced_accuracy.estimate, none.changed.estimate) == (found.base.estimate, 0)
    # One point again, by hand.
    split = pd.read_parquet(forest.split)
    pixels = np.asarray(cache.opened(artifacts.dataset("tiny"), 32))[(split["side"] == "test").to_numpy()]
    model = served.load(forest)
    before, after = (model.answer(one).probabilities.argmax(axis=1) for one in (pixels, strained.KINDS["stain"].applied(pixels, 0.5)))
    assert found.curves[0].points[0].changed.estimate == pytest.approx((before != after).mean())


def test_without_its_images_it_is_refused_before_there_is_a_job(artifacts: Artifacts, forest: JobPaths):
    shutil.rmtree(artifacts.dataset("tiny").folder)
    with pytest.raises(NotFound):
        jobs.straining(artifacts, forest.id)
    importing.make_phantom(artifacts, "tiny", PhantomSpec(images=12, patients=6, size=32, seed=5))
    with pytest.raises(BadInput, match="no longer the one"):
        jobs.straining(artifacts, forest.id)
    assert [job.id for job in store.jobs(artifacts)] == [forest.id]
