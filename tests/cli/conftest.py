"""Running a command line within the tests' own process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from allcore.base.paths import Artifacts
from allcore.cli import main
from allcore.jobs import control
from allcore.runs import status, store
from tests.cli.said import Said


@pytest.fixture
def say(artifacts: Artifacts, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command line in this process."""

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Said(ended.value.code or 0, printed.out, printed.err)

    return run


@pytest.fixture
def at_once(artifacts: Artifacts, do, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sees to it that the runner is up does what is queued himself."""

    def ensure(where: Artifacts) -> None:
        for job in store.active(where):
            if job.status.state == status.QUEUED:
                do(where, job.paths)

    monkeypatch.setattr(control, "ensure", ensure)
