"""What of an uploaded picture a model is shown: the picture as it is, or its white cells, cut out and placed as the training cells are."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from allcore.base.errors import BadInput
from allcore.data import images
from allcore.data.images import Prepared
from allcore.inference import fields, kinds, placing
from allcore.inference.fields import Field, FieldCell
from allcore.inference.kinds import AUTO, CELL, FIELD, STAINED

SAID = "As was said."
AS_TRAINED = "It is looked at as it is: this model learned from pictures that were not cut out either."


@dataclass(frozen=True, eq=False)
class Cut:
    """One cell of a picture. shown: uint8 (size, size, 3), what a model sees of it. scale: how its frame was chosen, in words."""

    cell: FieldCell
    shown: np.ndarray
    scale: str


@dataclass(frozen=True, eq=False)
class Look:
    """What a picture is, why it is taken for that, and its white cells; `field` is None where the picture is judged as it is."""

    kind: str
    reason: str
    field: Field | None = None
    cuts: tuple[Cut, ...] = ()


def looked(content: bytes, prepared: Prepared, *, ground: str = placing.BLACK, kind: str = AUTO) -> Look:
    """Of a picture's bytes and the same prepared. A cell on black costs no more than a look at its rim.

    `ground`: how the model's training cells stand, by `placing.ground`. `kind`: what a person says that it is, or AUTO.

    Raises Unreadable, and BadInput where a person says that there is a cell and none is found, or where there are far too many.
    """
    if kind == CELL:
        return Look(CELL, SAID)
    if kind == AUTO and kinds.on_black(_without_bands(prepared)):
        return Look(CELL, kinds.ON_BLACK)
    if kind == AUTO and ground != placing.BLACK and (ground == placing.FIELDS or kinds.squarish(prepared.width, prepared.height)):
        return Look(FIELD if ground == placing.FIELDS else STAINED, AS_TRAINED)
    pixels = images.decoded(content).pixels if prepared.whole is None else np.asarray(prepared.whole)
    if kind != AUTO:
        return searched(pixels, fields.search(pixels), len(prepared.pixels), ground=ground, kind=kind)
    seen = kinds.of(pixels)
    if seen.field is None or (seen.kind == STAINED and not seen.field.cells):
        return Look(seen.kind, seen.reason)  # nothing to cut out: it stands for itself, and the guard decides
    found = searched(pixels, seen.field, len(prepared.pixels), ground=ground, kind=seen.kind)
    return Look(seen.kind, seen.reason, found.field, found.cuts)


def searched(pixels: np.ndarray, field: Field, size: int, *, ground: str, kind: str = FIELD) -> Look:
    """A field's cells, or of a single cell's picture the middle one, cut out of uint8 RGB (height, width, 3) for a model of that `size`.

    Raises BadInput where there is to be a single cell, and there is none.
    """
    if kind == STAINED:
        field = fields.central(field)
        if not field.cells:
            raise BadInput("No white cell was found in it.", "Send the cell cut out on black, or say that the picture is of kind 'cell'.")
    placed = [placing.placed(pixels, field, cell, ground=ground) for cell in field.cells]
    cuts = (Cut(cell, images.resized(one.pixels, size), one.scale) for cell, one in zip(field.cells, placed, strict=True))
    return Look(kind, SAID, field, tuple(cuts))


def file_of(pixels: np.ndarray, field: Field, cell: FieldCell, *, ground: str) -> bytes:
    """One cell of a picture, placed at the picture's own resolution, as a PNG file."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(placing.placed(pixels, field, cell, ground=ground).pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _without_bands(prepared: Prepared) -> np.ndarray:
    """The prepared picture less the black bands that made it square."""
    if prepared.width == prepared.height:
        return prepared.pixels
    size, longer = len(prepared.pixels), max(prepared.width, prepared.height)
    bands = (int(np.ceil(size * (1 - side / longer) / 2)) for side in (prepared.width, prepared.height))
    left, top = (min(band, (size - 1) // 2) for band in bands)  # of a strip one line is left at least
    return prepared.pixels[top : size - top or None, left : size - left or None]
