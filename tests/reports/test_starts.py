"""Who is compared with whom, and what comes out: random weights against ImageNet's."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from allcore.base import fileio
from allcore.base.paths import Artifacts, JobPaths
from allcore.metrics import compare
from allcore.reports import comparison, starts
from allcore.runs import store, summary
from allcore.runs.store import Job

FILE = "/weights/vgg16.weights.h5"


def _tests(job: Job) -> pd.DataFrame:
    table = store.predictions(job.paths)
    return table[table["side"] == "test"]


@pytest.fixture
def make(forest: JobPaths, artifacts: Artifacts, started: Callable) -> Callable[..., str]:
    """A run as `started` makes it; its id."""
    return lambda number, start, **changed: started(forest, artifacts, number, start=start, **changed).id


def _found(artifacts: Artifacts) -> list[tuple[str, str]]:
    return [(pair.random.id, pair.imagenet.id) for pair in starts.pairs(store.runs(artifacts))]


def test_the_paper_s_two_large_networks_have_a_start():
    assert starts.models() == ("ResNet-50", "VGG-16")


def test_what_differs_in_the_start_alone_is_a_pair(artifacts: Artifacts, make: Callable):
    assert _found(artifacts) == []
    random = make(0, "scratch")
    assert _found(artifacts) == []
    theirs = make(1, "imagenet", frozen_epochs=2, weights_file=FILE, threads=2)
    assert _found(artifacts) == [(random, theirs)]


@pytest.mark.parametrize("changed", [{"epochs": 3}, {"seed": 1}, {"learning_rate": 0.5}, {"turns": "any"}])
def test_another_setting_makes_no_pair(artifacts: Artifacts, make: Callable, changed: dict):
    make(0, "scratch")
    make(1, "imagenet", **changed)
    assert _found(artifacts) == []


@pytest.mark.parametrize("where", ["data_fingerprint", "model", "split", "test side", "split hash"])
def test_other_images_or_another_model_make_no_pair(artifacts: Artifacts, make: Callable, where: str):
    make(0, "scratch")
    paths = artifacts.run(make(1, "imagenet"))
    spec, short = fileio.read_json(paths.spec), fileio.read_json(paths.summary)
    match where:
        case "split":
            spec["params"]["split"]["seed"] = 5
        case "test side":
            short["test_side"] = "another"
        case "split hash":
            short["certificate"]["hash"] = "another"
        case _:
            spec["params"][where] = "another"
    fileio.write_json(paths.spec, spec)
    fileio.write_json(paths.summary, short)
    assert _found(artifacts) == []


def test_the_latest_of_those_alike_stands_and_each_way_to_begin(artifacts: Artifacts, make: Callable):
    make(0, "scratch")
    random = make(1, "scratch", frozen_epochs=4)  # which means nothing there
    make(2, "imagenet")
    latest = make(3, "imagenet")
    frozen = make(4, "imagenet", frozen_epochs=2)
    assert _found(artifacts) == [(random, frozen), (random, latest)]


def test_figures_are_each_run_s_own_and_their_difference_is_paired(artifacts: Artifacts, make: Callable):
    make(0, "scratch")
    make(1, "imagenet")
    (pair,) = starts.pairs(store.runs(artifacts))
    (figures,) = starts.measured([pair], predictions=_tests)
    assert [one.measure for one in figures] == [compare.BALANCED, compare.AUROC]
    names = {compare.BALANCED: "balanced_accuracy", compare.AUROC: "auroc"}
    scores = [summary.read(job.paths).scores for job in (pair.random, pair.imagenet)]
    expected = comparison.paired(scores[1], _tests(pair.imagenet), _tests(pair.random))
    for one in figures:
        assert [one.random, one.imagenet] == [each.intervals[names[one.measure]] for each in scores]
        assert one.difference.interval == expected[one.measure].interval
        assert one.difference.interval.estimate == pytest.approx(one.imagenet.estimate - one.random.estimate)
        assert one.difference.interval.estimate < 0  # every third answer was turned round
        assert one.difference.interval.clusters == _tests(pair.random)["subject"].nunique()


def test_several_pairs_are_corrected(artifacts: Artifacts, make: Callable):
    for seed in range(2):
        make(2 * seed, "scratch", seed=seed)
        make(2 * seed + 1, "imagenet", seed=seed)
    found = starts.pairs(store.runs(artifacts))
    assert len(found) == 2
    every = starts.measured(found, predictions=_tests)
    ps = [one.difference.p for (one, _) in every]
    assert [one.difference.p_holm for (one, _) in every] == list(compare.holm(ps))


def test_nothing_is_measured_of_nothing():
    assert starts.measured([], predictions=_tests) == []
