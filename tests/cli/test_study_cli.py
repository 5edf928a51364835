"""`allcore study`: one document, plain refusals, honest exit codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from allcore.base.paths import Artifacts
from allcore.jobs import control
from allcore.runs import store
from tests.cli.said import Said, plain

START = ("study", "start", "--data", "tiny", "--model", "random_forest")
SMALL = ("--set", "input_size=32", "--set", "trees=5", "--set", "calibrate=false")


@pytest.fixture(autouse=True)
def no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ensure", lambda _: None)


def document(said: Said) -> dict[str, Any]:
    assert (said.code, said.err) == (0, "")
    return said.document


def test_from_start_to_delete(artifacts: Artifacts, tiny: str, do: Callable, say: Callable):
    made = document(say(*START, *SMALL, "--search", "grid", "--vary", "max_depth=1,2", "--seed", 3, "--name", "Depth", "--json"))
    assert (made["name"], made["status"], made["runs"], made["counts"]) == ("Depth", "at work", 2, {"queued": 2})
    assert [(trial["changed"], trial["seed"]) for trial in made["trials"]] == [({"max_depth": 1}, 3), ({"max_depth": 2}, 3)]
    for job in store.runs(artifacts):
        do(artifacts, job.paths)
    seen = document(say("study", "show", made["id"], "--json"))
    assert seen["status"] == "done"
    assert seen["best"]["tried"] == 2
    assert seen["best"]["tune"] == max(trial["tune"]["estimate"] for trial in seen["trials"])
    assert seen["best"]["test"]["balanced_accuracy"]["n"] > 0
    assert "at least" not in seen["importance"]["why_not"]
    spoken = say("study", "show", made["id"])
    assert spoken.code == 0
    assert "had no part in the choice among 2" in spoken.out
    assert document(say("study", "add", made["id"], "--seed", 4, "--json"))["runs"] == 4
    assert document(say("study", "cancel", made["id"], "--json"))["counts"] == {"done": 2, "cancelled": 2}
    (listed,) = document(say("study", "list", "--json"))["studies"]
    assert (listed["id"], listed["status"], listed["ended"]) == (made["id"], "cancelled", 4)
    assert document(say("study", "delete", made["id"], "--json"))["runs_deleted"] == 0
    assert len(store.runs(artifacts)) == 4
    assert say("study", "show", made["id"]).code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--search", "grid", "--vary", "max_depth"), "has no '='"),
        (("--search", "grid", "--vary", "max_depth=1,2", "--vary", "max_depth=3,4"), "names max_depth twice"),
        (("--search", "grid", "--vary", "max_depth=1,900"), "max_depth can't be '900'"),
        (("--folds", 3, *(part for seed in range(70) for part in ("--seed", seed))), "would make 210 runs"),
        (
            (
                "--search",
                "bold",
            ),
            "Invalid value",
        ),
    ],
)
def test_a_refusal_is_plain_and_leaves_nothing(artifacts: Artifacts, tiny: str, say: Callable, arguments: tuple, words: str):
    plain(say(*START, *arguments, "--json"), 2, words)
    assert not artifacts.studies.exists()
    assert store.jobs(artifacts) == []
