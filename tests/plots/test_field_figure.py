"""A field: each outline in its class's colour where it belongs, and a number that can be clicked."""

from __future__ import annotations

import numpy as np

from allcore.plots import field, theme
from allcore.plots.field import Outlined

PICTURE = np.full((60, 90, 3), 200, np.uint8)
CLASSES = ("healthy", "leukemia")


def square(number: int, left: float, top: float, answer: str, *, chosen: bool = False) -> Outlined:
    return Outlined(number, np.array([[left, top], [left + 20, top], [left + 20, top + 10], [left, top]]), answer, chosen)


CELLS = [square(1, 5, 5, "leukemia"), square(4, 40, 30, "", chosen=True), square(5, 60, 5, "leukemia")]


def test_outlines_and_numbers_stand_where_the_cells_are():
    figure = field.field(PICTURE, CELLS, CLASSES)
    marks = [trace for trace in figure.data if trace.mode == "markers+text"]
    assert [(list(trace.customdata), list(trace.x), list(trace.y)) for trace in marks] == [([1, 5], [15, 70], [10, 10]), ([4], [50], [35])]
    lines = {trace.name: trace for trace in figure.data if trace.name}
    assert set(lines) == {"leukemia (2)", "not judged (1)"}
    assert lines["leukemia (2)"].line.color == theme.CLASS_COLOURS["leukemia"]
    assert lines["not judged (1)"].line.dash == "dot"
    assert marks[1].marker.size[0] > marks[0].marker.size[0]
    assert (figure.layout.xaxis.range, figure.layout.yaxis.range) == ((0, 90), (60, 0))
    assert figure.layout.dragmode is False
    assert field.field(PICTURE, [], CLASSES, adding=field.BOX).layout.dragmode == "select"


def test_a_field_without_cells_can_still_be_drawn_in():
    figure = field.field(PICTURE, [], CLASSES, adding=field.BOX)
    assert len(figure.data) == 1
    assert figure.layout.images[0].source.startswith("data:image/webp;base64,")


def test_a_click_anywhere_meets_a_point_that_nobody_sees():
    figure = field.field(PICTURE, CELLS, CLASSES, adding=field.CLICK)
    (points,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert (points.marker.opacity, points.hoverinfo, points.customdata) == (0, "none", None)  # of what is skipped no click is told
    everywhere = np.stack(np.meshgrid(np.arange(90), np.arange(60)), axis=-1).reshape(-1, 1, 2)
    away = np.hypot(*(everywhere - np.stack([points.x, points.y], axis=1)).transpose(2, 0, 1)).min(axis=1)
    assert away.max() <= 90 / field.CLICKABLE  # in a figure 640 pixels wide 16, where the browser asks for 20
    assert figure.layout.dragmode is False


def test_a_field_in_words_and_numbers():
    assert field.describe_field([]) == "A picture in which no white cell is outlined."
    assert field.describe_field(CELLS[:2]) == "A picture with 2 white cells outlined: cell 1 leukemia, cell 4 not judged."
    assert field.field_table(CELLS[:1]).to_dict("records") == [
        {"cell": 1, "answer": "leukemia", "left": 5.0, "top": 5.0, "right": 25.0, "bottom": 15.0}
    ]
    assert list(field.field_table([])) == ["cell", "answer", "left", "top", "right", "bottom"]
