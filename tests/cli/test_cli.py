"""The verbs: one document, honest exit codes, plain words."""

from __future__ import annotations

from pathlib import Path

import pytest

from allcore import __version__
from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts, JobPaths
from allcore.jobs import control
from allcore.runs import events, store
from tests.cli.said import plain

TINY_FOREST = ("--set", "input_size=32", "--set", "trees=5", "--set", "components=4")


def test_version_and_help(say):
    assert __version__ in say("--version").out
    assert say("--help").code == 0
    assert "Commands:" in say("-h").out
    assert say().code == 2
    assert "Commands:" in say().out
    assert say("data").code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fly",), "No such command 'fly'"),
        (("data", "show"), "Missing argument 'NAME'"),
        (("data", "phantom"), "Missing option '--name'"),
        (("data", "phantom", "--name", "a", "--images", "many"), "'many' is not a valid integer"),
        (("data", "phantom", "--name", "a", "--images", "2"), "images"),
        (("data", "phantom", "--name", "a", "--like", "cnmc", "--images", "99"), "A twin's 'images' can't be chosen"),
        (("data", "phantom", "--name", "A b"), "'A b' can't be a data set's name"),
        (("data", "show", "none"), "no data set 'none'"),
        (("data", "show", "../up"), "'../up' can't be a data set's name"),
        (("data", "delete", "none"), "no data set 'none'"),
        (("data", "import", "nowhere", "--name", "a"), "no folder"),
        (("data", "import", ".", "--name", "a", "--layout", "dicom"), "no layout 'dicom'"),
        (("train", "--data", "none", "--model", "random_forest"), "no data set 'none'"),
        (("train", "--data", "none", "--model", "none"), "no model 'none'"),
        (("train", "--data", "a", "--model", "random_forest", "--split", "cell"), "'cell' is not one of"),
        (("train", "--data", "a", "--model", "random_forest", "--set", "trees"), "no '='"),
        (("runs", "show", "none"), "no run 'none'"),
        (("runs", "show", "No.Run"), "'No.Run' can't be a run's id"),
        (("runs", "cancel", "none"), "no run 'none'"),
        (("runs", "resume", "none"), "no run 'none'"),
        (("runs", "finish", "none"), "no run 'none'"),
        (("runs", "delete", "../../etc"), "can't be a run's id"),
        (("models", "show", "none"), "no model 'none'"),
        (("predict", "none", "a.png"), "no model to answer with"),
        (("predict", "No_Run", "a.png"), "can't be a run's id"),
        (("predict", "none"), "Missing argument 'PATHS...'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("as_json", [False, True], ids=["", "json"])
def test_bad_input_is_told_in_plain_words(say, artifacts: Artifacts, arguments: tuple[str, ...], words: str, as_json: bool):
    plain(say(*arguments, *(["--json"] if as_json and arguments != ("fly",) else [])), 2, words)
    assert store.jobs(artifacts) == []


def test_a_folder_that_can_not_be_written_is_told(say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "file" / "artifacts"))
    plain(say("data", "phantom", "--name", "a", "--images", "8", "--patients", "2"), 1, "ALLCORE_ARTIFACTS")


def test_a_damaged_data_set_is_told(say, artifacts: Artifacts, tiny: str):
    artifacts.dataset(tiny).card.write_text("{")
    plain(say("data", "show", tiny), 1, "dataset.json in tiny is damaged")


PHANTOM = ("data", "phantom", "--name", "drawn", "--images", "8", "--patients", "2", "--size", "32")
DATA_KEYS = {"id", "images", "classes", "subjects", "phases", "folds", "fingerprint", "synthetic"}


def test_data_from_the_first_to_the_last(say, artifacts: Artifacts, tmp_path: Path):
    drawn = say(*PHANTOM, "--json")
    assert (drawn.code, drawn.err) == (0, "")
    document = drawn.document
    assert document.keys() >= DATA_KEYS
    assert (document["id"], document["images"], document["synthetic"]) == ("drawn", 8, True)
    assert sum(document["classes"].values()) == 8
    assert sum(document["subjects"].values()) == 2
    assert say("data", "show", "drawn", "--json").document == document
    plain(say(*PHANTOM), 2, "already a data set 'drawn'")

    imported = say("data", "import", artifacts.dataset("drawn").images, "--name", "copy", "--json")
    assert (imported.code, imported.err) == (0, "")
    assert (imported.document["layout"], imported.document["subjects"], imported.document["synthetic"]) == ("folders", {}, False)
    assert [one["id"] for one in say("data", "list", "--json").document["datasets"]] == ["drawn", "copy"]
    listed = say("data", "list").out
    assert "drawn" in listed
    assert "healthy" in listed
    assert "(drawn cells)" in say("data", "show", "drawn").out

    assert say("data", "delete", "drawn", "--json").document == {"id": "drawn", "deleted": True}
    assert say("data", "delete", "copy").out == "Deleted copy.\n"
    assert say("data", "list", "--json").document == {"datasets": []}


