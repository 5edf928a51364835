"""A finished run beyond its own test side, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from allcore.base.paths import Artifacts, JobPaths
from allcore.cli import main
from allcore.data import importing
from allcore.data.phantom import PhantomSpec
from allcore.jobs import control
from allcore.runs import status, store


@pytest.fixture(autouse=True)
def done_at_once(monkeypatch: pytest.MonkeyPatch, do: Callable[[Artifacts, JobPaths], int]) -> None:
    """In place of a runner: whoever sees to it that one is up finds the waiting jobs done."""

    def ensure(artifacts: Artifacts) -> None:
        for job in store.active(artifacts):
            if job.status.state == status.QUEUED:
                do(artifacts, job.paths)

    monkeypatch.setattr(control, "ensure", ensure)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line: its exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        return ended.value.code, *capsys.readouterr()

    return run


def test_evaluate(artifacts: Artifacts, forest: JobPaths, said: Callable[..., tuple[int, str, str]]) -> None:
    importing.make_phantom(artifacts, "elsewhere", PhantomSpec(images=40, patients=20, size=32, difficulty=0.0, seed=5))
    code, out, _ = said("evaluate", forest.id, "--data", "elsewhere", "--wait", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["status"] == "done"
    assert told["result"]["other"]["n"] == 40
    code, out, _ = said("evaluate", forest.id, "--data", "elsewhere", "--wait")
    assert "Attention: Both data sets are drawn" in out
    assert "balanced accuracy" in out
    code, out, error = said("evaluate", forest.id, "--data", "elsewhere", "--map", "healthy=ill")
    assert (code, out) == (2, "")
    assert error.startswith("Error: 'healthy' can't be mapped to 'ill'.")
    assert said("evaluate", forest.id, "--data", "tiny")[0] == 2
    assert said("evaluate", forest.id, "--data", "elsewhere", "--map", "healthy")[0] == 2


def test_robustness(forest: JobPaths, said: Callable[..., tuple[int, str, str]]) -> None:
    code, out, error = said("robustness", forest.id, "--wait", "--json")
    assert (code, error) == (0, "")
    told = json.loads(out)["result"]
    assert [one["kind"] for one in told["curves"]] == ["stain", "brightness", "blur", "jpeg"]
    code, out, error = said("robustness", forest.id, "--wait")
    assert code == 0
    assert "Balanced accuracy as they are" in out
    assert "drawn cells" in error
    assert said("robustness", "no-such-run")[0] == 2
