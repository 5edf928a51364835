"""A finished run beyond its own test side, from the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing
from allcore.data.phantom import PhantomSpec
from tests.cli.said import Said, plain

pytestmark = pytest.mark.usefixtures("at_once")


def test_evaluate(artifacts: Artifacts, forest: JobPaths, say: Callable[..., Said]) -> None:
    importing.make_phantom(artifacts, "elsewhere", PhantomSpec(images=40, patients=20, size=32, difficulty=0.0, seed=5))
    asked = ("evaluate", forest.id, "--data", "elsewhere")
    said = say(*asked, "--wait", "--json")
    assert said.code == 0
    assert said.document["status"] == "done"
    assert said.document["result"]["other"]["n"] == 40
    spoken = say(*asked, "--wait")
    assert "Attention: Both data sets are drawn" in spoken.out
    assert "balanced accuracy" in spoken.out
    plain(say(*asked, "--map", "healthy=ill"), 2, "Error: 'healthy' can't be mapped to 'ill'.")
    assert say("evaluate", forest.id, "--data", "tiny").code == 2
    assert say(*asked, "--map", "healthy").code == 2


def test_robustness(forest: JobPaths, say: Callable[..., Said]) -> None:
    said = say("robustness", forest.id, "--wait", "--json")
    assert (said.code, said.err) == (0, "")
    assert [one["kind"] for one in said.document["result"]["curves"]] == ["stain", "brightness", "blur", "jpeg", "turn"]
    spoken = say("robustness", forest.id, "--wait")
    assert spoken.code == 0
    assert "Balanced accuracy as they are" in spoken.out
    assert "drawn cells" in spoken.err
    assert say("robustness", "no-such-run").code == 2


def test_leakage(artifacts: Artifacts, say: Callable[..., Said]) -> None:
    importing.make_phantom(artifacts, "known", PhantomSpec(images=120, patients=24, size=32, habits=1.0))
    said = say("leakage", "known", "--wait", "--json")
    assert (said.code, said.document["status"]) == (0, "done")
    found = said.document["result"]
    assert len(found["repeats"]) == 10
    assert found["gap"]["estimate"] == pytest.approx(found["acquainted"] - found["strangers"])
    spoken = say("leakage", "known", "--wait")
    assert "had not met them" in spoken.out
    assert "support vector machine" in spoken.out
    assert "24 patients and 10 splits" in spoken.out
    plain(say("leakage", "known", "--repeats", "2"), 2, "Error: repeats can't be 2.")
    plain(say("leakage", "known", "--model", "svm"), 2, "Error: Leakage can't be measured by 'svm'.")
