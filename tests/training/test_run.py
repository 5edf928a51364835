"""What a run leaves behind."""

from __future__ import annotations

import getpass
import json
import platform
import socket
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allcore.base import fileio
from allcore.base.errors import AllcoreError, BadInput
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing, records, splits
from allcore.data.phantom import PhantomSpec
from allcore.data.splits import Certificate, SplitSpec
from allcore.inference import served
from allcore.jobs import submit
from allcore.metrics import fitting
from allcore.metrics.scores import Scores
from allcore.models import registry
from allcore.models.spec import CLASSICAL
from allcore.runs import events, status, store
from allcore.runs.spec import TrainSpec
from allcore.training import environment, material, parity


def test_the_environment_names_versions_and_nobody(forest: JobPaths):
    told = fileio.read_json(forest.environment)
    assert told.keys() == {"schema_version", *environment.described(seed=0, split_seed=0, threads=0, fingerprint="", split="")}
    assert told["python"] == platform.python_version()
    assert all(told["packages"][name] for name in ("tensorflow", "scikit-learn", "onnxruntime"))
    assert told["cores"] >= 1
    text = json.dumps(told)
    for secret in (
        socket.gethostname(),
        platform.node(),
        str(Path.home()),
        str(Path.cwd()),
        str(Path(__file__).parents[2]),
        "/tmp",
        "\\Users",
    ):
        assert secret not in text
    assert getpass.getuser() not in text.split()


def test_nothing_in_a_run_names_the_machine(forest: JobPaths, network: JobPaths):
    for run in (forest, network):
        for file in run.folder.glob("*.json*"):
            assert socket.gethostname() not in file.read_text(), file.name
            assert str(run.folder.parents[1]) not in file.read_text(), file.name


def test_the_certificate_is_the_splits(artifacts: Artifacts, forest: JobPaths):
    plan = TrainSpec.from_params(store.read(forest).spec.params)
    paths = artifacts.dataset("tiny")
    made = splits.split(records.read_records(paths), records.read_card(paths), plan.split)
    document = fileio.read_json(forest.certificate)
    assert Certificate.from_dict(document) == made.certificate
    assert document["verdict"] == made.certificate.verdict()
    assert document["overlapping_subjects"] == 0
    stored = pd.read_parquet(forest.split)
    assert stored["image_id"].tolist() == records.read_records(paths)["image_id"].tolist()
    assert stored["side"].tolist() == made.sides.tolist()


def test_figures_follow_from_the_stored_predictions(forest: JobPaths):
    found = store.predictions(forest)
    test = found[found["side"] == "test"]
    scores = Scores.from_dict(store.read(forest).metrics["test"])
    predicted = test[["p_healthy", "p_leukemia"]].to_numpy().argmax(axis=1)
    right = predicted == (test["label"] == "leukemia").to_numpy()
    assert scores.accuracy == pytest.approx(right.mean())
    assert scores.n == len(test)
    assert scores.subjects == test["subject"].nunique()


def test_equal_seeds_give_equal_forests(artifacts: Artifacts, tiny: str, do):
    def trained(seed: int) -> pd.DataFrame:
        plan, _ = submit.planned(artifacts, data=tiny, model="random_forest", seed=seed, changed={"input_size": 32, "trees": 5})
        run = submit.training(artifacts, plan)
        do(artifacts, run)
        assert status.read(run).state == status.DONE, status.read(run).reason
        return store.predictions(run)

    one, again, other = trained(3), trained(3), trained(4)
    pd.testing.assert_frame_equal(one, again)
    assert one["image_id"].tolist() != other["image_id"].tolist()


def test_a_data_set_that_changed_since_is_refused(artifacts: Artifacts, tiny: str, do):
    plan, _ = submit.planned(artifacts, data=tiny, model="random_forest", changed={"input_size": 32})
    run = submit.training(artifacts, plan)
    importing.delete(artifacts, tiny)
    importing.make_phantom(artifacts, tiny, PhantomSpec(images=48, patients=12, size=32, seed=5))
    do(artifacts, run)
    assert status.read(run).state == status.FAILED
    assert "not the one this run was submitted for" in status.read(run).reason


