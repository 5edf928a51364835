"""How a fit went, in words."""

from __future__ import annotations

import pytest

from allcore.metrics import fitting

CALIBRATED = {"calibrated": True, "temperature": 2.5, "calibration_folds": 3, "calibration_by": "patients"}


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"epochs": 6}, ""),
        ({"epochs": None}, "Fitted in one go: there is nothing that could fail to converge."),
        ({"epochs": None, "converged": True, "iterations": 1200}, "Converged after 1,200 steps."),
        ({"epochs": None, "converged": False, "iterations": 200}, "Did not converge within 200 steps: its figures could change with more."),
        (
            {"epochs": None, "converged": True, "iterations": 3, **CALIBRATED},
            "Converged after 3 steps. Its scores were shrunk by a temperature of 2.5, from patients held out in 3 turns.",
        ),
        (
            {"epochs": None, "converged": True, "iterations": 3, "calibrated": False, "calibration_note": "Switched off."},
            "Converged after 3 steps. Its probabilities are not calibrated. Switched off.",
        ),
    ],
)
def test_it_is_told(training: dict, words: str):
    assert fitting.told(training) == words


@pytest.mark.parametrize(
    ("training", "asked", "words"),
    [
        ({"epochs": 7, "finished_on_request": True}, 100, "It ended after 7 of 100 epochs, on request."),
        ({"epochs": 7}, 100, "It ended after 7 of 100 epochs, out of patience."),
        ({"epochs": 100}, 100, ""),
        ({"epochs": None}, None, ""),
    ],
)
def test_a_network_that_ended_early_says_why(training: dict, asked: int | None, words: str) -> None:
    assert fitting.ended_early(training, {} if asked is None else {"epochs": asked}) == words
