"""A real scheduler and real workers, with TLS: killed, lost and back; and the work is done all the same, never twice at once."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts, JobPaths
from allcore.data.phantom import PhantomSpec
from allcore.jobs import cluster as clusters
from allcore.jobs import submit
from allcore.jobs.cluster import Scheduler
from allcore.jobs.runner import Runner
from allcore.runs import allotment, status
from tests.clusters import Cluster

SMALL = PhantomSpec(images=8, patients=2, size=32)
LONGER = PhantomSpec(images=150, patients=4, size=140)

pytestmark = pytest.mark.skipif(os.name != "posix" or not shutil.which("openssl"), reason="needs openssl, and signals as POSIX has them")


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, str]:
    """An authority's certificate, one that it signed, and the key of that."""
    ca, ca_key, request, certificate, key = (str(tmp_path / name) for name in ("ca.pem", "ca.key", "node.csr", "node.pem", "node.key"))
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    for command in (
        [*new, "-x509", "-days", "1", "-subj", "/CN=authority", "-keyout", ca_key, "-out", ca],
        [*new, "-subj", "/CN=node", "-keyout", key, "-out", request],
        ["openssl", "x509", "-req", "-days", "1", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-out", certificate],
    ):
        subprocess.run(command, check=True, capture_output=True)
    return ca, certificate, key


@pytest.fixture
def cluster(tmp_path: Path, files: tuple[str, str, str]) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    names = ("--tls-ca-file", "--tls-cert", "--tls-key")
    made = Cluster(folder, options=tuple(word for pair in zip(names, files, strict=True) for word in pair))
    try:
        yield made.start()
    finally:
        made.end()


def test_whatever_is_lost_the_work_is_done(artifacts: Artifacts, cluster: Cluster, files, household, tmp_path: Path, eventually):
    from allcore.jobs.executors.dask import DaskExecutor

    def stepped(runner: Runner, job: JobPaths, condition: Callable[[status.Status], bool], what: str) -> status.Status:
        def reached() -> status.Status | None:
            runner.step()
            assert len(household.at_work(job)) <= 1
            current = status.read(job)
            return current if condition(current) else None

        return eventually(reached, what=what)

    for name in ("one", "two"):
        cluster.worker(name)
    cluster.worker("blind", environment={ENVIRONMENT_VARIABLE: str(tmp_path)})
    scheduler = Scheduler(cluster.address, *files)
    first = DaskExecutor(artifacts, scheduler)
    eventually(lambda: len(first.free()) == 2 and clusters.seen(artifacts).problems, what="all workers")
    assert {slot.name for slot in first.free()} == {"one", "two"}
    (problem,) = clusters.seen(artifacts).problems
    assert problem.startswith(f"Worker blind: It can't see the artifacts folder at {tmp_path}.")

    # The runner goes; the next one takes the job over, as it is.
    job = submit.phantom(artifacts, "a", LONGER)
    stepped(Runner(artifacts, first), job, lambda now: now.state == status.RUNNING, "the job to run")
    first._connection.close()
    first._lock.release()
    second = DaskExecutor(artifacts, scheduler)
    runner = Runner(artifacts, second)
    here = allotment.read(job).slot
    (there,) = (slot.name for slot in second.free())
    assert {here, there} == {"one", "two"}
    assert runner.step() is True
    assert (status.read(job).state, status.read(job).attempt) == (status.RUNNING, 1)

    # Its worker goes; it goes on where there is room.
    cluster.workers[here].kill()
    ended = stepped(runner, job, lambda now: now.state in status.ENDED, "the job to end")
    assert (ended.state, ended.attempt) == (status.DONE, 2), "".join(f"\n{s.time} {s.state} {s.attempt} {s.reason}" for s in ended.history)
    assert next(step.reason for step in ended.history if step.attempt == 2) == f"On {there}, 1 thread."

    # The scheduler goes, with all its memory.
    cluster.scheduler.kill()
    cluster.scheduler.wait(30)
    eventually(lambda: second.free() == () and "does not answer" in clusters.seen(artifacts).problem, what="the loss to be told")
    later = submit.phantom(artifacts, "b", SMALL)
    runner.step()
    assert status.read(later).state == status.QUEUED
    cluster.start().worker("three")
    assert stepped(runner, later, lambda now: now.state in status.ENDED, "the later job to end").state == status.DONE
    assert clusters.seen(artifacts).problem == ""
    second.close()
    assert clusters.seen(artifacts) is None
