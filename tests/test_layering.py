"""What the linter's contracts can't see: which heavy packages really come along when a process imports ours."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

IMPORT_ALL = """
import importlib, pkgutil, sys
import allcore

def names(path, prefix):
    for module in pkgutil.iter_modules(path, prefix):
        # Training is where TensorFlow belongs; __main__ is a program.
        if module.name in ("allcore.training", "allcore.__main__"):
            continue
        yield module.name
        if module.ispkg:
            yield from names([f"{module.module_finder.path}/{module.name.rpartition('.')[2]}"], f"{module.name}.")

DASK = "allcore.jobs.executors.dask"
for name in sorted(names(allcore.__path__, "allcore."), key=lambda name: name.startswith(DASK)):
    importlib.import_module(name)
    brought = {"streamlit", "tensorflow", "keras", *(["distributed"] * (not name.startswith(DASK)))} & sys.modules.keys()
    if brought:
        sys.exit(f"{name} imports {', '.join(sorted(brought))}")
    print(name)
"""


def test_no_module_but_training_brings_streamlit_or_tensorflow_along_nor_dask_but_its_executor():
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {"allcore.base.paths", "allcore.launch", "allcore.cli", "allcore.worker"} <= set(done.stdout.split())


@pytest.mark.parametrize("file", [ROOT / "streamlit_app.py", *sorted((ROOT / "pages").rglob("*.py"))], ids=lambda file: file.stem)
def test_no_page_imports_training_or_what_it_stands_on(file: Path):
    imported = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    assert not {name for name in imported if name.split(".")[0] in ("tensorflow", "keras") or name.startswith("allcore.training")}
