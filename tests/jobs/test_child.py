"""A job's process, as it is started."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from allcore.base.paths import Artifacts
from allcore.base.processes import FRUGAL, GENEROUS
from allcore.jobs.executors import child

TAKE_AND_GIVE_BACK = """
import ctypes, resource
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
faults = []
for size in (96_000_000, 64_000_000) * 3:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = libc.malloc(size)
    ctypes.memset(block, 1, size)
    libc.free(block)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(*faults)
"""
"""What a step of a training does with memory; page faults of each turn."""


@pytest.fixture
def started(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch):
    """The variables that a job's process is started with."""

    def variables(**extra: str) -> dict[str, str]:
        told: dict[str, str] = {}
        monkeypatch.setattr(child.subprocess, "Popen", lambda command, *, env, **options: told.update(env))
        paths = artifacts.run("one")
        paths.log.parent.mkdir(parents=True, exist_ok=True)
        child.start(artifacts, paths, 1, extra)
        return told

    return variables


def test_a_job_has_not_the_thrift_of_the_server_that_started_it(started, monkeypatch: pytest.MonkeyPatch):
    for name, value in FRUGAL.items():
        monkeypatch.setenv(name, value)
    given = started(OMP_NUM_THREADS="3")
    assert not FRUGAL.keys() & given.keys()
    assert GENEROUS.items() <= given.items()
    assert given["OMP_NUM_THREADS"] == "3"


def test_what_a_person_set_for_the_memory_stands(started, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=1")
    assert started()["GLIBC_TUNABLES"] == "glibc.malloc.check=1"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these variables")
def test_memory_that_was_given_back_is_not_cleared_again():
    def faults(variables: dict[str, str]) -> list[int]:
        environment = {name: value for name, value in os.environ.items() if name not in FRUGAL} | variables
        done = subprocess.run([sys.executable, "-c", TAKE_AND_GIVE_BACK], env=environment, capture_output=True, text=True, check=True)
        return [int(word) for word in done.stdout.split()]

    by_default, kept = faults({"GLIBC_TUNABLES": ""}), faults(GENEROUS)
    assert max(kept[1:]) < 100 < 10_000 < min(by_default[1:])
