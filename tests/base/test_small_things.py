"""The clock, errors, locks and processes."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from allcore.base import clock, locks, processes
from allcore.base.errors import AllcoreError, BadInput, Conflict, Fenced, NotFound, Unreadable
from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts


def test_moments_sort_as_text_and_can_be_subtracted():
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", clock.now())
    assert clock.seconds_between("2026-11-22T23:59:59.500Z", "2026-11-23T00:00:01.000Z") == 1.5
    assert clock.seconds_since("2000-01-01T00:00:00.000Z") > 0


@pytest.mark.parametrize(("kind", "code"), [(AllcoreError, 1), (BadInput, 2), (NotFound, 2), (Unreadable, 2), (Conflict, 2), (Fenced, 1)])
def test_errors_say_what_and_what_to_do_on_either_side_of_a_process(kind: type[AllcoreError], code: int):
    error = pickle.loads(pickle.dumps(kind("It is broken.", "Mend it.")))
    assert type(error) is kind
    assert (error.message, error.hint, str(error), error.exit_code) == ("It is broken.", "Mend it.", "It is broken. Mend it.", code)
    assert str(kind("It is broken.")) == "It is broken."


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path):
    path = tmp_path / "a.lock"
    assert not locks.is_held(path)
    with locks.hold(path):
        assert locks.is_held(path)
        with pytest.raises(locks.Timeout):
            locks.holder(path, timeout=0).acquire()
    assert not locks.is_held(path)


HOLDER = """
import pathlib, sys
from allcore.base import locks
lock = locks.holder(pathlib.Path(sys.argv[1]))
lock.acquire()
print(1, flush=True)
input()
"""


def test_a_lock_dies_with_its_process(tmp_path: Path):
    path = tmp_path / "a.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"1\n"
        assert locks.is_held(path)
        child.kill()
        child.wait()
        assert not locks.is_held(path)


def test_a_process_is_known_by_pid_and_birth_and_a_zombie_is_dead():
    me = psutil.Process()
    assert processes.is_alive(me.pid, me.create_time())
    assert not processes.is_alive(me.pid, me.create_time() - 5)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        born = psutil.Process(child.pid).create_time()
        assert processes.is_alive(child.pid, born)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet taken leave of: a zombie
        assert not processes.is_alive(child.pid, born)
        child.wait()
        assert not processes.is_alive(child.pid, born)


def test_the_artifacts_folder_is_the_one_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "x" / ".." / "y"))
    assert Artifacts.locate().root == tmp_path / "y"
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "")
    assert Artifacts.locate().root == Path(__file__).resolve().parents[2] / "artifacts"


def test_a_jobs_folder_is_found_where_it_lies(artifacts: Artifacts):
    assert artifacts.job("a").folder == artifacts.jobs / "a"
    (artifacts.runs / "a").mkdir(parents=True)
    assert artifacts.job("a").folder == artifacts.runs / "a"