def test_a_split_can_be_seen_before_anything_is_trained(say, artifacts: Artifacts, tiny: str):
    document = say("data", "split", tiny, "--json").document
    assert (document["data"], document["level"], document["overlapping_subjects"]) == (tiny, "patient", 0)
    assert sum(side["images"] for side in document["sides"].values()) + document["unused"] == 48
    folds = [say("data", "split", tiny, "--level", "image", "--folds", "3", "--fold", str(fold), "--json").document for fold in range(3)]
    assert sum(one["sides"]["test"]["images"] for one in folds) == 48
    assert len({one["hash"] for one in folds}) == 3
    assert "No patient stands on both sides" in say("data", "split", tiny).out
    plain(say("data", "split", tiny, "--folds", "3", "--fold", "3"), 2, "There is no fold 3 of 3")


def test_one_fold_is_trained(say, artifacts: Artifacts, tiny: str, at_once):
    said = say("train", "--data", tiny, "--model", "random_forest", *TINY_FOREST, "--folds", "3", "--fold", "2", "--wait", "--json")
    assert (said.code, said.document["split"]["folds"], said.document["split"]["fold"]) == (0, 3, 2)
    predictions = store.predictions(artifacts.run(said.document["id"]))
    assert set(predictions["fold"]) == {2}


def test_a_check_tells_what_it_found(say, artifacts: Artifacts, tiny: str):
    told = say("data", "check", tiny, "--json").document
    assert (told["dataset"], told["images"]) == (tiny, 48)
    assert {one["check"] for one in told["findings"]} >= {"duplicates", "labels", "nuisance", "morphology", "sizes", "files"}
    said = say("data", "check", tiny)
    assert (said.code, said.err) == (0, "")
    assert all(one["title"] in said.out for one in told["findings"])
    assert "What could not be known:" in said.out


def test_without_a_terminal_no_progress_is_printed(say):
    drawn = say(*PHANTOM)
    assert (drawn.code, drawn.err) == (0, "")
    assert "images" in drawn.out


def test_a_training_that_is_waited_for(say, artifacts: Artifacts, tiny: str, at_once):
    said = say("train", "--data", tiny, "--model", "random_forest", *TINY_FOREST, "--seed", "3", "--wait", "--json")
    assert said.code == 0
    document = said.document
    assert document.keys() >= {"id", "status", "metrics", "onnx_parity", "split"}
    assert document["status"] == "done"
    assert document["onnx_parity"]["passed"] is True
    assert (document["split"]["level"], document["split"]["seed"], document["split"]["overlapping_subjects"]) == ("patient", 3, 0)
    assert 0 <= document["metrics"]["balanced_accuracy"] <= 1
    assert document["metrics"]["training"]["parameters"] > 0

    shown = say("runs", "show", document["id"], "--json").document
    assert {name: shown[name] for name in document if name != "seconds"} == {n: v for n, v in document.items() if n != "seconds"}
    assert shown["spec"]["settings"]["trees"] == 5
    assert [step["state"] for step in shown["history"]][-1] == "done"
    assert shown["epochs"] == []
    assert [run["id"] for run in say("runs", "list", "--json").document["runs"]] == [document["id"]]
    assert "balanced accuracy" in say("runs", "show", document["id"]).out
    assert document["id"] in say("runs", "list").out
    (job,) = say("jobs", "list", "--json").document["jobs"]
    assert (job["id"], job["kind"], job["status"], job["share"]) == (document["id"], "train", "done", 1.0)
    plain(say("runs", "resume", document["id"]), 2, "is done: there is nothing to resume")
    plain(say("runs", "cancel", document["id"]), 2, "is done: there is nothing to cancel")
    assert say("runs", "delete", document["id"], "--json").document == {"id": document["id"], "deleted": True}
    assert say("runs", "list", "--json").document == {"runs": []}


