"""What to draw: how many cells of how many patients, how hard to tell apart, how large."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from allcore.base.errors import BadInput

# Field -> (lowest, highest, whole number)
RANGES: dict[str, tuple[float, float, bool]] = {
    "images": (8, 20_000, True),
    "patients": (2, 500, True),
    "difficulty": (0.0, 1.0, False),
    "habits": (0.0, 1.0, False),
    "size": (32, 450, True),
    "seed": (0, 2**32 - 1, True),
    "leukemia_share": (0.05, 0.95, False),
}
CNMC = "cnmc"
CNMC_IMAGES, CNMC_PATIENTS = 15_114, 118
"""Of C-NMC 2019: 73 subjects in training, 28 in the preliminary and 17 in the final phase."""


@dataclass(frozen=True)
class PhantomSpec:
    """The settings of a set of drawn cells; equal settings give equal images.

    images: how many cells, 8 to 20,000.
    patients: how many patients they come from, 2 to 500 and at most `images`.
    difficulty: 0 (classes far apart) to 1 (no morphological difference between them).
    habits: share of the variance of stain, light, size and texture that belongs to the patient and not to the single cell, 0 to 1.
    size: pixels a side, 32 to 450.
    seed: 0 to 2**32 - 1.
    leukemia_share: share of the images that are leukemic, 0.05 to 0.95 (C-NMC 2019: 8,491 of 12,528). A twin's is as it is.
    like: 'cnmc' for a twin of C-NMC 2019 in names, phases, folds, classes and subjects (`twin` makes its settings); '' for none.

    Raises BadInput, naming the field and its range, where a value is out of it.
    """

    images: int = 1000
    patients: int = 40
    difficulty: float = 0.3
    habits: float = 0.5
    size: int = 70
    seed: int = 0
    leukemia_share: float = 0.68
    like: str = ""

    def __post_init__(self) -> None:
        for field, (lowest, highest, whole) in RANGES.items():
            _check(field, getattr(self, field), lowest, highest, whole)
        if self.patients > self.images:
            raise BadInput(
                f"The synthetic set's 'patients' is {self.patients}, which is more than its {self.images} 'images'.",
                f"Each patient needs at least one image: give 2 to {min(self.images, 500)} patients.",
            )
        if self.like not in ("", CNMC):
            raise BadInput(f"There is no set '{self.like}' to draw a twin of.", f"Choose '{CNMC}', or leave it out.")
        if self.like and (self.images, self.patients) != (CNMC_IMAGES, CNMC_PATIENTS):
            raise BadInput(
                f"A twin of C-NMC has its {CNMC_IMAGES:,} images of {CNMC_PATIENTS} patients, not {self.images:,} of {self.patients}.",
                "Leave out 'images' and 'patients', or 'like'.",
            )


def twin(**settings: Any) -> PhantomSpec:
    """Settings of a twin of C-NMC 2019; `settings` are those of PhantomSpec but for images, patients and leukemia_share."""
    return PhantomSpec(images=CNMC_IMAGES, patients=CNMC_PATIENTS, like=CNMC, **settings)


def _check(field: str, value: object, lowest: float, highest: float, whole: bool) -> None:
    kind = "a whole number" if whole else "a number"
    allowed = f"Give {kind} from {lowest:,g} to {highest:,g}." if field != "seed" else f"Give {kind} from 0 to {highest}."
    number = isinstance(value, int) or (not whole and isinstance(value, float) and math.isfinite(value))
    if isinstance(value, bool) or not number:
        raise BadInput(f"The synthetic set's '{field}' is {value!r}, which is not {kind}.", allowed)
    if not lowest <= value <= highest:
        raise BadInput(f"The synthetic set's '{field}' is {value!r}, which is out of range.", allowed)
