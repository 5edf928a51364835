"""The ways to train that every model offers; a model adds the settings that suit it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allcore.data.splits import SplitSpec
from allcore.models.spec import Preset

FIRST_LESSON, PATIENT, OFFICIAL, PAPER = "first-lesson", "patient", "official", "paper"
DEFAULT = PATIENT


def presets(
    *,
    paper: Mapping[str, Any],
    tuned: Mapping[str, Any],
    lesson: Mapping[str, Any],
    lesson_changes: str = "",
) -> tuple[Preset, ...]:
    """The four presets: `paper` holds the settings of the paper's protocol, `tuned` those that may choose on the tune side."""
    picks = tuned.get("keep") == "best"
    chosen = "; the best epoch is chosen on further patients (the tune side)." if picks else "."
    keeps = "; keeps the epoch with the lowest loss on the tune side." if picks else "."
    return (
        Preset(
            FIRST_LESSON,
            "First lesson",
            "Learns enough on the demo cells to be worth looking at, in under two minutes on an ordinary processor.",
            # A third of the patients, so that both classes have the five that an interval needs; nothing is calibrated here.
            SplitSpec("patient", test=1 / 3, calibrate=0.0),
            lesson,
            lesson_changes,
        ),
        Preset(
            PATIENT,
            "Patient level",
            f"Tested on patients that training never saw{chosen}",
            SplitSpec("patient"),
            tuned,
            f"Splits by patient, not by image{keeps}",
        ),
        Preset(
            OFFICIAL,
            "Official",
            "C-NMC's own challenge: trained on its training subjects, tested on those of the preliminary phase.",
            SplitSpec("official"),
            tuned,
            f"Splits as the challenge did{keeps}",
        ),
        Preset(
            PAPER,
            "Paper protocol",
            "As Rezayi et al. 2021 did it: by image, 80 / 20, not stratified, nothing held back to choose on. Its figures flatter.",
            SplitSpec("image", tune=0.0, calibrate=0.0, stratified=False),
            paper,
        ),
    )
