from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from allcore.base.paths import Artifacts, JobPaths
from allcore.models import presets, registry
from allcore.runs import store


def go(page):
    """The one button."""
    (found,) = [one for one in page.app.button if one.label.startswith("Train")]
    return found


def test_without_data_it_leads_to_data(artifacts: Artifacts, visit: Callable):
    page = visit("train")
    assert "there is no data set yet" in page.words
    assert page.click("Get a data set").app.title[0].value == "Dataset"


def test_every_model_has_its_card(tiny: str, visit: Callable):
    page = visit("train")
    for card in registry.cards():
        assert card.name in page.words
        assert page.app.checkbox(key=f"choose-{card.id}").help == card.about
    assert "a guess" in page.words
    assert "paper: accuracy 84.6 %" in page.words
    assert "No patient stands on both sides" in page.words


@pytest.mark.parametrize("preset", [one.id for one in registry.cards()[0].presets])
def test_every_preset_trains_or_says_why_not(tiny: str, visit: Callable, preset: str):
    page = visit("train")
    page.app.button_group(key="preset").set_value(preset)
    page.again()
    if preset == presets.OFFICIAL:
        assert "has no official split" in page.words
        assert go(page).disabled
    else:
        assert go(page).label.startswith("Train 1 model, about")
        assert not go(page).disabled


def test_several_models_share_one_split_and_are_queued_together(tiny: str, artifacts: Artifacts, visit: Callable, no_runner: list):
    page = visit("train")
    for card in registry.cards():
        page.app.checkbox(key=f"choose-{card.id}").check()
    page.again()
    count = len(registry.cards())
    assert f"All {count} models share this split" in page.words
    go(page).click()
    page.again()
    assert page.app.title[0].value == "Jobs"
    assert {job.spec.params["model"] for job in store.active(artifacts)} == {card.id for card in registry.cards()}
    assert no_runner
    assert page.asked("run") == store.active(artifacts)[0].id


def test_without_a_model_there_is_nothing_to_train(tiny: str, visit: Callable):
    page = visit("train")
    page.app.checkbox(key=f"choose-{registry.cards()[0].id}").uncheck()
    page.again()
    assert go(page).disabled
    assert "Choose one model or several." in page.words


def test_every_knob_stands_in_the_form_with_its_range(tiny: str, visit: Callable):
    page = visit("train")
    card = registry.cards()[0]
    shown = {one.label: one.help for kind in ("text_input", "number_input", "selectbox", "toggle") for one in page.app.get(kind)}
    for knob in card.knobs:
        if knob.name != "seed":
            assert knob.allowed() in shown[knob.label]


def test_a_setting_out_of_range_is_named_beside_its_field(tiny: str, visit: Callable):
    page = visit("train")
    page.app.text_input(key=f"knob-allnet-{presets.DEFAULT}-learning_rate").set_value("7")
    page.again()
    assert "Learning rate needs a number from 1e-06 to 1, not '7'." in page.words
    assert "A setting of AllNet is out of its range" in page.words
    assert go(page).disabled


def test_a_changed_setting_reaches_the_job(tiny: str, artifacts: Artifacts, visit: Callable):
    page = visit("train")
    page.app.text_input(key=f"knob-allnet-{presets.DEFAULT}-learning_rate").set_value("0.002")
    page.app.number_input(key=f"knob-allnet-{presets.DEFAULT}-epochs").set_value(2)
    page.again()
    go(page).click()
    page.again()
    settings = store.active(artifacts)[0].spec.params["settings"]
    assert (settings["learning_rate"], settings["epochs"]) == (0.002, 2)


def test_a_larger_calibrate_part_reaches_the_split(tiny: str, artifacts: Artifacts, visit: Callable, no_runner: list):
    """Sets of classes need 20 patients of each class there: no preset keeps as many of a hundred."""
    page = visit("train")
    page.app.number_input(key=f"calibrate-{presets.DEFAULT}").set_value(30)
    page.again()
    go(page).click()
    page.again()
    (job,) = store.active(artifacts)
    assert job.spec.params["split"]["calibrate"] == 0.3


def test_settings_that_contradict_each_other_say_so(tiny: str, visit: Callable):
    page = visit("train")
    page.app.button_group(key="preset").set_value(presets.PAPER)
    page.again()
    page.app.selectbox(key=f"knob-allnet-{presets.PAPER}-keep").set_value("best")
    page.again()
    assert "keep can't be 'best' without a tune side" in page.words
    assert go(page).disabled


def test_without_imagenets_weights_the_form_says_so_before_anything_is_queued(
    tiny: str, artifacts: Artifacts, visit: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    page = visit("train")
    page.app.checkbox(key="choose-allnet").uncheck()
    page.app.checkbox(key="choose-resnet50").check()
    page.again()
    page.app.selectbox(key=f"knob-resnet50-{presets.DEFAULT}-start").set_value("imagenet")
    page.again()
    assert "start can't be 'imagenet': there is no file of weights at" in page.words
    assert "Fetch resnet50_weights" in page.words
    assert go(page).disabled
    assert not store.active(artifacts)


def test_what_was_measured_here_is_called_so(forest: JobPaths, visit: Callable):
    assert "s, measured" in visit("train").words


def test_a_data_set_without_patients_refuses_a_split_by_patient(blood: JobPaths, visit: Callable):
    page = visit("train")
    assert "have no patient" in page.words
    assert go(page).disabled


def test_forty_runs_are_no_burden(many: Artifacts, visit: Callable):
    assert "measured" in visit("train").words
