"""The accuracy that the study states, 'mean of training and test accuracy over 100 cycles', in the two ways in which it can be read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

ENDED_BY_EYE = "Somebody who could see how it does on the test side ended the training early: its figures may flatter."
"""Of a run that watched its test side and was finished on request."""


@dataclass(frozen=True)
class Cycles:
    """Over all epochs of a run that watched its test side, as the study did. Shares, 0 to 1."""

    epochs: int
    test: float
    """Mean over the epochs of the test accuracy."""
    both: float
    """Mean over the epochs of the mean of training and test accuracy."""
    last: float
    """Test accuracy after the last epoch, which is what a reader expects."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def sentence(self) -> str:
        """For a page."""
        return (
            f"Over its {self.epochs} epochs the test accuracy is {self.test:.2%} on average, and the mean of training and test accuracy "
            f"{self.both:.2%}: the study's figure can be read as either. After the last epoch the test accuracy is {self.last:.2%}."
        )


def read(history: pd.DataFrame) -> Cycles | None:
    """From a run's epochs: `accuracy`, a running mean within the epoch, and `test_accuracy`, after it.

    None where the test side was not watched, as with any preset but the paper's protocol.
    """
    if history.empty or "test_accuracy" not in history:
        return None
    test, train = history["test_accuracy"].to_numpy(np.float64), history["accuracy"].to_numpy(np.float64)
    return Cycles(len(history), float(test.mean()), float(((test + train) / 2).mean()), float(test[-1]))
