"""A field of a smear: its white cells, outlined, numbered and counted, and what a person corrects of that."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allcore.base.errors import BadInput
from allcore.inference import limits, segmentation, stains
from allcore.inference.segmentation import Outline

LARGEST_SIDE = 1280
"""Pictures with a longer side are searched at a half, a third, ... of their size."""
CLICKED = 4.0
"""Side of the box about a click in which a cell is looked for, in radii of a red cell."""
CLICKED_ALONE = 0.2
"""The same in shorter sides of the picture, where there are no red cells."""


@dataclass(frozen=True, eq=False)
class FieldCell:
    """A white cell of a field. Numbers stay when others are deleted."""

    number: int
    outline: Outline
    at_border: bool
    """It touches the picture's border, so a part of it may be missing."""
    by_hand: bool = False

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in pixels of the picture, right and bottom just outside."""
        return self.outline.box

    @property
    def area(self) -> int:
        """In pixels."""
        return self.outline.area

    def polygon(self) -> np.ndarray:
        """The outline as points (x, y) in pixels of the picture, float64 (n, 2), the last equal to the first."""
        from skimage.measure import approximate_polygon, find_contours

        line = max(find_contours(np.pad(self.outline.mask, 1).astype(float), 0.5), key=len)
        # Padding put each pixel one further, and a pixel's middle is half a pixel from its edge.
        return approximate_polygon(line, 0.3)[:, ::-1] + np.array(self.box[:2]) - 0.5


@dataclass(frozen=True, eq=False)
class Field:
    """A picture's white cells. `red_radius`: of a red cell, in pixels; None where too few are seen."""

    width: int
    height: int
    cells: tuple[FieldCell, ...]
    red_radius: float | None

    def cell(self, number: int) -> FieldCell:
        """Raises BadInput where there is none of that number."""
        for one in self.cells:
            if one.number == number:
                return one
        raise BadInput(f"There is no cell {number} in this field.", "Choose one of the numbers in the picture.")


def search(pixels: np.ndarray) -> Field:
    """Find the white cells of a uint8 RGB picture (height, width, 3). A field without any has none.

    Raises BadInput where there are more than limits.CELLS, which no smear has.
    """
    small, factor = _small(pixels)
    seen = stains.of(small)
    found = segmentation.find(seen)
    if len(found) > limits.CELLS:
        raise BadInput(
            f"More than {limits.CELLS:,} parts of the picture are stained as white cells are.", "Is it a blood smear? Send a part of it."
        )
    height, width = pixels.shape[:2]
    cells = tuple(_cell(number, _enlarged(one, factor, width, height), width, height) for number, one in enumerate(found, 1))
    return Field(width, height, cells, seen.red_radius and seen.red_radius * factor)


def without(field: Field, number: int) -> Field:
    """The field less one cell. Raises BadInput where it has none of that number."""
    gone = field.cell(number)
    return replace(field, cells=tuple(one for one in field.cells if one is not gone))


def central(field: Field) -> Field:
    """The field with the one cell that lies nearest to the picture's middle; empty where it has none."""

    def away(one: FieldCell) -> float:
        left, top, right, bottom = one.box
        return abs((left + right) / 2 - field.width / 2) + abs((top + bottom) / 2 - field.height / 2)

    nearest = min(field.cells, key=away, default=None)
    return replace(field, cells=() if nearest is None else (replace(nearest, number=1),))


def with_box(field: Field, pixels: np.ndarray, box: tuple[float, float, float, float]) -> Field:
    """The field and the cell in a box (left, top, right, bottom, in pixels of the picture), which gets the next number.

    Raises BadInput where nothing in the box is stained as a white cell is, but for what belongs to other cells.
    """
    more = _with_found(field, pixels, box)
    if more is None:
        raise BadInput("Nothing in this box is stained as a white cell is.", "Draw a box about the whole cell, a little larger than it.")
    return more


def _with_found(field: Field, pixels: np.ndarray, box: tuple[float, float, float, float]) -> Field | None:
    small, factor = _small(pixels)
    edges = np.array([small.shape[1], small.shape[0]] * 2)
    left, top, right, bottom = (int(edge) for edge in np.clip(np.rint(np.array(box) / factor), 0, edges))
    if right - left < 4 or bottom - top < 4:
        raise BadInput("The box is too small to hold a cell, or outside the picture.", "Draw one about the whole cell.")
    found = segmentation.within(stains.of(small), (left, top, right, bottom), _taken(field, small.shape[:2], factor))
    if found is None:
        return None
    number = 1 + max((one.number for one in field.cells), default=0)
    added = _cell(number, _enlarged(found, factor, field.width, field.height), field.width, field.height)
    return replace(field, cells=(*field.cells, replace(added, by_hand=True)))


def with_click(field: Field, pixels: np.ndarray, x: float, y: float) -> Field:
    """The field and the cell about a point (in pixels of the picture), as `with_box` of a box about it.

    Raises BadInput where nothing about it is stained as a white cell is, but for what belongs to other cells.
    """
    side = CLICKED * field.red_radius if field.red_radius else CLICKED_ALONE * min(field.width, field.height)
    more = _with_found(field, pixels, (x - side / 2, y - side / 2, x + side / 2, y + side / 2))
    if more is None:
        raise BadInput(
            "Nothing about this place is stained as a white cell is.", "Click in the middle of the cell, or draw a box about it."
        )
    return more


def at(field: Field, x: float, y: float) -> FieldCell | None:
    """The cell that a point (in pixels of the picture) lies in, None where in none."""
    for one in field.cells:
        left, top, right, bottom = one.box
        if left <= x < right and top <= y < bottom and one.outline.mask[int(y) - top, int(x) - left]:
            return one
    return None


def _small(pixels: np.ndarray) -> tuple[np.ndarray, int]:
    """The picture at the size at which it is searched, and by what it was divided."""
    from PIL import Image

    factor = -(-max(pixels.shape[:2]) // LARGEST_SIDE)
    return (np.asarray(Image.fromarray(pixels).reduce(factor)), factor) if factor > 1 else (pixels, 1)


def _enlarged(outline: Outline, factor: int, width: int, height: int) -> Outline:
    if factor == 1:
        return outline
    left, top = outline.box[0] * factor, outline.box[1] * factor
    mask = np.kron(outline.mask, np.ones((factor, factor), bool))[: height - top, : width - left]  # the last pixel may stand for fewer
    return segmentation.outlined(mask, left, top)


def _cell(number: int, outline: Outline, width: int, height: int) -> FieldCell:
    left, top, right, bottom = outline.box
    return FieldCell(number, outline, left <= 1 or top <= 1 or right >= width - 1 or bottom >= height - 1)


def _taken(field: Field, shape: tuple[int, int], factor: int) -> np.ndarray:
    taken = np.zeros(shape, bool)
    for one in field.cells:
        left, top = one.box[:2]
        mask = one.outline.mask[::factor, ::factor]
        part = taken[top // factor : top // factor + mask.shape[0], left // factor : left // factor + mask.shape[1]]
        part |= mask[: part.shape[0], : part.shape[1]]
    return taken
