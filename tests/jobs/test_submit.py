"""Whatever can be refused is refused before a job exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from allcore.base.errors import BadInput, Conflict
from allcore.base.paths import Artifacts
from allcore.data import importing, records
from allcore.data.phantom import PhantomSpec
from allcore.jobs import demo, estimate, slots, submit
from allcore.models import registry
from allcore.runs import spec, status, store
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
    assert registry.card("proposed_cnn").images_per_second < registry.card("random_forest").images_per_second


def test_slots_take_every_kind_of_job(monkeypatch: pytest.MonkeyPatch):
    found = slots.found()
    assert {kind for slot in found for kind in slot.kinds} == {spec.TRAIN, spec.PHANTOM, spec.IMPORT}
    assert len({slot.name for slot in found}) == len(found)
    monkeypatch.setattr(slots, "_gpus", lambda: 2)
    assert [(slot.name, dict(slot.environment)) for slot in slots.found() if spec.TRAIN in slot.kinds] == [
        ("gpu-0", {"CUDA_VISIBLE_DEVICES": "0"}),
        ("gpu-1", {"CUDA_VISIBLE_DEVICES": "1"}),
    ]
