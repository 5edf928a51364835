"""One training on several devices: two logical devices of the processor stand in for GPUs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts, JobPaths
from allcore.runs import events, status, store
from allcore.training import batches

ROOT = Path(__file__).resolve().parents[2]
P = ["p_healthy", "p_leukemia"]


@pytest.fixture(scope="module")
def runs(tiny_laboratory: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> dict[str, JobPaths]:
    """What `on_two_devices.py` trained."""
    artifacts = Artifacts(tmp_path_factory.mktemp("two"))
    shutil.copytree(tiny_laboratory.dataset("tiny").folder, artifacts.dataset("tiny").folder)
    environment = {**os.environ, ENVIRONMENT_VARIABLE: str(artifacts.root), "PYTHONPATH": str(ROOT)}
    script = Path(__file__).with_name("on_two_devices.py")
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return {name: artifacts.run(run) for name, run in json.loads(done.stdout.splitlines()[-1]).items()}


def ended(job: JobPaths) -> JobPaths:
    assert status.read(job).state == status.DONE, status.read(job).reason
    return job


def curve(job: JobPaths) -> np.ndarray:
    """An epoch a row: losses and accuracies of the training and the tune side."""
    return events.epochs(events.read(ended(job)))[["loss", "tune_loss", "accuracy", "tune_accuracy"]].to_numpy(float)


def test_two_devices_learn_what_one_does(runs: dict[str, JobPaths]):
    alone, both = curve(runs["one"]), curve(runs["two"])
    assert len(alone) == 3
    assert alone[-1, 0] < alone[0, 0]
    np.testing.assert_allclose(both, alone, rtol=1e-4)
    np.testing.assert_allclose(store.predictions(runs["two"])[P], store.predictions(runs["one"])[P], rtol=1e-4)


def test_layers_that_thaw_learn_on_both(runs: dict[str, JobPaths]):
    """Other variables learn from the second epoch on, with an optimiser of their own."""
    np.testing.assert_allclose(curve(runs["thawed on two"]), curve(runs["thawed on one"]), rtol=1e-4)
    assert not np.allclose(curve(runs["thawed on two"])[1:], curve(runs["two"])[1:], rtol=1e-3)


def test_a_resumed_training_on_two_ends_where_an_undisturbed_one_does(runs: dict[str, JobPaths]):
    """Stopped in the midst of an epoch: weights, optimiser, running means and each device's dice are taken up where they lay."""
    table = events.epochs(events.read(ended(runs["resumed"])))
    assert table["attempt"].tolist() == [1, 2, 2]
    np.testing.assert_array_equal(curve(runs["resumed"]), curve(runs["undisturbed"]))
    np.testing.assert_array_equal(store.predictions(runs["resumed"])[P], store.predictions(runs["undisturbed"])[P])


def test_what_was_trained_on_two_is_a_model_on_one(runs: dict[str, JobPaths]):
    """Export, its parity, and what a run keeps are those of any network."""
    for name in ("two", "undisturbed"):
        found = store.read(ended(runs[name]))
        assert found.metrics["onnx_parity"]
        assert runs[name].keras.is_file()
        assert found.spec.params["settings"]["gpus"] == 2


def test_sixteen_bits_on_two(runs: dict[str, JobPaths]):
    table = events.epochs(events.read(ended(runs["half"])))
    assert table["epoch"].tolist() == [1, 2, 3]
    assert table["loss"].iloc[-1] < table["loss"].iloc[0]


def test_a_process_with_too_few_devices_says_so(runs: dict[str, JobPaths]):
    told = status.read(runs["three"])
    assert told.state == status.FAILED
    assert told.reason == "This training asks for 3 GPUs, and was given none. Train with fewer, or where there are more."


@pytest.mark.parametrize(("images", "parts", "sizes"), [(8, 2, [4, 4]), (9, 2, [5, 4]), (3, 3, [1, 1, 1]), (1, 3, [1, 1, 1])])
def test_a_batch_is_divided_so_that_no_device_is_without(images: int, parts: int, sizes: list[int]):
    dice = np.random.default_rng(0)
    batch = (dice.integers(0, 256, (images, 4, 4, 3), np.uint8), np.eye(images, 2, dtype=np.float32), dice.random(images, np.float32) + 1)
    found = batches.divided(batch, parts)
    assert [len(part[0]) for part in found] == sizes
    for number, array in enumerate(batch):
        np.testing.assert_array_equal(np.concatenate([part[number] for part in found])[:images], array)
    weights, counts = (np.concatenate([part[number] for part in found]) for number in (2, 3))
    assert (weights[images:] == 0).all()
    assert counts.tolist() == [1.0] * images + [0.0] * (sum(sizes) - images)
