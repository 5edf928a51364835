"""What a fit left behind, in numbers: how much was learned, and whether it came to its end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Learned:
    """Counted by each model's `learned`."""

    parameters: int
    unit: str
    """What is counted: weights, nodes, support vectors, reference images."""
    iterations: int | None = None
    """Steps, or passes over the images, that the fit took; None where it has none."""
    converged: bool | None = None
    """Whether the fit met its own criterion before its limit; None where there is nothing to converge."""
