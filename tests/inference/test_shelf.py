"""Loaded models are shared, and bounded in bytes."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.inference import served
from allcore.inference.shelf import Shelf


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the runs whose model was loaded."""
    loaded: list[str] = []
    load = served.load

    def noting(paths: JobPaths, **options) -> served.ServedModel:
        loaded.append(paths.id)
        return load(paths, **options)

    monkeypatch.setattr(served, "load", noting)
    return loaded


@pytest.fixture
def runs(artifacts: Artifacts, forest: JobPaths) -> list[JobPaths]:
    """Three runs of one size."""
    for name in ("b", "c"):
        shutil.copytree(forest.folder, artifacts.runs / name)
    return [forest, artifacts.run("b"), artifacts.run("c")]


PICTURES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


def test_a_model_is_loaded_once(forest: JobPaths, loads: list[str]):
    shelf = Shelf()
    first = shelf.get(forest)
    assert shelf.get(forest) is first
    assert loads == [forest.id]
    assert shelf.size_bytes == first.size_bytes >= forest.onnx.stat().st_size


def test_many_who_ask_at_once_load_it_once(forest: JobPaths, loads: list[str]):
    shelf = Shelf()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: shelf.get(forest).answer(PICTURES).probabilities, range(16)))
    assert loads == [forest.id]
    for one in found:
        np.testing.assert_array_equal(one, found[0])


def test_the_one_not_used_for_longest_goes_and_comes_back(runs: list[JobPaths], loads: list[str]):
    size = served.load(runs[0]).size_bytes
    loads.clear()
    shelf = Shelf(bound=2 * size)
    before = shelf.get(runs[0]).answer(PICTURES).probabilities
    shelf.get(runs[1])
    shelf.get(runs[0])
    shelf.get(runs[2])  # the second goes
    assert shelf.size_bytes <= 2 * size
    shelf.get(runs[0])
    assert loads == [run.id for run in runs]
    shelf.get(runs[1])  # the third goes
    assert loads == [run.id for run in (*runs, runs[1])]
    assert shelf.size_bytes <= 2 * size
    np.testing.assert_array_equal(shelf.get(runs[0]).answer(PICTURES).probabilities, before)


def test_one_that_is_too_large_is_served_all_the_same_and_not_kept(forest: JobPaths, loads: list[str]):
    shelf = Shelf(bound=10)
    for _ in range(2):
        assert shelf.get(forest).answer(PICTURES).probabilities.shape == (3, 2)
        assert shelf.size_bytes == 0
    assert loads == [forest.id] * 2


def test_a_run_without_a_model_is_told(artifacts: Artifacts):
    with pytest.raises(NotFound):
        Shelf().get(artifacts.run("none"))
