from __future__ import annotations

from collections.abc import Callable

from allcore.base.paths import Artifacts, JobPaths
from allcore.metrics import compare

STARTS = {"paper-part": "Random or ImageNet's"}


def test_an_empty_laboratory_shows_the_papers_figures(artifacts: Artifacts, visit: Callable):
    page = visit("paper")
    table = page.table("three networks").set_index("model")
    assert table["from its matrix"].tolist() == ["86.4 % of 2,509, 86.5 % of 2,506", "85.6 %", "84.8 %"]
    assert set(table["accuracy here"]) == {"not run here"}
    assert len(page.app.get("plotly_chart")) == 1
    assert "the full text was not at hand" in page.words
    assert "Run its protocol" in page.words


def test_what_follows_is_told_with_its_arithmetic(artifacts: Artifacts, visit: Callable):
    words = visit("paper", **{"paper-part": "What follows"}).words
    assert "8,491 / 12,528 = 67.8 %" in words
    assert "needs the row's own sum of 817" in words


def test_every_part_can_be_opened(artifacts: Artifacts, visit: Callable):
    classifiers = visit("paper", **{"paper-part": "Classifiers"}).table("six classifiers")
    assert classifiers.iloc[-1, 2] == "-40.4"
    other = visit("paper", **{"paper-part": "Other studies"})
    assert len(other.table("Prior studies")) == 4
    assert "transductive" in other.table("Published results")["note"][0]


def test_drawn_cells_never_stand_beside_the_paper(forest: JobPaths, visit: Callable):
    assert set(visit("paper", **{"paper-part": "Classifiers"}).table("six classifiers")["accuracy here"]) == {"not run here"}


def test_accuracy_stands_against_each_cost(artifacts: Artifacts, visit: Callable):
    page = visit("paper")
    page.app.selectbox(key="cost-unit").set_value("memory")
    assert "75 MB of memory to answer" in page.again().app.get("plotly_chart")[0].proto.alt


def test_without_a_pair_it_says_what_to_train(forest: JobPaths, visit: Callable):
    words = visit("paper", **STARTS).words
    assert "train ResNet-50 or VGG-16 twice" in words
    assert "from its cache or from the file" in words
    assert "train --from RUN --set start=imagenet" in words


def test_a_pair_of_starts_stands_side_by_side(forest: JobPaths, artifacts: Artifacts, started: Callable, visit: Callable):
    runs = [started(forest, artifacts, number, start=start) for number, start in enumerate(("scratch", "imagenet"))]
    page = visit("paper", **STARTS)
    table = page.table("from random weights and from ImageNet's")
    assert table["figure"].tolist() == [compare.BALANCED, compare.AUROC]
    assert set(table["model"]) == {"VGG-16"}
    assert set(table["runs"]) == {", ".join(run.id[-4:] for run in runs)}
    assert set(table["tested on"]) == {"unseen patients"}
    assert "No conclusion on balanced accuracy: too few patients for an interval" in page.words
    assert "drawn cells" in page.words
    assert "VGG-16" in page.app.get("plotly_chart")[0].proto.alt
