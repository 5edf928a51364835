"""How a fit went, in a sentence or two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def told(training: Mapping[str, Any]) -> str:
    """From `training` of a run's metrics.json; '' for a network, whose curves tell."""
    if training.get("epochs") is not None:
        return ""
    return " ".join(filter(None, (_convergence(training), _calibration(training))))


def ended_early(training: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Of a network with fewer epochs than its settings asked for: after how many it ended, and why; '' of any other run."""
    done, asked = training.get("epochs"), settings.get("epochs")
    if not done or not asked or done >= asked:
        return ""
    return f"It ended after {done} of {asked} epochs, {'on request' if training.get('finished_on_request') else 'out of patience'}."


def _convergence(training: Mapping[str, Any]) -> str:
    converged, iterations = training.get("converged"), training.get("iterations")
    if converged is None:
        return "Fitted in one go: there is nothing that could fail to converge."
    if converged:
        return f"Converged after {iterations:,} step{'s' * (iterations != 1)}."
    return f"Did not converge within {iterations:,} step{'s' * (iterations != 1)}: its figures could change with more."


def _calibration(training: Mapping[str, Any]) -> str:
    calibrated = training.get("calibrated")
    if calibrated is None:  # a run of an earlier version
        return ""
    if not calibrated:
        return f"Its probabilities are not calibrated. {training['calibration_note']}"
    way = "shrunk" if training["temperature"] > 1 else "stretched"
    return (
        f"Its scores were {way} by a temperature of {training['temperature']:.3g}, from {training['calibration_by']} held out in "
        f"{training['calibration_folds']} turns."
    )
