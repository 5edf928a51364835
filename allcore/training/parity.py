"""Is the graph that will be served the model that was trained?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from allcore.base.errors import AllcoreError

LEAST_AGREEMENT = 0.995
LARGEST_DIFFERENCE = 1e-4
TIE = 1e-4
"""Two highest probabilities nearer to each other than this are a tie: which class wins is then a matter of rounding."""


@dataclass(frozen=True)
class Parity:
    """Agreement of two sets of probabilities for the same images."""

    images: int
    class_agreement: float
    largest_difference: float
    """Of any probability, outside ties."""
    ties: int
    passed: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compared(trained: np.ndarray, served: np.ndarray) -> Parity:
    """Compare probabilities (n, classes) of the trained model with those of its graph."""
    ordered = np.sort(trained, axis=1)
    ties = ordered[:, -1] - ordered[:, -2] < TIE
    agreement = float((trained.argmax(1) == served.argmax(1)).mean())
    clear = np.abs(trained - served)[~ties]
    difference = float(clear.max()) if clear.size else 0.0
    passed = agreement >= LEAST_AGREEMENT and difference <= LARGEST_DIFFERENCE
    return Parity(len(trained), agreement, difference, int(ties.sum()), passed)


def require(parity: Parity) -> None:
    """Raises AllcoreError where the graph is not the model: such a run must not be served."""
    if not parity.passed:
        raise AllcoreError(
            f"The exported model does not answer as the trained one does: {parity.class_agreement:.1%} of classes agree, "
            f"probabilities differ by up to {parity.largest_difference:.1e}.",
            "This is a fault of the export; please report it with the run's log.",
        )
