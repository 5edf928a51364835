"""Which schedulers may be talked to, which workers may be given jobs, and what each offers."""

from __future__ import annotations

from pathlib import Path

import pytest

from allcore.base import fileio
from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.jobs import cluster
from allcore.jobs.cluster import ClusterSeen, Scheduler, WorkerSeen
from allcore.jobs.executors import admission
from allcore.jobs.executors.chosen import chosen
from allcore.jobs.executors.local import LocalExecutor

NAMES = cluster.CERTIFICATES
HERE = {"root": "/a", "token": "t", "writable": True, "locked": True, "code": "c"}


def test_without_a_scheduler_jobs_stay_here(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(cluster.VARIABLE, raising=False)
    cluster.tell(artifacts, ClusterSeen("tls://a:1"))
    executor = chosen(artifacts)
    assert isinstance(executor, LocalExecutor)
    assert executor.free()
    assert cluster.seen(artifacts) is None
    assert cluster.wanted({}) is cluster.wanted({cluster.VARIABLE: " "}) is None


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("tcp://127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        ("tcp://localhost", "tcp://localhost:8786"),
        ("tcp://[::1]:99", "tcp://[::1]:99"),
        ("tls://head.example.org:8786", "tls://head.example.org:8786"),
        ("tls://10.0.0.1", "tls://10.0.0.1:8786"),
    ],
)
def test_a_scheduler_here_or_behind_tls_is_taken(given: str, address: str):
    assert cluster.wanted({cluster.VARIABLE: given}) == Scheduler(address)


@pytest.mark.parametrize("given", ["tcp://10.0.0.1:8786", "tcp://head:8786", "tcp://0.0.0.0:8786", "tcp://127.0.0.1.example.org:8786"])
def test_a_scheduler_without_tls_elsewhere_is_refused(given: str):
    with pytest.raises(BadInput, match=r"without TLS only a scheduler on this machine \(127.0.0.1\) may be used") as caught:
        cluster.wanted({cluster.VARIABLE: given})
    assert "write tls://" in caught.value.hint


@pytest.mark.parametrize(
    "given", ["10.0.0.1:8786", "head", "http://127.0.0.1:8786", "tls://", "tls://a:port", "tls://a/b", "tls://u@a", "tls://[a"]
)
def test_what_is_no_address_is_refused(given: str):
    with pytest.raises(BadInput, match="no scheduler's address"):
        cluster.wanted({cluster.VARIABLE: given})


def test_certificates_come_together_and_exist(tmp_path: Path):
    file = tmp_path / "a.pem"
    file.touch()
    there = {cluster.VARIABLE: "tls://a", **dict.fromkeys(NAMES, str(file))}
    assert cluster.wanted(there) == Scheduler("tls://a:8786", *[str(file)] * 3)
    with pytest.raises(BadInput, match="ALLCORE_TLS_KEY is not named"):
        cluster.wanted({**there, "ALLCORE_TLS_KEY": ""})
    with pytest.raises(BadInput, match=r"ALLCORE_TLS_CA names .* no file"):
        cluster.wanted({**there, "ALLCORE_TLS_CA": str(tmp_path / "b.pem")})


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("tcp://10.0.0.1:8786", "without TLS only a scheduler on this machine"),
        ("tls://127.0.0.1:1", "wants certificates, and none are named"),
    ],
)
def test_what_was_meant_for_a_cluster_does_not_begin_here(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch, address: str, told: str):
    monkeypatch.setenv(cluster.VARIABLE, address)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    executor = chosen(artifacts)
    assert executor.free() == ()
    (problem,) = cluster.seen(artifacts).problems
    assert told in problem
    executor.close()


def test_what_the_runner_saw_is_read_again(artifacts: Artifacts):
    found = ClusterSeen("tls://a:1", "No answer.", (WorkerSeen("a", "host", ("a", "a data")), WorkerSeen("b", "host", (), "Blind.")))
    cluster.tell(artifacts, found)
    assert cluster.seen(artifacts) == found
    assert found.problems == ("No answer.", "Worker b: Blind.")
    assert [worker.name for worker in found.usable] == ["a"]
    assert found.summary == "Jobs run on the Dask cluster at tls://a:1: 1 worker with 2 slots."
    fileio.write_bytes(artifacts.cluster_state, b"{")
    assert cluster.seen(artifacts) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, ""),
        ({"token": None}, "can't see the artifacts folder at /a"),
        ({"token": "other"}, "another one than the runner's"),
        ({"writable": False}, "can't write"),
        ({"locked": False}, "Locks on files in /a do not reach it"),
        ({"code": ""}, "can't import allcore"),
        ({"code": "d"}, "Its copy of allcore is another one"),
    ],
)
def test_a_worker_is_told_what_it_lacks(change: dict, told: str):
    problem = admission.of_worker({**HERE, **change}, HERE, apart=0.1)
    assert told in problem
    assert bool(problem) == bool(told)


@pytest.mark.parametrize(("apart", "told"), [(2.0, ""), (12.0, "Its clock is 12 s ahead"), (-4.0, "Its clock is 4 s behind")])
def test_clocks_must_agree(apart: float, told: str):
    assert admission.of_worker(HERE, HERE, apart=apart).startswith(told)


def test_versions_must_agree():
    here = {"python": "3.11.2.final.0", "distributed": "2026.8.0", "tensorflow": "2.21.0", "lz4": None}
    names = ("distributed", "tensorflow")
    assert admission.of_versions({**here, "python": "3.11.9.final.0", "lz4": "4"}, here, names) == ""
    problem = admission.of_versions({"python": "3.12.1.final.0", "distributed": "2026.7.0", "tensorflow": None}, here, names)
    assert "Python 3.12, not 3.11; distributed 2026.7.0, not 2026.8.0; tensorflow missing, not 2.21.0" in problem


@pytest.mark.parametrize(
    ("threads", "resources", "slots"),
    [
        (1, {}, {"w": "both"}),
        (8, {}, {"w": "training", "w data": "short"}),
        (8, {"GPU": 2.0}, {"w gpu-0": "training", "w gpu-1": "training", "w data": "short"}),
        (2, {"GPU": 2.0}, {"w gpu-0": "both", "w gpu-1": "both"}),
        (1, {"GPU": 4.0}, {"w gpu-0": "both"}),
    ],
)
def test_a_worker_offers_a_slot_for_each_gpu_or_one(threads: int, resources: dict, slots: dict[str, str]):
    from allcore.jobs.executors import dask_cluster
    from allcore.jobs.slots import SHORT, TRAINING

    kinds = {"both": TRAINING + SHORT, "training": TRAINING, "short": SHORT}
    gpus, offered = dask_cluster.offered("w", {"nthreads": threads, "resources": resources})
    assert {slot.name: slot.kinds for slot in offered} == {name: kinds[which] for name, which in slots.items()}
    assert {slot.variables["OMP_NUM_THREADS"] for slot in offered} == {str(threads)}
    assert list(gpus.values()) == [number for number, name in enumerate(slots) if "gpu" in name]
