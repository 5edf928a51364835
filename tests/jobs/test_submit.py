"""Whatever can be refused is refused before a job exists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from allcore.base import fileio
from allcore.base.errors import BadInput, Conflict
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing, records
from allcore.data.phantom import PhantomSpec
from allcore.jobs import cluster, demo, estimate, slots, submit
from allcore.models import registry
from allcore.runs import events, spec, status, store
from allcore.runs.spec import TrainSpec

SMALL = PhantomSpec(images=8, patients=2, size=32)


def test_a_plan_is_the_preset_with_what_the_user_changed(artifacts: Artifacts, tiny: str):
    plan, certificate = submit.planned(
        artifacts, data=tiny, model="proposed_cnn", preset="first-lesson", split="image", seed=7, changed={"epochs": "2"}
    )
    assert (plan.data, plan.model, plan.preset) == (tiny, "proposed_cnn", "first-lesson")
    assert plan.data_fingerprint == records.read_card(artifacts.dataset(tiny)).fingerprint
    assert (plan.split.level, plan.split.seed, plan.settings["seed"]) == ("image", 7, 7)
    lesson = registry.card("proposed_cnn").preset("first-lesson")
    assert plan.settings == {**registry.card("proposed_cnn").settings(lesson, {}), "epochs": 2, "seed": 7}
    assert certificate.level == "image"
    assert store.jobs(artifacts) == []  # nothing is written


def test_a_plan_comes_back_from_its_job(artifacts: Artifacts, tiny: str):
    plan, _ = submit.planned(artifacts, data=tiny, model="random_forest")
    run = submit.training(artifacts, plan)
    assert TrainSpec.from_params(store.read(run).spec.params) == plan
    assert store.read(run).state == status.QUEUED
    assert "random-forest" in run.id


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"data": "none"}, "no data set 'none'"),
        ({"data": "../up"}, "can't be a data set's name"),
        ({"model": "none"}, "no model 'none'"),
        ({"preset": "none"}, "no preset 'none'"),
        ({"split": "cell"}, "no split 'cell'"),
        ({"split": "official"}, "no official split"),
        ({"changed": {"epochs": 0}}, "epochs can't be 0.*1 to 1000"),
        ({"changed": {"batch_size": 0}}, "batch_size can't be 0.*1 to "),
        ({"changed": {"learning_rate": "nan"}}, "learning_rate can't be 'nan'.*1e-06 to 1"),
        ({"changed": {"input_size": 8}}, "input_size can't be 8.*32 to 224"),
        ({"changed": {"colour": 1}}, "no setting 'colour'"),
        ({"seed": -1}, "seed can't be -1.*0 to 2147483647"),
        ({"preset": "paper", "changed": {"keep": "best"}}, "keep can't be 'best' without a tune side"),
        ({"preset": "paper", "changed": {"patience": 3}}, "patience can't be 3 without a tune side"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(artifacts: Artifacts, tiny: str, wanted: dict, words: str):
    with pytest.raises(BadInput, match=words):
        submit.planned(artifacts, **{"data": tiny, "model": "proposed_cnn", **wanted})
    assert store.jobs(artifacts) == []


def test_a_class_that_would_be_absent_from_the_tune_side_is_refused(artifacts: Artifacts, tmp_path: Path):
    dice = np.random.default_rng(0)
    for name, count in (("seldom", 3), ("often", 40)):
        (tmp_path / "cells" / name).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(dice.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(tmp_path / "cells" / name / f"{number}.png")
    importing.import_folder(artifacts, tmp_path / "cells", "few")
    with pytest.raises(BadInput, match=r"Too few images for a (tune|calibrate) side: class 'seldom' has . left. A class needs 4 images"):
        submit.planned(artifacts, data="few", model="allnet", split="image")
    assert store.jobs(artifacts) == []


def test_imagenets_weights_are_looked_for_before_a_job_exists(artifacts: Artifacts, tiny: str, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(BadInput, match="no file of weights") as caught:
        submit.planned(artifacts, data=tiny, model="vgg16", changed={"start": "imagenet"})
    assert "vgg16_weights" in caught.value.hint
    named = tmp_path / "mine.h5"
    named.write_bytes(b"")
    submit.planned(artifacts, data=tiny, model="vgg16", changed={"start": "imagenet", "weights_file": str(named)})


def test_a_run_is_repeated_as_it_was_but_for_what_is_changed(artifacts: Artifacts, network: JobPaths):
    before = TrainSpec.from_params(store.read(network).spec.params)
    plan, certificate = submit.repeated(artifacts, network.id)
    assert plan == before
    assert certificate.hash == fileio.read_json(network.certificate)["hash"]
    changed, _ = submit.repeated(artifacts, network.id, {"epochs": "7"})
    assert changed.settings == {**before.settings, "epochs": 7}
    with pytest.raises(BadInput, match="no job or run 'none'"):
        submit.repeated(artifacts, "none")


def test_a_run_on_data_that_have_changed_is_not_repeated(artifacts: Artifacts, network: JobPaths):
    card = artifacts.dataset("tiny").card
    card.write_text(card.read_text().replace('"fingerprint": "', '"fingerprint": "0'))
    with pytest.raises(BadInput, match="has changed since"):
        submit.repeated(artifacts, network.id)


def test_a_finished_run_goes_on_for_more_epochs_in_a_run_of_its_own(artifacts: Artifacts, network: JobPaths, do):
    plan, _ = submit.repeated(artifacts, network.id, {"epochs": 2})
    longer = submit.continued(artifacts, network.id, plan)
    assert do(artifacts, longer) == 0
    assert status.read(longer).state == status.DONE
    whole = submit.training(artifacts, plan)
    do(artifacts, whole)
    told = [events.epochs(events.read(run)) for run in (longer, whole)]
    columns = ["epoch", "loss", "accuracy", "tune_loss"]
    assert told[0][columns].to_dict("list") == told[1][columns].to_dict("list")
    assert store.predictions(longer).equals(store.predictions(whole))
    assert store.read(network).metrics["training"]["epochs"] == 1  # as it was


def test_the_calibrate_part_can_be_larger(artifacts: Artifacts, tiny: str):
    usual, larger = (submit.planned(artifacts, data=tiny, model="random_forest", calibrate=share)[1].sides for share in (None, 0.3))
    assert larger["calibrate"].images > 2 * usual["calibrate"].images
    assert larger["test"] == usual["test"]
    with pytest.raises(BadInput, match="leave too little to train on"):
        submit.planned(artifacts, data=tiny, model="random_forest", calibrate=0.9)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "has done 1 epochs already"),
        ({"epochs": 3, "batch_size": 4}, "batch_size can't change"),
        ({"epochs": 3, "input_size": 40}, "input_size can't change"),
    ],
)
def test_a_training_can_not_go_on_as_another(artifacts: Artifacts, network: JobPaths, changed: dict, words: str):
    plan, _ = submit.repeated(artifacts, network.id, changed)
    with pytest.raises(BadInput, match=words):
        submit.continued(artifacts, network.id, plan)
    assert [job.id for job in store.jobs(artifacts)] == [network.id]


def test_a_classifier_has_nothing_to_go_on_from(artifacts: Artifacts, forest: JobPaths):
    plan, _ = submit.repeated(artifacts, forest.id)
    with pytest.raises(BadInput, match="no checkpoint"):
        submit.continued(artifacts, forest.id, plan)


@pytest.mark.parametrize(
    ("model", "changed", "words"),
    [
        ("svm", {"strength": 0}, "strength can't be 0.*1e-06 to 1e\\+06"),
        ("svm", {"strength": "nan"}, "strength can't be 'nan'.*1e-06"),
        ("knn", {"neighbours": 0}, "neighbours can't be 0.*1 to 1000"),
        ("knn", {"neighbours": 900}, "neighbours can't be 900 with [0-9]+ training images.*Allowed: 1 to [0-9]+"),
        ("knn", {"class_weights": True}, "no setting 'class_weights'"),
        ("mlp", {"learning_rate": "nan"}, "learning_rate can't be 'nan'.*1e-06 to 0.1"),
        ("mlp", {"batch_size": 0}, "batch_size can't be 0.*1 to 10000"),
        ("sgd", {"loss": "squared"}, "loss can't be 'squared'.*hinge, log_loss"),
        ("logistic_regression", {"features": "pixels-v9"}, "features can't be 'pixels-v9'.*pca-v1, pixels-v1, cell-v1"),
        ("logistic_regression", {"input_size": 8}, "input_size can't be 8.*32 to 224"),
    ],
)
def test_a_classifiers_bad_setting_is_refused_before_a_job_exists(artifacts: Artifacts, tiny: str, model: str, changed: dict, words: str):
    with pytest.raises(BadInput, match=words):
        submit.planned(artifacts, data=tiny, model=model, changed=changed)
    assert store.jobs(artifacts) == []


def _images(folder: Path, by_class: dict[str, int]) -> Path:
    for name, count in by_class.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (40, 40), (10 * number, 90, 120)).save(folder / name / f"{number}.png")
    return folder


@pytest.mark.parametrize(
    ("by_class", "words"),
    [
        ({"a": 2, "b": 1}, "class 'b' has 1 left.*4 images at least"),
        ({"a": 12, "b": 2}, "class 'b' has 1 left.*4 images at least"),
    ],
)
def test_too_few_images_or_classes_are_refused(artifacts: Artifacts, tmp_path: Path, by_class: dict[str, int], words: str):
    importing.import_folder(artifacts, _images(tmp_path / "images", by_class), "small", layout="folders")
    with pytest.raises(BadInput, match=words):
        submit.planned(artifacts, data="small", model="logistic_regression", split="image")
    assert store.jobs(artifacts) == []


def test_one_class_is_nothing_to_tell_apart(artifacts: Artifacts, tiny: str):
    paths = artifacts.dataset(tiny)
    table = records.read_records(paths)
    table[table["label"] == "healthy"].reset_index(drop=True).to_parquet(paths.records)
    fileio.write_json(paths.card, {**fileio.read_json(paths.card), "class_names": ["healthy"]})
    with pytest.raises(BadInput, match=r"one class: 'healthy'.*two at least"):
        submit.planned(artifacts, data=tiny, model="svm", split="image")
    assert store.jobs(artifacts) == []


def test_a_data_set_without_patients_is_split_by_image_or_not_at_all(artifacts: Artifacts, tiny: str, tmp_path: Path):
    importing.import_folder(artifacts, artifacts.dataset(tiny).images, "nameless", layout="folders")
    with pytest.raises(BadInput, match="48 labelled images have no patient"):
        submit.planned(artifacts, data="nameless", model="random_forest")
    _, certificate = submit.planned(artifacts, data="nameless", model="random_forest", split="image")
    assert certificate.overlapping_subjects is None


def test_a_name_that_is_taken_is_refused_at_once(artifacts: Artifacts, tiny: str, tmp_path: Path):
    with pytest.raises(Conflict, match=f"already a data set '{tiny}'"):
        submit.phantom(artifacts, tiny, SMALL)
    with pytest.raises(Conflict, match=f"already a data set '{tiny}'"):
        submit.importing(artifacts, tiny, tmp_path)
    with pytest.raises(BadInput, match="no folder"):
        submit.importing(artifacts, "new", tmp_path / "nowhere")
    assert store.jobs(artifacts) == []


def test_a_folder_is_imported_in_the_background(artifacts: Artifacts, tiny: str, do):
    job = submit.importing(artifacts, "copy", artifacts.dataset(tiny).images, "folders")
    assert do(artifacts, job) == 0
    assert status.read(job).state == status.DONE
    assert records.read_card(artifacts.dataset("copy")).classes == records.read_card(artifacts.dataset(tiny)).classes


def test_the_demo_is_drawn_once(artifacts: Artifacts, tiny: str):
    assert demo.card(artifacts) is None
    job = demo.queue(artifacts)
    assert store.read(job).spec.params["name"] == demo.NAME
    assert demo.queue(artifacts) is None  # it is on its way
    store.ask_to_cancel(job)
    assert demo.queue(artifacts) is not None
    artifacts.dataset(tiny).folder.rename(artifacts.dataset(demo.NAME).folder)
    assert demo.queue(artifacts) is None
    assert demo.card(artifacts).images == 48


def test_time_is_told_from_the_card_until_this_machine_has_its_own(artifacts: Artifacts, forest, network):
    runs = store.runs(artifacts)
    for model, of_epochs in (("proposed_cnn", True), ("random_forest", False)):
        plan, certificate = submit.planned(artifacts, data="tiny", model=model)
        told = estimate.estimated(plan, certificate, [])
        assert not told.measured
        assert told.seconds > 0
        assert (told.epoch_seconds is not None) == of_epochs
        assert estimate.measured_speed(model, []) is None
        assert estimate.estimated(plan, certificate, runs).measured
        assert estimate.measured_speed(model, runs) > 0
    pixels, certificate = submit.planned(artifacts, data="tiny", model="random_forest", changed={"features": "pixels-v1"})
    assert not estimate.estimated(pixels, certificate, runs).measured  # the forest was grown on components
    assert registry.card("proposed_cnn").images_per_second < registry.card("random_forest").images_per_second


def test_slots_take_every_kind_of_job(monkeypatch: pytest.MonkeyPatch):
    found = slots.found()
    kinds = {spec.TRAIN, spec.PHANTOM, spec.IMPORT, spec.MAP, spec.CHECK, spec.LEAKAGE, spec.LEAKAGE_NETWORK} | {
        spec.EVALUATE,
        spec.ROBUSTNESS,
        spec.GROWTH,
    }
    assert {kind for slot in found for kind in slot.kinds} == kinds
    assert len({slot.name for slot in found}) == len(found)
    monkeypatch.setattr(slots, "gpus", lambda: 2)
    assert [(slot.name, dict(slot.environment)) for slot in slots.found() if spec.TRAIN in slot.kinds] == [
        ("gpu-0", {"CUDA_VISIBLE_DEVICES": "0"}),
        ("gpu-1", {"CUDA_VISIBLE_DEVICES": "1"}),
    ]


def test_for_one_gpu_a_training_may_always_ask(artifacts: Artifacts, tiny: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slots, "gpus", lambda: 0)
    assert submit.planned(artifacts, data=tiny, model="allnet", changed={"gpus": 1})[0].settings["gpus"] == 1
    assert submit.planned(artifacts, data=tiny, model="allnet")[0].settings["gpus"] == 1


@pytest.mark.parametrize(
    ("has", "changed", "scheduler", "words"),
    [
        (0, {"gpus": 2}, "", "gpus can't be 2: this machine has none. Set gpus to 1."),
        (2, {"gpus": "4"}, "", "gpus can't be 4: this machine has 2. Set gpus to 2."),
        (4, {"gpus": 4, "batch_size": 3}, "", "gpus can't be 4 with a batch of 3: each needs an image. Choose a larger batch_size."),
        (4, {"gpus": 2}, "tls://a:1", "gpus can't be 2 on a Dask cluster: a training has one GPU of a worker there. Set gpus to 1."),
        (16, {"gpus": 17}, "", "gpus can't be 17. Allowed: 1 to 16."),
    ],
)
def test_more_gpus_than_there_are_is_refused(
    artifacts: Artifacts, tiny: str, monkeypatch: pytest.MonkeyPatch, has: int, changed: dict, scheduler: str, words: str
):
    monkeypatch.setattr(slots, "gpus", lambda: has)
    monkeypatch.setenv(cluster.VARIABLE, scheduler)
    with pytest.raises(BadInput) as caught:
        submit.planned(artifacts, data=tiny, model="allnet", changed=changed)
    assert f"{caught.value.message} {caught.value.hint}" == words


def test_several_gpus_are_a_setting_like_every_other(artifacts: Artifacts, tiny: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slots, "gpus", lambda: 4)
    plan, _ = submit.planned(artifacts, data=tiny, model="allnet", changed={"gpus": 4})
    run = submit.training(artifacts, plan)
    assert slots.wanted(store.read(run).spec.params) == 4
    assert submit.repeated(artifacts, run.id)[0].settings["gpus"] == 4


def test_a_run_from_before_there_was_a_setting_goes_on(artifacts: Artifacts, network: JobPaths):
    document = fileio.read_json(network.spec)
    del document["params"]["settings"]["gpus"]
    fileio.write_json(network.spec, document)
    plan, _ = submit.repeated(artifacts, network.id, {"epochs": 3})
    assert plan.settings["gpus"] == 1
    assert submit.continued(artifacts, network.id, plan).checkpoint.is_dir()
