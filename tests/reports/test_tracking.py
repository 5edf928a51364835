"""Runs on an MLflow server: a stand-in for its client that refuses what the real one (3.17, against which this was tried) refuses."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from allcore.base.errors import AllcoreError, BadInput
from allcore.base.paths import Artifacts, JobPaths
from allcore.cli import cli
from allcore.reports import evidence, tracking

ADDRESS = "http://me:secret@mlflow.example:5000"
# mlflow.utils.validation
_KEY = re.compile(r"^[/\w.\- :]*$", flags=re.ASCII)


class Refused(Exception):
    """Stands in for MlflowException."""


class Client:
    """One server for the whole test, kept in `experiments` and `runs`."""

    experiments: dict[str, str]
    runs: dict[str, SimpleNamespace]
    down = False

    def __init__(self, tracking_uri: str) -> None:
        assert tracking_uri == ADDRESS

    def get_experiment_by_name(self, name: str):
        return SimpleNamespace(experiment_id=self.experiments[name]) if name in self.experiments else None

    def create_experiment(self, name: str) -> str:
        assert name not in self.experiments
        self.experiments[name] = f"{len(self.experiments) + 1}"
        return self.experiments[name]

    def search_runs(self, experiment_ids: list[str], filter_string: str, max_results: int):
        wanted = re.fullmatch(r"tags\.`allcore\.run` = '([\w-]+)' and attributes\.status = 'FINISHED'", filter_string)
        return [
            run
            for run in self.runs.values()
            if run.place in experiment_ids and run.status == "FINISHED" and run.tags["allcore.run"] == wanted[1]
        ][:max_results]

    def create_run(self, place: str, start_time: int, tags: dict, run_name: str):
        id_ = f"{len(self.runs):032x}"
        self.runs[id_] = SimpleNamespace(
            info=SimpleNamespace(run_id=id_),
            place=place,
            start=start_time,
            tags=dict(tags),
            name=run_name,
            status="RUNNING",
            metrics={},
            params={},
        )
        return self.runs[id_]

    def log_batch(self, id_: str, metrics=(), params=(), tags=()) -> None:
        run = self.runs[id_]
        if len(params) > 100 or len(tags) > 100 or len(metrics) + len(params) + len(tags) > 1000:
            raise Refused("too many at once")
        for one in (*metrics, *params, *tags):
            if not _KEY.match(one.key) or len(one.key) > 250 or one.key.startswith(("/", ".")) or posixpath.normpath(one.key) != one.key:
                raise Refused(f"Invalid name {one.key!r}")
        for one in metrics:
            assert type(one.value) is float
            assert type(one.timestamp) is type(one.step) is int
            assert (one.key, one.step) not in run.metrics
            run.metrics[one.key, one.step] = one.value
        for one in params:
            assert one.key not in run.params
            run.params[one.key] = one.value
        run.tags |= {one.key: one.value for one in tags}
        if any(len(value) > 8000 for value in run.tags.values()):
            raise Refused("a tag is too long")

    def log_artifacts(self, id_: str, folder: str) -> None:
        if self.down:
            raise Refused(f"{ADDRESS} answers no more\nand says so on many lines")
        self.runs[id_].files = {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}

    def set_terminated(self, id_: str, state: str, end_time: int | None = None) -> None:
        assert state in ("FINISHED", "FAILED")
        self.runs[id_].status, self.runs[id_].end = state, end_time


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    """A server that is up and empty, and the client's package."""

    def entity(*names: str) -> Callable[..., SimpleNamespace]:
        return lambda *values: SimpleNamespace(**dict(zip(names, values, strict=True)))

    package, exceptions, entities = (ModuleType(name) for name in ("mlflow", "mlflow.exceptions", "mlflow.entities"))
    fresh = type("Client", (Client,), {"experiments": {}, "runs": {}})
    package.MlflowClient, exceptions.MlflowException = fresh, Refused
    entities.Metric, entities.Param = entity("key", "value", "timestamp", "step"), entity("key", "value")
    entities.RunTag = entities.Param
    for module in (package, exceptions, entities):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    for name, value in tracking._MANNERS.items():
        monkeypatch.setenv(name, value)
    return fresh


