"""A small net in the place of a real one, trained by a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs import submit
from allcore.models.cnn import proposed_cnn
from tests.training.small import small_net


@pytest.fixture
def train(artifacts: Artifacts, tiny: str, do, monkeypatch: pytest.MonkeyPatch) -> Callable[..., JobPaths]:
    """Trains the small net, once or from where it was left."""
    monkeypatch.setattr(proposed_cnn, "build", small_net)
    submitted: list[JobPaths] = []

    def run(*, again: bool = False, preset: str = "patient", **changed: Any) -> JobPaths:
        if not again:
            wanted = {"input_size": 32, "batch_size": 8, "learning_rate": 0.01, **changed}
            plan, _ = submit.planned(artifacts, data=tiny, model="proposed_cnn", preset=preset, changed=wanted)
            submitted.append(submit.training(artifacts, plan))
        do(artifacts, submitted[-1])
        return submitted[-1]

    return run
