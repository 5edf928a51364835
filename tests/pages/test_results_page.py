from __future__ import annotations

from collections.abc import Callable

import pytest

from allcore.base import fileio
from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs.studies import control, design
from allcore.jobs.studies.design import Wanted
from allcore.runs import store, threshold


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
    assert "Fitted in one go: there is nothing that could fail to converge." in visit("results", details="Training").words
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
    (artifacts.runs / other.name / "summary.json").write_text("{")
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


def test_a_rule_chooses_on_the_calibrate_part_and_is_kept(forest: JobPaths, visit: Callable):
    page = visit("results")
    assert "New pictures are judged by this threshold." in page.words
    rule = page.app.selectbox(key="threshold-rule")
    assert rule.options[0] == "0.5, as trained"
    rule.set_value("youden")
    page.again()
    assert "Chosen on the calibrate part" in page.words
    assert "optimistic" not in page.words
    value = page.app.slider(key="threshold").value
    page.click("Judge new pictures by it")
    kept = threshold.read(forest)
    assert (kept.threshold, kept.rule, kept.side) == (value, "youden", "calibrate")
    assert visit("results").app.slider(key="threshold").value == value
    assert "a threshold chosen on the calibrate part on Results" in _classified(visit, forest).words


def _classified(visit: Callable, run: JobPaths):
    page = visit("classify", run=run.id)
    return page.click("Cell 1")


def test_a_target_sensitivity_is_reached_on_the_calibrate_part(forest: JobPaths, visit: Callable):
    page = visit("results")
    page.app.selectbox(key="threshold-rule").set_value("sensitivity")
    page.again()
    page.app.number_input(key="threshold-target").set_value(80.0)
    page.again()
    value = page.app.slider(key="threshold").value
    part = store.predictions(forest).query("side == 'calibrate' and label == 'leukemia'")
    assert (part["p_leukemia"] >= value).mean() >= 0.8


def test_a_click_on_a_curve_is_a_choice_by_hand(forest: JobPaths, visit: Callable):
    page = visit("results", threshold="0.3")
    assert page.app.slider(key="threshold").value == 0.3
    assert page.app.selectbox(key="threshold-rule").value == "hand"
    assert "Optimistic: the threshold was chosen on these very images." in page.words


def test_a_click_on_a_curve_in_a_tab_moves_all_above(forest: JobPaths, visit: Callable):
    page = visit("results", details="Curves")
    assert "called healthy" in _described(page, "confusion")
    page.select("precision-recall", {"customdata": [0.0], "x": 1.0, "y": 0.6})
    assert page.app.slider(key="threshold").value == 0.0
    assert page.app.selectbox(key="threshold-rule").value == "hand"
    assert "called healthy" not in _described(page, "confusion")
    assert "optimistic" in page.words


def _described(page, chart: str) -> str:
    """What the chart of that key says to a screen reader."""
    (found,) = [one.proto.alt for one in page.app.get("plotly_chart") if one.proto.id.endswith(f"-{chart}")]
    return found


def test_a_tab_is_drawn_alone(forest: JobPaths, visit: Callable, monkeypatch: pytest.MonkeyPatch):
    page = visit("results", threshold="0.3")
    (prevalence,) = page.app.number_input
    prevalence.set_value(1.0)
    page.alone("details", monkeypatch)
    assert not page.app.get("plotly_chart")
    table = page.table("Figures at the threshold 0.300")
    assert "PPV at 1 %" in table["figure"].tolist()


def test_figures_follow_threshold_and_prevalence(forest: JobPaths, visit: Callable):
    page = visit("results")
    before = page.table("Figures at the threshold").set_index("figure")["value"]
    (prevalence,) = page.app.number_input
    prevalence.set_value(1.0)
    page.again()
    after = page.table("Figures at the threshold").set_index("figure")["value"]
    assert before["sensitivity"] == after["sensitivity"]
    floor = page.table("Figures at the threshold").set_index("figure").filter(like="always '").squeeze(axis=1)
    assert floor["balanced accuracy"] == "0.500"
    assert {floor["sensitivity"], floor["specificity"]} == {"0.000", "1.000"}
    assert "PPV at 1 %" in after.index


def test_every_view_at_the_threshold_can_be_opened(forest: JobPaths, visit: Callable):
    assert len(visit("results", details="Curves").app.get("plotly_chart")) == 4
    assert "On the diagonal, what is said comes true." in visit("results", details="Probabilities").words
    patients = visit("results", details="Patients")
    assert "A patient called by the vote of their cells" in patients.words
    assert patients.table("Patients, the worst first")["right"].is_monotonic_increasing


def test_images_behind_the_matrix(forest: JobPaths, visit: Callable):
    page = visit("results", details="Images")
    picker = page.app.selectbox(key="cell")
    picker.set_value("truly leukemia, called leukemia")
    page.again()
    shown = page.app.selectbox(key="cell")
    test = store.predictions(forest).query("side == 'test' and label == 'leukemia' and p_leukemia >= 0.5")
    assert f"truly leukemia, called leukemia ({len(test)})" in shown.options


def test_runs_are_compared_on_the_same_images_only(many: Artifacts, visit: Callable):
    page = visit("results", details="Compare")
    picked = page.app.multiselect[0]
    picked.set_value([run.id for run in store.runs(many)[:3]])
    page.again()
    assert "No conclusion on AUROC: too few patients for an interval" in page.words
    assert "corrected by Holm" in page.words


def test_another_test_side_is_said_and_not_compared(forest: JobPaths, artifacts: Artifacts, copy_of: Callable, visit: Callable):
    document = fileio.read_json(forest.summary)
    other = copy_of(forest, artifacts, 7)
    fileio.write_json(other.summary, {**document, "test_side": "another"})
    page = visit("results", details="Compare")
    assert page.table("by balanced accuracy")["test side"].tolist() == ["A", "A", "B"]
    assert "2 different test sides" in page.words
    page.app.multiselect[0].set_value([forest.id, other.id])
    page.again()
    assert "Tested on other images than" in page.words


def test_the_table_is_sorted_and_filtered(many: Artifacts, visit: Callable):
    page = visit("results")
    page.app.selectbox(key="board-order").set_value("the latest")
    page.again()
    board = page.table("by balanced accuracy")
    newest = max(store.runs(many), key=lambda job: job.spec.created)
    assert newest.id.endswith(board["run"][1])


def test_runs_of_one_study_are_found(forest: JobPaths, artifacts: Artifacts, copy_of: Callable, visit: Callable):
    page = visit("results")
    assert not [one for one in page.app.multiselect if one.label == "Study"]
    made = control.started(artifacts, design.designed(artifacts, Wanted("tiny", ("random_forest",), name="Seeds [first]", seeds=(0, 1))))
    gone = "tiny-20260101-000000-dead"
    for number, of in enumerate((made.id, made.id, gone)):
        copy = copy_of(forest, artifacts, number)
        fileio.write_json(copy.spec, {**fileio.read_json(copy.spec), "study": of})
    page = visit("results")
    assert len(page.table("by balanced accuracy")) == 5
    (picker,) = [one for one in page.app.multiselect if one.label == "Study"]
    assert sorted(picker.options[:-1]) == sorted([f"Seeds [first] · {made.id[-4:]}", gone])
    assert picker.options[-1] == "In no study"
    picker.set_value([made.id])
    page.again()
    assert sorted(page.table("by balanced accuracy")["run"][1:]) == ["0000", "0001"]
