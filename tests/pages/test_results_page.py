from __future__ import annotations

from collections.abc import Callable

from allcore.base.paths import Artifacts, JobPaths
from allcore.runs import store


def test_an_empty_laboratory_leads_to_train(artifacts: Artifacts, visit: Callable):
    page = visit("results")
    assert "No run has finished yet." in page.words
    assert page.click("Train a model").app.title[0].value == "Train"


def test_while_the_first_training_runs_it_leads_there(trainings, visit: Callable):
    trainings.at_epoch_1()
    assert visit("results").click("See 1 training at work").app.title[0].value == "Jobs"


def test_a_run_is_shown_whole(forest: JobPaths, visit: Callable):
    page = visit("results")
    assert f"Random forest on tiny · {forest.id[-4:]}" in page.words
    assert "drawn cells" in page.words
    assert "No patient stands on both sides" in page.words
    assert "At this threshold it finds" in page.words
    assert len(page.app.get("plotly_chart")) == 2
    board = page.table("by balanced accuracy")
    assert board["model"].tolist() == ["always 'leukemia'", "Random forest"]
    assert board["balanced accuracy"][0] == "0.500"
    assert board["tested on"][1] == "unseen patients"
    by_class = page.table("Precision, recall and F1")
    assert by_class["class"].tolist() == ["healthy", "leukemia"]


def test_a_threshold_chosen_by_hand_is_called_optimistic(forest: JobPaths, visit: Callable):
    page = visit("results")
    assert "optimistic" not in page.words
    page.app.slider(key="threshold").set_value(0.0)
    page.again()
    assert "finds 100 %" in page.words
    assert "Chosen by hand on the test side: these figures are optimistic." in page.words


def test_every_tab_can_be_opened(forest: JobPaths, visit: Callable):
    assert "fitted in one go" in visit("results", details="Training").words
    assert "All predictions" in visit("results", details="Probabilities").words
    origin = visit("results", details="How it was made")
    assert "The model (ONNX)" in origin.words
    assert "nodes" in origin.words
    settings = origin.table("Settings").set_index("setting")["value"]
    assert (settings["Preset"], settings["Split by"], settings["Trees"]) == ("Patient level", "patient", "10")


def test_a_network_has_curves(network: JobPaths, visit: Callable):
    page = visit("results", details="Training")
    assert len(page.app.get("plotly_chart")) == 4


def test_three_classes(blood: JobPaths, visit: Callable):
    page = visit("results")
    assert "The patients are not known" in page.words
    assert "drawn cells" not in page.words
    assert not page.app.slider
    assert page.table("Precision, recall and F1")["class"].tolist() == ["basophil", "eosinophil", "monocyte"]
    assert page.table("by balanced accuracy")["tested on"][1] == "patients unknown"
    assert len(visit("results", details="Probabilities").app.get("plotly_chart")) == 3


def test_runs_of_two_data_sets_are_not_ranked_together(forest: JobPaths, blood: JobPaths, visit: Callable):
    page = visit("results", run=forest.id)
    assert page.app.selectbox(key="results-data").value == "tiny"
    assert len(page.table("by balanced accuracy")) == 2
    page.app.selectbox(key="results-data").set_value("blood")
    page.again()
    assert page.asked("run") == blood.id
    assert page.table("by balanced accuracy")["n"][1] == str(len(store.predictions(blood)))


def test_a_damaged_run_does_not_take_the_others_with_it(
    many_laboratory: Artifacts, forest: JobPaths, artifacts: Artifacts, visit: Callable
):
    import shutil

    other = next(many_laboratory.runs.iterdir())
    shutil.copytree(other, artifacts.runs / other.name)
    (artifacts.runs / other.name / "metrics.json").write_text("{")
    page = visit("results")
    assert len(page.table("by balanced accuracy")) == 2
    assert not page.errors


def test_forty_runs_are_told_apart(many: Artifacts, visit: Callable):
    page = visit("results")
    board = page.table("by balanced accuracy")
    assert len(board) == 41
    assert board["run"].is_unique
    chosen = store.runs(many)[17].id
    page = visit("results", run=chosen, details="Compare")
    assert page.asked("run") == chosen
    assert f"Random forest on tiny · {chosen[-4:]}" in page.words
    assert "The best 12 of 40 runs" in page.words
    assert chosen in page.app.multiselect[0].value
