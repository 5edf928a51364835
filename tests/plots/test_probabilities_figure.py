"""Probabilities of one image and of many."""

from __future__ import annotations

import numpy as np
import pytest

from allcore.plots import probabilities as plots
from allcore.plots import theme

CLASSES = ("healthy", "leukemia")


def test_bars_of_one_image() -> None:
    figure = plots.probabilities([0.07, 0.93], CLASSES, positive="leukemia", threshold=0.35)
    bars, mark = figure.data
    assert (bars.x, bars.y, bars.text) == ((0.07, 0.93), CLASSES, ("7 %", "93 %"))
    assert bars.marker.color == ("#0072B2", "#D55E00")
    assert (mark.x, mark.y) == ((0.35,), ("leukemia",))
    assert len(plots.probabilities([0.07, 0.93], CLASSES, positive="leukemia", threshold=None).data) == 1


def test_words_and_table_of_one_image() -> None:
    assert plots.describe_probabilities([0.07, 0.93], CLASSES, positive="leukemia", threshold=0.35) == (
        "Probabilities: leukemia 93 %, healthy 7 %. Leukemia reaches the threshold of 0.35."
    )
    assert "stays below" in plots.describe_probabilities([0.7, 0.3], CLASSES, positive="leukemia", threshold=0.35)
    assert plots.describe_probabilities([0.0001, 0.9999], CLASSES, positive="leukemia", threshold=None) == (
        "Probabilities: leukemia >99.9 %, healthy <0.1 %."
    )
    assert plots.probabilities_table([0.07, 0.93], CLASSES)["probability"].tolist() == [0.07, 0.93]


def test_histogram_has_a_row_a_class_and_counts_every_image() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 500)
    p = np.concatenate([[0.0, 1.0], random.random(498)])
    figure = plots.histogram(labels, p, CLASSES, positive="leukemia", threshold=0.4)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [trace.name for trace in bars] == [f"truly leukemia (n {(labels == 1).sum()})", f"truly healthy (n {(labels == 0).sum()})"]
    assert [trace.marker.color for trace in bars] == ["#D55E00", "#0072B2"]
    assert [sum(trace.y) for trace in bars] == [(labels == 1).sum(), (labels == 0).sum()]
    assert {shape.x0 for shape in figure.layout.shapes} == {0.4}
    assert figure.data[-1].name == "threshold 0.40"
    table = plots.histogram_table(labels, p, CLASSES)
    assert table["leukemia"].tolist() == list(bars[0].y)
    assert (table["from"].iloc[0], table["to"].iloc[-1]) == (0, 1)


def test_words_of_the_histogram() -> None:
    labels, p = np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.7, 0.9])
    assert plots.describe_histogram(labels, p, CLASSES, positive="leukemia", threshold=0.5) == (
        "Of 2 images truly leukemia, the middle probability of leukemia is 0.80; 2 reach the threshold of 0.50. "
        "Of 3 images truly healthy, the middle probability of leukemia is 0.20; 1 reach the threshold of 0.50."
    )


@pytest.mark.parametrize("classes", [("Benign", "Early", "Pre", "Pro"), CLASSES])
def test_a_class_without_images_has_no_row(classes: tuple[str, ...]) -> None:
    labels, p = np.array([0, 0, 1]), np.array([0.1, 0.2, 0.6])
    figure = plots.histogram(labels, p, classes, positive=classes[-1], threshold=None)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert len(bars) == 2
    assert {trace.marker.color for trace in bars} == {theme.class_colour(name, classes) for name in classes[:2]}
    empty = plots.histogram(np.array([], int), np.array([]), classes, positive=classes[0], threshold=0.5)
    assert empty.layout.annotations[0].text == plots.describe_histogram(
        np.array([], int), np.array([]), classes, positive=classes[0], threshold=0.5
    )
