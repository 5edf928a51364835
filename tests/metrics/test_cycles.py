from __future__ import annotations

import pandas as pd
import pytest

from allcore.metrics import cycles


def test_both_readings_beside_the_last_epoch():
    history = pd.DataFrame({"epoch": [1, 2, 3], "accuracy": [0.6, 0.8, 1.0], "test_accuracy": [0.5, 0.7, 0.6]})
    found = cycles.read(history)
    assert (found.test, found.both, found.last) == (pytest.approx(0.6), pytest.approx(0.7), 0.6)
    assert "60.00% on average" in found.sentence()
    assert "70.00%" in found.sentence()


def test_a_run_that_did_not_watch_its_test_side_has_none():
    assert cycles.read(pd.DataFrame({"epoch": [1], "accuracy": [0.6], "tune_accuracy": [0.5]})) is None
    assert cycles.read(pd.DataFrame()) is None
