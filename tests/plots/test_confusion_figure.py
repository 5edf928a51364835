"""The confusion matrix shows counts and row rates, readable on each cell."""

from __future__ import annotations

import numpy as np
import pytest

from allcore.plots import theme
from allcore.plots.confusion import confusion, confusion_table, describe_confusion

COUNTS, CLASSES = [[792, 105], [0, 970]], ("healthy", "leukemia")


def test_cells() -> None:
    figure = confusion(COUNTS, CLASSES)
    heat = figure.data[0]
    assert np.asarray(heat.z, float) == pytest.approx(np.array([[792 / 897, 105 / 897], [0, 1]]))
    cells = {(note.x, note.y): note for note in figure.layout.annotations}
    assert "<b>792</b>" in cells[0, 0].text
    assert "88 %" in cells[0, 0].text
    assert "<b>105</b>" in cells[1, 0].text
    assert cells[0, 1].text == "<b>0</b>"
    assert figure.layout.yaxis.ticktext == ("healthy<br>n 897", "leukemia<br>n 970")
    assert figure.layout.yaxis.autorange == "reversed"
    for (column, row), note in cells.items():
        assert theme.contrast(note.font.color, theme.heat_colour(heat.z[row][column])) >= 4.5


@pytest.mark.parametrize("n", [1, 2, 5, 6, 12])
def test_any_number_of_classes(n: int) -> None:
    figure = confusion(np.eye(n, dtype=int) * 7, [f"c{i}" for i in range(n)])
    assert len(figure.layout.annotations) == n * n
    assert [note.text.startswith("<b>7</b>") for note in figure.layout.annotations] == np.eye(n, dtype=bool).ravel().tolist()


def test_a_class_without_images_has_no_rate() -> None:
    figure = confusion([[3, 1], [0, 0]], CLASSES)
    assert [note.text for note in figure.layout.annotations][2:] == ["–", "–"]
    assert "No image is truly leukemia." in describe_confusion([[3, 1], [0, 0]], CLASSES)
    assert confusion_table([[3, 1], [0, 0]], CLASSES)["share_of_row"].isna().tolist() == [False, False, True, True]


def test_description_and_table() -> None:
    assert describe_confusion(COUNTS, CLASSES) == (
        "Confusion matrix of 1,867 images. Of 897 images truly healthy: 792 (88 %) called healthy, 105 (12 %) called leukemia. "
        "Of 970 images truly leukemia: 970 (100 %) called leukemia."
    )
    assert confusion_table(COUNTS, CLASSES).iloc[1].to_dict() == {
        "truly": "healthy",
        "called": "leukemia",
        "images": 105,
        "share_of_row": pytest.approx(105 / 897),
    }