def test_an_image_level_split_says_how_many_patients_overlap(say, tiny: str, at_once):
    document = say("train", "--data", tiny, "--model", "random_forest", *TINY_FOREST, "--split", "image", "--wait", "--json").document
    assert document["split"]["level"] == "image"
    assert document["split"]["overlapping_subjects"] > 0
    assert "The figures flatter." in document["split"]["verdict"]


def test_a_training_that_is_not_waited_for(say, artifacts: Artifacts, tiny: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(control, "ensure", lambda where: None)
    document = say("train", "--data", tiny, "--model", "proposed_cnn", "--json").document
    assert (document["status"], document["metrics"], document["onnx_parity"]) == ("queued", None, None)
    assert document["split"]["overlapping_subjects"] == 0
    run = document["id"]
    plain(say("runs", "delete", run), 2, "Cancel it first.")
    queue = {"running": False, "pid": None, "paused": False, "jobs": {"queued": 1}, "executor": None, "cluster": None}
    assert say("jobs", "status", "--json").document == queue
    assert say("runs", "cancel", run, "--json").document["status"] == "cancelled"
    assert say("runs", "resume", run, "--json").document["status"] == "queued"
    say("runs", "cancel", run)
    assert say("runs", "finish", run, "--json").document["status"] == "queued"
    assert artifacts.run(run).finish.exists()
    queued = say("train", "--data", tiny, "--model", "random_forest")
    assert queued.out.startswith("Queued ")
    assert "No patient stands on both sides" in queued.out


def test_a_run_that_fails_ends_with_1_and_says_why(say, artifacts: Artifacts, tiny: str, at_once, monkeypatch: pytest.MonkeyPatch):
    from allcore.base.errors import AllcoreError
    from allcore.training import parity

    def fail(_: object) -> None:
        raise AllcoreError("The exported model does not answer as the trained one does.")

    monkeypatch.setattr(parity, "require", fail)
    said = say("train", "--data", tiny, "--model", "random_forest", *TINY_FOREST, "--wait", "--json")
    assert said.code == 1
    assert (said.document["status"], said.document["metrics"]) == ("failed", None)
    assert "does not answer" in said.document["reason"]
    told = say("runs", "show", said.document["id"])
    assert told.code == 0
    assert "does not answer" in told.out


def test_a_run_is_repeated_and_goes_on(say, network: JobPaths):
    again = say("train", "--from", network.id, "--json").document
    assert (again["data"], again["model"], again["preset"]) == ("tiny", "proposed_cnn", "patient")
    longer = say("train", "--from", network.id, "--continue", "--set", "epochs=3", "--json").document
    assert say("runs", "show", longer["id"], "--json").document["epochs"][0]["epoch"] == 1
    for wrong, words in (
        (("--from", network.id, "--data", "tiny"), "--from takes all from that run"),
        (("--data", "tiny"), "not named"),
        (("--data", "tiny", "--model", "proposed_cnn", "--continue"), "no run to go on from"),
    ):
        said = say("train", *wrong)
        assert said.code == 2
        assert words in said.err


def test_a_networks_epochs_are_shown(say, network: JobPaths):
    shown = say("runs", "show", network.id, "--json").document
    (epoch,) = shown["epochs"]
    assert epoch["epoch"] == 1
    assert {"loss", "accuracy", "tune_loss", "seconds"} <= epoch.keys()
    assert len(events.read(network)) >= 2


def test_models_are_told_from_their_cards(say):
    models = say("models", "list", "--json").document["models"]
    assert {model["id"] for model in models} >= {"proposed_cnn", "random_forest"}
    for model in models:
        shown = say("models", "show", model["id"], "--json").document
        assert {"knobs", "presets", "choices", "cannot", "parameters"} <= shown.keys()
        assert sum(layer["parameters"] for layer in shown["layers"]) == (shown["parameters"] or 0)
        assert "Presets" in say("models", "show", model["id"]).out
    assert "proposed_cnn" in say("models", "list").out


def test_without_imagenets_weights_a_training_is_refused(
    say, artifacts: Artifacts, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    asked = ("train", "--data", tiny, "--model", "vgg16", "--set", "start=imagenet")
    plain(say(*asked), 2, "start can't be 'imagenet': there is no file of weights at")
    plain(say(*asked, "--set", f"weights_file={tmp_path / 'gone.h5'}"), 2, "gone.h5")
    assert not store.jobs(artifacts)
