"""What an uploaded picture shows: a segmented cell on black, a single cell on a stained background, or a field of a smear."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from allcore.inference import fields
from allcore.inference.fields import Field, FieldCell
from allcore.models.cell_features import BLACK, brightest, faintest

CELL, STAINED, FIELD = "cell", "stained", "field"
KINDS = {
    CELL: "a cell on black",
    STAINED: "a single cell, stained",
    FIELD: "a field of a smear",
}
AUTO = "auto"
Kind = Literal["auto", "cell", "stained", "field"]
"""What a person may say."""
ON_BLACK = "What surrounds the cell is black."
BLACK_RIM = 0.8
"""Share of the border that is black around a segmented cell."""
BRIGHT = 170
"""Darkest channel from which a pixel is glass, not cell: a microscope's round view on black is full of it."""
MOST_GLASS = 0.25
SMALLEST_FIELD = 128
"""Pictures with a shorter side show one cell: in a field a cell would be a few pixels."""
SQUARE = 1.25
"""Longer by shorter side up to which a picture may be a crop about one cell."""
CENTRED = 0.15
"""How far from the picture's middle the only cell of a crop lies, in its sides."""
SMALL = 1 / 3
"""Share of the largest cell's area up to which another is left out when a crop is looked for."""
LEAST_SHARE, MOST_FIELD_SHARE = 0.012, 0.35
"""Share of the picture: the least of a crop's cell; from the other on a lone cell makes any picture a crop."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture's kind, why it is taken for that, and, unless it is a cell on black, the white cells that were found."""

    kind: str
    reason: str
    field: Field | None


def of(pixels: np.ndarray) -> Seen:
    """The kind of a uint8 RGB picture (height, width, 3). Raises BadInput where it holds far too many cells to be one of these."""
    if on_black(pixels):
        return Seen(CELL, ON_BLACK, None)
    height, width = pixels.shape[:2]
    field = fields.search(pixels)
    cell = _alone(field) if squarish(width, height) else None
    if cell is not None:
        return Seen(STAINED, "One whole white cell stands in the middle of a square picture, as in a crop.", replace(field, cells=(cell,)))
    if min(width, height) < SMALLEST_FIELD and squarish(width, height):
        reason = f"A picture of {width} x {height} pixels is too small for a field, and no white cell stands out in its middle."
        return Seen(STAINED, reason, replace(field, cells=()))
    if not field.cells:
        return Seen(FIELD, "No white cell was found in it, and it is not black around.", field)
    if len(field.cells) > 1:
        return Seen(FIELD, f"{len(field.cells)} white cells were found in it.", field)
    if field.cells[0].area >= MOST_FIELD_SHARE * width * height:
        return Seen(STAINED, "One white cell fills most of it.", field)
    return Seen(FIELD, "One white cell was found, and the picture is not centred on it.", field)


def _alone(field: Field) -> FieldCell | None:
    """The cell that a crop was cut about: the only whole one, but for platelets, and in the middle. A crop's neighbours are cut."""
    largest = max((cell.area for cell in field.cells), default=0)
    whole = [cell for cell in field.cells if not cell.at_border and cell.area >= SMALL * largest]
    if len(field.cells) != 1 and len(whole) != 1:
        return None
    cell = (whole or field.cells)[0]
    left, top, right, bottom = cell.box
    off = max(abs((left + right) / 2 / field.width - 0.5), abs((top + bottom) / 2 / field.height - 0.5))
    return cell if off <= CENTRED and cell.area >= LEAST_SHARE * field.width * field.height else None


def on_black(pixels: np.ndarray) -> bool:
    """Whether a picture shows something cut out on black, as C-NMC's cells are: black along the border, and no bright glass within."""
    rim = np.concatenate((pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]))
    if np.count_nonzero(brightest(rim) <= BLACK) < BLACK_RIM * len(rim):
        return False  # nearly all pictures of other kinds, without a look at their millions of pixels
    # A third of the bright values is the most that can be glass, a third of the lit ones the least that is lit: mostly that settles it.
    if np.count_nonzero(pixels >= BRIGHT) < MOST_GLASS * np.count_nonzero(pixels > BLACK):
        return True
    lit = np.count_nonzero(brightest(pixels) > BLACK)
    return lit > 0 and np.count_nonzero(faintest(pixels) >= BRIGHT) <= MOST_GLASS * lit


def squarish(width: int, height: int) -> bool:
    """Whether a picture may be a crop about one cell."""
    return max(width, height) <= SQUARE * min(width, height)
