"""Installing without installing: the search for a Python and the order of steps, with stand-ins for Python and pip."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the scripts are for a POSIX shell")

NO_PYTHON = "exit 127"
WORKING = f'exec {sys.executable} "$@"'
"""The present Python, which runs these tests and so is one of those that will do."""


def pretending(change: str) -> str:
    """A Python that differs from the present one by `change`."""
    return f"exec {sys.executable} -c 'import sys; {change}; exec(sys.argv[1])' \"$2\""


OLD, NEW = (pretending(f"sys.version_info = (3, {minor}, 0)") for minor in (10, 14))
WITHOUT_VENV = pretending('sys.modules["ensurepip"] = None')


def program(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def find_python(folder: Path, **pythons: str) -> subprocess.CompletedProcess[str]:
    for name, body in pythons.items():
        program(folder / name.replace("_", "."), body)
    return subprocess.run([ROOT / ".ci" / "find-python"], env={"PATH": str(folder)}, capture_output=True, text=True)


def test_a_name_without_a_working_python_behind_it_is_passed_over(tmp_path: Path):
    found = find_python(tmp_path, python3_12=NO_PYTHON, python3_11=NO_PYTHON, python3_13=NEW, python3=OLD, python=WORKING)
    assert (found.returncode, found.stderr) == (0, "")
    assert Path(found.stdout.strip()).samefile(sys.executable)


def test_a_python_without_venv_is_passed_over_for_one_with_it(tmp_path: Path):
    assert find_python(tmp_path, python3_12=WITHOUT_VENV, python3=WORKING).returncode == 0


@pytest.mark.parametrize(
    ("pythons", "message"),
    [
        ({}, "No working Python was found"),
        ({"python3_12": NO_PYTHON, "python3": NO_PYTHON}, "No working Python was found"),
        ({"python3": NEW}, r"3\.11, 3\.12 or 3\.13 is needed.* Found: python3 \(3\.14\)\."),
        ({"python3": OLD, "python": NEW}, r"Found: python3 \(3\.10\), python \(3\.14\)\."),
        ({"python3": WITHOUT_VENV}, rf"apt-get install python3\.{sys.version_info.minor}-venv"),
    ],
    ids=["none", "shims", "too new", "too old and too new", "without venv"],
)
def test_where_no_python_will_do_the_message_says_why(tmp_path: Path, pythons: dict[str, str], message: str):
    found = find_python(tmp_path, **pythons)
    assert (found.returncode, found.stdout) == (1, "")
    assert re.search(message, found.stderr)


def test_python_can_be_named(tmp_path: Path):
    named = program(tmp_path / "my python", WORKING)
    environment = {"PATH": str(tmp_path), "PYTHON": str(named)}
    found = subprocess.run([ROOT / ".ci" / "find-python"], env=environment, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


BASE = """
case "$*" in
-c*) echo "$0" ;;
"-m venv"*) rm -rf .venv; mkdir -p .venv/bin; cp in_venv .venv/bin/python; echo made >>venv.log ;;
esac
"""
IN_VENV = """
case "$*" in
"-m pip"*) shift 3; echo "$*" >>pip.log; [ ! -e pip.fails ] ;;
esac
"""


class Checkout:
    """A copy of the scripts beside a requirements file, with a Python and a pip that only note what they were asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / ".ci", folder / ".ci")
        (folder / "requirements.txt").write_text("numpy==2.4.6\ntensorflow==2.21.0\n    # via allcore\n")
        (folder / "bin").mkdir()
        self.python = program(folder / "bin" / "python3", BASE)
        program(folder / "in_venv", IN_VENV)

    def install(self, **environment: str) -> subprocess.CompletedProcess[str]:
        names = {"PATH": f"{self.folder / 'bin'}:{os.defpath}", "PYTHON": str(self.python), "DEVICE": "cpu", **environment}
        command = [self.folder / ".ci" / "install", "requirements.txt"]
        return subprocess.run(command, env=names, capture_output=True, text=True)

    def noted(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder = tmp_path / "with a space"
    folder.mkdir()
    return Checkout(folder)


def test_a_second_install_does_nothing(checkout: Checkout):
    first, second = checkout.install(), checkout.install()
    assert (first.returncode, second.returncode, second.stdout, second.stderr) == (0, 0, "", "")
    assert (len(checkout.noted("pip.log")), len(checkout.noted("venv.log"))) == (1, 1)


def test_changed_requirements_are_installed_into_the_same_environment(checkout: Checkout):
    checkout.install()
    (checkout.folder / "requirements.txt").write_text("numpy==2.4.7\n")
    assert checkout.install().returncode == 0
    assert (len(checkout.noted("pip.log")), len(checkout.noted("venv.log"))) == (2, 1)


def test_an_install_that_broke_off_is_repeated(checkout: Checkout):
    (checkout.folder / "pip.fails").touch()
    assert checkout.install().returncode != 0
    (checkout.folder / "pip.fails").unlink()
    assert checkout.install().returncode == 0
    assert len(checkout.noted("pip.log")) == 2


def test_an_environment_whose_python_went_away_is_made_anew(checkout: Checkout):
    checkout.install()
    python = checkout.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3.12")
    again = checkout.install()
    assert again.returncode == 0
    assert "making .venv anew" in again.stdout
    assert (len(checkout.noted("pip.log")), len(checkout.noted("venv.log"))) == (2, 2)


def test_with_an_nvidia_driver_the_pinned_tensorflow_brings_cuda(checkout: Checkout):
    assert checkout.install().returncode == 0
    program(checkout.folder / "bin" / "nvidia-smi", "exit 0")
    assert checkout.install(DEVICE="").returncode == 0
    without, with_driver = checkout.noted("pip.log")
    assert "cuda" not in without
    assert with_driver.endswith("-r requirements.txt tensorflow[and-cuda]==2.21.0")


def test_make_without_a_target_explains_every_target():
    text = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE).group(1).split())
    shown = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert targets - {"help"} == set(re.findall(r"^make (\S+)", shown, re.MULTILINE))
    assert targets == set(re.findall(r"^([a-z]+):", text, re.MULTILINE))


def test_what_is_tested_is_what_is_installed():
    pins = {}
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().splitlines()
        pins[name] = {line for line in lines if line and not line.lstrip().startswith("#")}
        assert all("==" in line for line in pins[name])
    assert pins["requirements.txt"] <= pins["requirements-dev.txt"]
