"""Images by class, and patients by class and by side."""

from __future__ import annotations

import numpy as np

from allcore.plots import dataset, theme

CLASSES = ("healthy", "leukemia")


def test_images_by_class() -> None:
    counts = {"healthy": 4037, "leukemia": 8491}
    bars = dataset.images_by_class(counts).data[0]
    assert (bars.x, bars.y) == ((4037, 8491), CLASSES)
    assert bars.marker.color == ("#0072B2", "#D55E00")
    assert dataset.images_by_class(counts).layout.yaxis.ticktext[1] == "<b>leukemia</b><br>8,491 (68 %)"
    assert dataset.describe_images_by_class(counts) == "12,528 images: 4,037 healthy (32 %), 8,491 leukemia (68 %)."
    assert dataset.images_by_class_table(counts)["images"].tolist() == [4037, 8491]


def test_one_bar_a_patient_coloured_by_class() -> None:
    subjects = ["a"] * 3 + ["b"] * 5 + ["c"] * 2 + ["", "", "d"]
    labels = ["leukemia"] * 3 + ["healthy"] * 5 + ["healthy"] * 2 + ["healthy", "leukemia", ""]
    figure = dataset.patients(subjects, labels, CLASSES)
    assert [(trace.customdata, trace.y, trace.marker.color) for trace in figure.data] == [
        (("b", "c", "a"), (5, 2, 0), "#0072B2"),
        (("b", "c", "a"), (0, 0, 3), "#D55E00"),
    ]
    assert figure.layout.barmode == "stack"
    assert figure.layout.xaxis.ticktext == ("b", "c", "a")
    text = dataset.describe_patients(subjects, labels, CLASSES)
    assert text.startswith("3 patients with 2 to 5 images each, 3 in the middle. Healthy: 2 patients, 7 images.")
    assert text.endswith("No patient has images of more than one class.")


def test_sides_of_a_patient_level_split() -> None:
    subjects = np.repeat([f"P{i:03d}" for i in range(101)], np.arange(101) + 1)
    side = np.where(np.char.less(subjects, "P070"), "train", np.where(np.char.less(subjects, "P080"), "", "test"))
    figure = dataset.sides(subjects, side)
    assert [trace.name for trace in figure.data] == ["train (70 patients)", "test (21 patients)", "unused (10 patients)"]
    assert [trace.marker.color for trace in figure.data] == [theme.SIDE_COLOURS[one] for one in ("train", "test", "")]
    heights = np.sum([trace.y for trace in figure.data], axis=0)
    assert heights.tolist() == [*range(70, 0, -1), *range(101, 80, -1), *range(80, 70, -1)]
    assert figure.layout.xaxis.showticklabels is False
    table = dataset.sides_table(subjects, side)
    assert list(table.columns) == ["subject", "train", "test", "unused"]
    assert table["train"].sum() == 70 * 71 // 2


def test_a_patient_on_two_sides_is_one_bar_of_two_colours() -> None:
    subjects, side = ["a", "a", "b", "b"], ["train", "test", "train", "train"]
    figure = dataset.sides(subjects, side)
    assert {trace.name: trace.y for trace in figure.data} == {"train (2 patients)": (1, 2), "test (1 patient)": (1, 0)}
    assert dataset.describe_sides(subjects, side).endswith("1 patient has images on more than one side.")


def test_without_patients() -> None:
    assert dataset.sides(["", ""], ["train", "test"]).layout.annotations[0].text == dataset.NO_PATIENTS
    assert dataset.describe_patients(["", ""], ["healthy"] * 2, CLASSES) == dataset.NO_PATIENTS
    assert dataset.patients_table([], [], CLASSES).empty
