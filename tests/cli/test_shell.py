"""The command line as a shell runs it: a process of its own, with real runners and real cells."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from allcore.base.paths import Artifacts, JobPaths
from allcore.runs import store

ROOT = Path(__file__).resolve().parents[2]


def shell(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "allcore", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def document(*arguments: object) -> dict[str, Any]:
    """What a command that ends well says with --json: one line, and nothing on stderr."""
    done = shell(*arguments, "--json")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    found = json.loads(done.stdout)
    assert found.pop("schema_version") == 1
    return found


def test_a_process_of_its_own_says_no_more(artifacts: Artifacts, forest: JobPaths, tmp_path: Path):
    """Pillow's warnings, ONNX Runtime's log and a traceback would show up here."""
    file = io.BytesIO()
    Image.new("L", (11_000, 11_000)).save(file, "PNG")
    (tmp_path / "large.png").write_bytes(file.getvalue())
    said = shell("predict", forest.id, tmp_path / "large.png")
    assert (said.returncode, said.stdout) == (2, "")
    sets, *others = said.stderr.splitlines()
    assert sets.startswith("No set of classes is promised. Sets need 20 patients a class; the calibrate part has ")
    assert others == [
        "This model was trained on drawn cells.",
        "For teaching and research, not for diagnosis.",
        f"{tmp_path / 'large.png'}: The picture has 11000 x 11000 pixels. "
        "The limit is 10,000 a side and 25 million in all; crop it or scale it down.",
    ]
    said = shell("runs", "show", "none")
    assert said.stderr == "Error: There is no run 'none'.\n`runs list` shows what there is.\n"


def test_the_runner_is_started_and_stopped(artifacts: Artifacts, household):
    assert document("jobs", "status") == {"running": False, "pid": None, "paused": False, "jobs": {}, "executor": None, "cluster": None}
    assert document("jobs", "start") == {"started": True}
    up = document("jobs", "status")
    assert (up["running"], up["executor"], up["cluster"]) == (True, "local", None)
    assert up["pid"] == household.runners()[0].pid
    assert document("jobs", "stop") == {"stopped": True}
    assert not household.all()
    assert document("jobs", "stop") == {"stopped": False}


def test_the_whole_way_on_real_cells(real_data: Path, artifacts: Artifacts, household):
    imported = document("data", "import", real_data / "cnmc", "--name", "cnmc")
    assert (imported["images"], imported["phases"], len(imported["folds"])) == (106, {"training": 99, "preliminary": 7}, 3)
    trained = document("train", "--data", "cnmc", "--model", "random_forest", "--split", "patient", "--wait")
    assert (trained["status"], trained["split"]["overlapping_subjects"]) == ("done", 0)
    assert trained["onnx_parity"]["passed"]
    stored = store.predictions(artifacts.run(trained["id"])).set_index("image_id")
    asked = [real_data / "cnmc" / image_id for image_id in stored.index[:5]]
    answered = document("predict", trained["id"], *asked, "--anyway")
    assert (len(answered["results"]), answered["synthetic"]) == (5, False)
    for one, image_id in zip(answered["results"], stored.index, strict=False):
        for name, share in one["raw_probabilities"].items():
            assert share == pytest.approx(stored.loc[image_id, f"p_{name}"], abs=1e-6)
