"""Leakage is found where it was drawn in, and a job tells it; the statistics are those of paired differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from allcore.base.errors import BadInput, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing
from allcore.data.phantom import PhantomSpec
from allcore.jobs import slots, submit
from allcore.metrics import leakage
from allcore.models import presets, registry
from allcore.runs import leakage as kept
from allcore.runs import status, store
from allcore.runs.attempt import Interrupted
from allcore.training import leakage as training


def test_the_gap_is_paired_and_clustered_by_patient() -> None:
    labels, subjects = np.repeat([0, 1], 60), np.repeat([f"P{one}" for one in range(12)], 10)
    random = np.random.default_rng(0)
    found = []
    for _ in range(10):
        rows = np.sort(random.permutation(120)[:60])
        did_not = random.random(60) < 0.6
        found.append((rows, did_not | (random.random(60) < 0.3), did_not))
    one = leakage.concluded(found, labels, subjects)
    assert one.shown
    assert one.gap.clusters == 12
    assert one.gap.estimate == pytest.approx(one.acquainted - one.strangers)
    assert len(one.repeats) == 10
    assert leakage.Leakage.from_dict(one.to_dict()) == one
    nothing = leakage.concluded([(rows, did, did) for rows, _, did in found], labels, subjects)
    assert (nothing.gap.low, nothing.gap.high, nothing.shown) == (0, 0, False)


@pytest.fixture
def measured(artifacts: Artifacts, do: Callable[[Artifacts, JobPaths], int]) -> Callable[[float], JobPaths]:
    """A finished measurement on drawn cells with such habits."""

    def made(habits: float) -> JobPaths:
        name = f"habits-{round(100 * habits)}"
        importing.make_phantom(artifacts, name, PhantomSpec(images=800, patients=40, habits=habits, size=36))
        job = submit.leakage(artifacts, name)
        do(artifacts, job)
        assert store.read(job).state == "done", store.read(job).status.reason
        return job

    return made


def test_habits_leak_and_their_absence_does_not(measured: Callable[[float], JobPaths]) -> None:
    with_habits, without = (kept.read(measured(habits)) for habits in (1.0, 0.0))
    assert with_habits.shown, with_habits
    assert with_habits.gap.estimate > without.gap.estimate
    assert abs(without.gap.estimate) < 0.05
    assert len(with_habits.repeats) == 10


def test_a_network_measures_it_on_request(artifacts: Artifacts, do: Callable[[Artifacts, JobPaths], int], monkeypatch) -> None:
    importing.make_phantom(artifacts, "cells", PhantomSpec(images=72, patients=24, size=32))
    card = registry.card("allnet")
    brief = replace(
        card.preset(presets.FIRST_LESSON), settings={**card.preset(presets.FIRST_LESSON).settings, "epochs": 1, "input_size": 32}
    )
    small = replace(card, presets=(brief, *card.presets[1:]))
    monkeypatch.setattr(registry, "card", lambda name: small if name == "allnet" else card)
    job = submit.leakage(artifacts, "cells", model="allnet")
    assert store.read(job).spec.kind in slots.TRAINING
    do(artifacts, job)
    assert store.read(job).state == "done", store.read(job).status.reason
    found = kept.read(job)
    assert found.model == "allnet as in its first lesson, 1 epochs at 32 pixels".replace("allnet", card.name)
    assert len(found.repeats) == 10
    assert found.verdict().endswith(f"over {found.gap.clusters} patients and 10 splits.")


def test_answers_of_two_forms_of_a_network_are_not_put_together(
    artifacts: Artifacts, do: Callable[[Artifacts, JobPaths], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    importing.make_phantom(artifacts, "cells", PhantomSpec(images=72, patients=24, size=32))
    job = submit.leakage(artifacts, "cells", model="allnet")
    now = replace(registry.card("allnet"), parameters=1)
    monkeypatch.setattr(registry, "card", lambda name: now)
    do(artifacts, job)
    assert store.read(job).state == "failed"
    assert "is another since an update" in store.read(job).status.reason


def test_what_an_earlier_attempt_has_measured_is_not_measured_again(
    artifacts: Artifacts, do: Callable[[Artifacts, JobPaths], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    importing.make_phantom(artifacts, "cells", PhantomSpec(images=120, patients=24, size=32, habits=1.0))
    whole, broken = submit.leakage(artifacts, "cells"), submit.leakage(artifacts, "cells")
    do(artifacts, whole)
    answered, seen = training.answered, []

    def once(*given, seed: int, **options):
        if seed == 6 and seen[-1:] != ["stopped"]:
            seen.append("stopped")
            raise Interrupted("The runner was stopped.")
        seen.append(seed)
        return answered(*given, seed=seed, **options)

    monkeypatch.setattr(training, "answered", once)
    do(artifacts, broken)
    assert store.read(broken).state == "interrupted"
    status.change(broken, status.QUEUED)
    do(artifacts, broken)
    assert seen == [0, 1, 2, 3, 4, 5, "stopped", 6, 7, 8, 9]
    assert kept.read(broken) == kept.read(whole)
    assert not broken.checkpoint.exists()


def test_what_can_not_be_measured_is_refused_before_there_is_a_job(artifacts: Artifacts, tiny: str) -> None:
    with pytest.raises(BadInput, match="10 to 100"):
        submit.leakage(artifacts, tiny, repeats=3)
    with pytest.raises(BadInput, match="can't be measured by 'svm'"):
        submit.leakage(artifacts, tiny, model="svm")
    importing.make_phantom(artifacts, "few", PhantomSpec(images=24, patients=8, size=32))
    with pytest.raises(BadInput, match="Leakage needs 5 patients"):
        submit.leakage(artifacts, "few")
    assert not store.jobs(artifacts)
    with pytest.raises(NotFound):
        kept.read(artifacts.job("leakage-nothing"))
