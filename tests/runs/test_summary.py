"""A run's figures in short: what a run writes is what its metrics give, old runs included; and the threshold that is kept beside it."""

from __future__ import annotations

import json

import pytest

from allcore.base import fileio
from allcore.base.errors import BadInput, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data.splits import Certificate
from allcore.metrics import thresholds
from allcore.metrics.thresholds import Chosen
from allcore.runs import store, summary, threshold


def test_a_run_ends_with_a_summary_that_its_metrics_bear_out(forest: JobPaths) -> None:
    found = summary.read(forest)
    metrics, certificate = fileio.read_json(forest.metrics), Certificate.from_dict(fileio.read_json(forest.certificate))
    assert found == summary.of(metrics, certificate, test_side=found.test_side)
    test = store.predictions(forest).query("side == 'test'")
    fingerprint = fileio.read_json(forest.spec)["params"]["data_fingerprint"]
    assert found.test_side == summary.side_hash(reversed(test["image_id"].tolist()), data_fingerprint=fingerprint)
    assert found.scores.roc_micro is None
    assert found.scores.n == len(test)
    assert forest.summary.stat().st_size < 0.3 * forest.metrics.stat().st_size or forest.summary.stat().st_size < 12_000


def test_it_survives_json(forest: JobPaths) -> None:
    found = summary.read(forest)
    assert summary.Summary.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_a_run_of_an_earlier_version_is_read_from_its_metrics(forest: JobPaths) -> None:
    new = summary.read(forest)
    forest.summary.unlink()
    old = summary.read(forest)
    assert (old.scores, old.constant, old.trusted, old.rank) == (new.scores, new.constant, new.trusted, new.rank)
    assert old.test_side == old.certificate.hash


def test_without_figures_there_is_none(artifacts: Artifacts) -> None:
    with pytest.raises(NotFound, match="no figures"):
        summary.read(artifacts.run("nothing-here"))


def test_sides_differ_by_images_and_by_data() -> None:
    one = summary.side_hash(["a", "b"], data_fingerprint="x")
    assert one == summary.side_hash(["b", "a"], data_fingerprint="x")
    assert len({one, summary.side_hash(["a"], data_fingerprint="x"), summary.side_hash(["a", "b"], data_fingerprint="y")}) == 3


def test_a_threshold_is_kept_replaced_and_taken_back(forest: JobPaths) -> None:
    assert threshold.read(forest) is None
    for one in (Chosen(0.31, thresholds.YOUDEN, thresholds.CALIBRATE, None, 20, 4), Chosen(0.7, thresholds.HAND, thresholds.TEST)):
        threshold.write(forest, one)
        assert threshold.read(forest) == one
    threshold.clear(forest)
    threshold.clear(forest)
    assert threshold.read(forest) is None


def test_what_is_no_threshold_is_refused(forest: JobPaths, artifacts: Artifacts) -> None:
    with pytest.raises(BadInput, match="no threshold"):
        threshold.write(forest, Chosen(1.2, thresholds.HAND, thresholds.TEST))
    with pytest.raises(BadInput, match="no figures"):
        threshold.write(artifacts.run("nothing-here"), Chosen(0.5, thresholds.HAND, thresholds.TEST))
    assert not forest.threshold.exists()