def test_a_data_set_that_is_gone_is_told(artifacts: Artifacts, tiny: str, do):
    plan, _ = submit.planned(artifacts, data=tiny, model="random_forest", changed={"input_size": 32})
    run = submit.training(artifacts, plan)
    importing.delete(artifacts, tiny)
    do(artifacts, run)
    assert (status.read(run).state, "no data set 'tiny'" in status.read(run).reason) == (status.FAILED, True)


def test_a_forest_of_one_opinion_gives_probabilities(artifacts: Artifacts, tiny: str, do):
    """Ten votes of 0.1 add up to 1.0000001 in a graph; by Laplace's rule they are 11 of 12, and none are 1 of 12."""
    changed = {"input_size": 32, "trees": 10, "components": 8, "calibrate": False}
    plan, _ = submit.planned(artifacts, data=tiny, model="random_forest", changed=changed)
    run = submit.training(artifacts, plan)
    do(artifacts, run)
    assert status.read(run).state == status.DONE, status.read(run).reason
    shares = store.predictions(run)[["p_healthy", "p_leukemia"]].to_numpy()
    assert shares.max() == pytest.approx(11 / 12, abs=1e-6)
    assert shares.min() == pytest.approx(1 / 12, abs=1e-6)


def test_material_is_the_data_under_its_split(artifacts: Artifacts, tiny: str):
    plan, certificate = submit.planned(artifacts, data=tiny, model="random_forest", changed={"input_size": 32})
    found = material.gathered(artifacts, plan)
    assert found.pixels.shape == (48, 32, 32, 3)
    assert [found.card.class_names[label] for label in found.labels] == found.records["label"].tolist()
    counts = certificate.sides["train"].images_by_class
    wanted = [sum(counts.values()) / (2 * counts[name]) for name in found.card.class_names]
    assert found.cells.weights(found.rows("train")).tolist() == pytest.approx(wanted)
    rows = found.rows("test")
    np.testing.assert_array_equal(found.images(rows), np.asarray(found.pixels)[rows])
    assert plan.split == SplitSpec("patient")


P = np.array([[0.9, 0.1], [0.2, 0.8], [0.50001, 0.49999], [0.7, 0.3]])


def test_equal_answers_agree():
    found = parity.compared(P, P)
    assert (found.images, found.class_agreement, found.largest_difference, found.ties, found.passed) == (4, 1.0, 0.0, 1, True)
    parity.require(found)


def test_probabilities_may_differ_by_a_rounding_and_no_more():
    assert parity.compared(P, P + np.array([9e-5, -9e-5])).passed
    assert not parity.compared(P, P + np.array([2e-4, -2e-4])).passed


def test_a_tie_may_fall_either_way_in_one_of_two_hundred():
    many = np.repeat(P[[0, 2]], [199, 1], axis=0)
    turned = many.copy()
    turned[-1] = turned[-1, ::-1]
    found = parity.compared(many, turned)
    assert (found.class_agreement, found.ties, found.largest_difference, found.passed) == (0.995, 1, 0.0, True)
    assert not parity.compared(many[1:], turned[1:]).passed


def test_a_class_that_turned_fails():
    turned = P.copy()
    turned[0] = turned[0, ::-1]
    found = parity.compared(P, turned)
    assert not found.passed
    with pytest.raises(AllcoreError, match=r"75\.0% of classes agree, probabilities differ by up to 8\.0e-01"):
        parity.require(found)
    assert not isinstance(found, BadInput)


CLASSIFIERS = [card.id for card in registry.cards() if card.family == CLASSICAL]


