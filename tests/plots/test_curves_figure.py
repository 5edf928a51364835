"""Learning curves: whole, partial and empty histories."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allcore.plots.curves import (
    NOTHING_YET,
    curves,
    curves_table,
    describe_curves,
    describe_epoch_times,
    epoch_times,
    epoch_times_table,
    watched,
)

HISTORY = pd.DataFrame(
    {
        "epoch": np.arange(1, 6),
        "loss": [0.7, 0.5, 0.4, 0.3, 0.2],
        "accuracy": [0.5, 0.7, 0.8, 0.9, 0.95],
        "tune_loss": [0.7, 0.6, 0.45, 0.5, 0.6],
        "tune_accuracy": [0.5, 0.65, 0.8, 0.78, 0.75],
        "seconds": [20.0, 10, 11, 12, 10],
    }
)


def test_both_sides_of_both_measures() -> None:
    figure = curves(HISTORY)
    drawn = {(trace.name, trace.yaxis): list(trace.y) for trace in figure.data}
    assert drawn == {
        ("training", "y"): list(HISTORY["loss"]),
        ("tune", "y"): list(HISTORY["tune_loss"]),
        ("training", "y2"): list(HISTORY["accuracy"]),
        ("tune", "y2"): list(HISTORY["tune_accuracy"]),
    }
    assert {shape.x0 for shape in figure.layout.shapes} == {3}
    assert [trace.showlegend for trace in figure.data] == [True, True, False, False]


def test_one_epoch_shows_a_marker() -> None:
    figure = curves(HISTORY[:1])
    assert all("markers" in trace.mode for trace in figure.data)
    assert figure.layout.shapes == ()
    assert figure.layout.xaxis.range[0] < 1 < figure.layout.xaxis.range[1]
    assert describe_curves(HISTORY[:1]).startswith("Training over 1 epoch. Training loss: 0.700.")


def test_without_a_tune_side() -> None:
    only = HISTORY[["epoch", "loss", "accuracy"]]
    assert {trace.name for trace in curves(only).data} == {"training"}
    assert "une" not in describe_curves(only)
    missing = HISTORY.assign(tune_loss=np.nan, tune_accuracy=np.nan)
    assert {trace.name for trace in curves(missing).data} == {"training"}


def test_a_watched_test_side_is_named_and_marks_no_epoch() -> None:
    seen = HISTORY.rename(columns={"tune_loss": "test_loss", "tune_accuracy": "test_accuracy"})
    figure = curves(seen)
    assert {trace.name: trace.line.color for trace in figure.data} == {"training": "#8A8F98", "test": "#994455"}
    assert figure.layout.shapes == ()
    text = describe_curves(seen)
    assert "Test loss: from 0.700 to 0.600." in text
    assert text.endswith("the test side was watched after each epoch.")
    assert list(curves_table(seen).columns) == ["epoch", "loss", "test_loss", "accuracy", "test_accuracy"]


def test_who_ends_a_watched_training_early_may_have_chosen_by_the_test_side() -> None:
    seen = HISTORY.rename(columns={"tune_loss": "test_loss", "tune_accuracy": "test_accuracy"})
    assert watched(seen, finished_on_request=False).endswith("Nothing was chosen by the test side.")
    assert watched(seen, finished_on_request=True).endswith("its figures may flatter.")
    assert watched(HISTORY, finished_on_request=True) == ""


def test_before_the_first_epoch() -> None:
    for empty in (HISTORY[:0], pd.DataFrame()):
        assert curves(empty).layout.annotations[0].text == epoch_times(empty).layout.annotations[0].text == NOTHING_YET
        assert describe_curves(empty) == describe_epoch_times(empty) == NOTHING_YET
        assert curves_table(empty).empty
        assert epoch_times_table(empty).empty


def test_epoch_times() -> None:
    bars, median = epoch_times(HISTORY).data
    assert list(bars.y) == [20, 10, 11, 12, 10]
    assert (median.name, set(median.y)) == ("median 11.0 s", {11.0})
    assert describe_epoch_times(HISTORY) == "Time of 5 epochs: median 11.0 s, shortest 10.0 s, longest 20.0 s."
    assert epoch_times_table(HISTORY)["seconds"].tolist() == [20, 10, 11, 12, 10]


def test_description_and_table() -> None:
    text = describe_curves(HISTORY)
    assert "Tune accuracy: from 0.500 to 0.750." in text
    assert text.endswith("Lowest tune loss: 0.450 at epoch 3.")
    assert list(curves_table(HISTORY).columns) == ["epoch", "loss", "tune_loss", "accuracy", "tune_accuracy"]