def test_a_run_stands_there_whole_and_once(artifacts: Artifacts, forest: JobPaths, server: type[Client], capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        _main(["track", forest.id, "--server", ADDRESS, "--json"])
    assert ended.value.code == 0
    document = json.loads(capsys.readouterr().out)
    (id_,) = server.runs
    assert document["server"] == "http://mlflow.example:5000"
    assert document["runs"] == [{"run": forest.id, "mlflow_run": id_, "experiment": "tiny", "already": False}]
    run, one = server.runs[id_], evidence.of(artifacts, forest.id)
    assert (run.status, run.place, run.name) == ("FINISHED", server.experiments["tiny"], one.name)
    assert run.start <= run.end
    assert (run.params["model"], run.params["trees"], run.params["split.level"]) == ("random_forest", "10", one.certificate.level)
    area = one.scores.intervals["auroc"]
    assert (run.metrics["test/AUROC", 0], run.metrics["constant/AUROC", 0]) == (area.estimate, 0.5)
    assert run.metrics["test/recall/1_leukemia", 0] == one.scores.by_class[1].recall
    assert {"test/PPV", "test/sensitivity", "test/threshold", "training/parameters"} <= {name for name, _ in run.metrics}
    assert run.tags["allcore.synthetic"] == "true"
    assert run.tags["mlflow.note.content"].startswith("# Model card: Random forest on tiny")
    sums = [line.split("  ") for line in run.files["SHA256SUMS"].decode().splitlines()]
    assert len(sums) > 20
    assert all(hashlib.sha256(run.files[name]).hexdigest() == digest for digest, name in sums)
    (again,) = tracking.send([one], ADDRESS)
    assert (again.already, again.mlflow_run, len(server.runs)) == (True, id_, 1)


def test_what_each_epoch_said_has_its_step(artifacts: Artifacts, forest: JobPaths, server: type[Client]) -> None:
    lines = [
        {"event": "epoch", "time": f"2026-01-01T00:00:0{n}.000Z", "attempt": 1, "epoch": n, "epochs": 3, "loss": 1 / n, "seconds": 2}
        for n in (1, 2, 3)
    ]
    forest.events.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    list(tracking.send([evidence.of(artifacts, forest.id)], ADDRESS, experiment="another"))
    (run,) = server.runs.values()
    assert [run.metrics["epoch/loss", n] for n in (1, 2, 3)] == [1, 1 / 2, 1 / 3]
    assert {name for name, _ in run.metrics if name.startswith("epoch/")} == {"epoch/loss", "epoch/seconds"}
    assert list(server.experiments) == ["another"]


def test_names_from_outside_become_names_that_are_taken(artifacts: Artifacts, odd: JobPaths, server: type[Client]) -> None:
    list(tracking.send([evidence.of(artifacts, odd.id)], ADDRESS))
    (run,) = server.runs.values()
    assert {"test/recall/0_script_alert_1_script_", "test/recall/1_a_b_amp_"} <= {name for name, _ in run.metrics}


def test_a_server_that_fails_midway_keeps_no_half_run(artifacts: Artifacts, forest: JobPaths, server: type[Client]) -> None:
    one = evidence.of(artifacts, forest.id)
    server.down = True
    with pytest.raises(
        AllcoreError, match=r"at http://mlflow\.example:5000 did not take it: http://mlflow\.example:5000 answers"
    ) as raised:
        list(tracking.send([one], ADDRESS))
    assert (raised.value.exit_code, "secret" in str(raised.value), "many lines" in str(raised.value)) == (1, False, False)
    server.down = False
    assert [sent.already for sent in tracking.send([one], ADDRESS)] == [False]
    assert [run.status for run in server.runs.values()] == ["FAILED", "FINISHED"]


def test_without_a_client_or_an_address_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in tracking._MANNERS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(BadInput, match="pip install mlflow-skinny"):
        list(tracking.send([], ADDRESS))
    with pytest.raises(BadInput, match="MLFLOW_TRACKING_URI"):
        list(tracking.send([], " "))
    monkeypatch.delenv(tracking.ADDRESS, raising=False)
    assert tracking.configured() is None


def _main(arguments: list[str]) -> None:
    from allcore.cli import main

    assert cli.commands["track"].params
    main(arguments)
