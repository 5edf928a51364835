from __future__ import annotations

import pytest

from allcore.base.paths import Artifacts
from allcore.cli import waiting
from allcore.jobs import control, queue
from allcore.runs import spec, status


@pytest.mark.parametrize("quiet", [True, False])
def test_whoever_waits_is_told_that_the_queue_is_paused(
    artifacts: Artifacts, quiet: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    paths = spec.written(artifacts, spec.PHANTOM, {"name": "demo"}, name="phantom-demo")
    queue.pause(artifacts, by="ada")
    looks = iter([lambda: None, lambda: None, lambda: status.change(paths, status.CANCELLED)])
    monkeypatch.setattr(control, "ensure", lambda artifacts: next(looks)())
    monkeypatch.setattr(waiting.time, "sleep", lambda seconds: None)
    waiting.until_ended(artifacts, paths, quiet=quiet, goes_on="")
    assert capsys.readouterr().err.splitlines() == ["queued 0% The queue is paused: `jobs unpause` lets it move."]
