"""The four ways to train a classical classifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from allcore.models import features, presets
from allcore.models.spec import Preset

PAPER_FEATURES = (
    "The paper names no features ('hand-crafted or extracted'): pixels in its preset, measures of shape, colour and texture elsewhere; "
    "principal components can be chosen."
)


_UNLIKE_THE_PAPER = "72 measures of each cell; calibrated"


def classical(*, paper: Mapping[str, Any], lesson: Mapping[str, Any], lesson_changes: str = "") -> tuple[Preset, ...]:
    """`paper` and `lesson` add to what all classifiers share: pixels as they are, uncalibrated, in the paper's preset."""
    made = presets.presets(
        paper={"features": features.PIXELS, "calibrate": False, **paper},
        tuned={"features": features.CELL},
        lesson={"features": features.CELL, **lesson},
        lesson_changes=f"{lesson_changes}{_UNLIKE_THE_PAPER}; split by patient.",
    )
    return tuple(
        replace(preset, changes=f"{preset.changes.rstrip('.')}; {_UNLIKE_THE_PAPER}.")
        if preset.id in (presets.PATIENT, presets.OFFICIAL)
        else preset
        for preset in made
    )