@pytest.mark.parametrize("model", CLASSIFIERS)
def test_how_a_classifiers_fit_went_is_told(model: str, finished):
    job = store.read(finished(model))
    told = job.metrics["training"]
    assert told["unit"]
    assert told["calibrated"] is True
    assert (told["calibration_by"], told["temperature"] > 0) == ("patients", True)
    assert 2 <= told["calibration_folds"] <= 3
    iterative = model in ("logistic_regression", "svm", "sgd", "mlp")
    assert (told["converged"] is not None, told["iterations"] is not None) == (iterative, iterative)
    stages = {event["stage"]: event for event in events.read(job.paths) if event["event"] == events.STAGE}
    assert list(stages) == ["features", "fit", "calibration", "done"]
    assert stages["fit"]["converged"] == told["converged"]
    assert stages["calibration"]["temperature"] == told["temperature"]


@pytest.mark.parametrize("model", CLASSIFIERS)
def test_equal_seeds_give_equal_classifiers(artifacts: Artifacts, tiny: str, do, finished, model: str):
    first = finished(model)
    changed = store.read(first).spec.params["settings"]
    plan, _ = submit.planned(artifacts, data=tiny, model=model, changed=changed)
    again = submit.training(artifacts, plan)
    do(artifacts, again)
    assert status.read(again).state == status.DONE, status.read(again).reason
    pd.testing.assert_frame_equal(store.predictions(first), store.predictions(again))


@pytest.mark.parametrize(("model", "name"), [("mlp", "max_passes"), ("sgd", "max_passes"), ("logistic_regression", "max_steps")])
def test_a_fit_that_was_cut_short_says_so(artifacts: Artifacts, tiny: str, do, model: str, name: str):
    plan, _ = submit.planned(artifacts, data=tiny, model=model, preset="paper", changed={"input_size": 32, name: 1})
    run = submit.training(artifacts, plan)
    do(artifacts, run)
    told = store.read(run).metrics["training"]
    assert (told["converged"], told["iterations"], told["calibrated"]) == (False, 1, False)
    assert fitting.told(told).startswith("Did not converge within 1 step")


@pytest.mark.parametrize("model", CLASSIFIERS)
@pytest.mark.parametrize("kind", ["cell-v1", "pixels-v1"])
def test_classifiers_learn_from_any_features(artifacts: Artifacts, tiny: str, do, model: str, kind: str):
    card = registry.card(model)
    short = {"trees": 10, "max_passes": 20, "input_size": 32, "features": kind}
    changed = {name: value for name, value in short.items() if name in {knob.name for knob in card.knobs}}
    plan, _ = submit.planned(artifacts, data=tiny, model=model, changed=changed)
    run = submit.training(artifacts, plan)
    do(artifacts, run)
    assert status.read(run).state == status.DONE, status.read(run).reason
    assert store.read(run).metrics["onnx_parity"]["passed"]
    served_model = served.load(run)
    assert served_model.card.features == kind
    pixels = np.asarray(material.gathered(artifacts, plan).pixels)
    rows = np.flatnonzero(pd.read_parquet(run.split)["side"] == "test")
    stored = store.predictions(run).query("side == 'test'")[["p_healthy", "p_leukemia"]].to_numpy()
    np.testing.assert_allclose(served_model.answer(pixels[rows]).probabilities, stored, atol=1e-6)


def test_a_class_of_one_patient_is_not_calibrated_and_says_why(artifacts: Artifacts, do):
    importing.make_phantom(artifacts, "few", PhantomSpec(images=40, patients=4, size=32, difficulty=0.0))
    plan, _ = submit.planned(
        artifacts, data="few", model="sgd", preset="paper", split="patient", changed={"input_size": 32, "calibrate": True}
    )
    run = submit.training(artifacts, plan)
    do(artifacts, run)
    told = store.read(run).metrics["training"]
    assert told["calibrated"] is False
    assert told["calibration_note"] == "A class has too few patients on the training side to hold any out."
