"""Where the white cells of a stained picture are, and their outlines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allcore.inference.stains import Stains

# Lengths are in radii of a red cell, areas in areas of a red cell.
LEAST_NUCLEUS = 0.42
"""Platelets reach about a fifth."""
GAP = 0.7
"""Lobes of a nucleus that are no farther apart are of one cell."""
CORE = 1.0
"""Inscribed radius from which a part of a nucleus can be the whole nucleus of a cell of its own."""
NECK = 0.8
"""Two parts belong to two cells where the neck between them is narrower than this share of the smaller one's radius."""
ONE_BODY = 0.95
"""Share of the convex hull of a nucleus's parts from which what is purple makes them parts of one cell."""
REACH = 0.9
"""How far the cytoplasm reaches from the nucleus, in radii of a disc of the nucleus's area."""
TAIL = 0.12
"""Radius of the disc that what is cytoplasm must hold: rims of red cells are thinner."""
SMOOTH = 0.1
"""Standard deviation by which an outline is smoothed, in radii of a disc of the cell's area."""
EDGE = 2.0
"""How far a blurred edge reaches, in standard deviations of the blur."""
LEAST_OF_BOX = 0.08
"""Share of a box, drawn by a person, that a cell in it takes."""
SELF_MEASURED = 0.002
"""Least share of the picture of a nucleus that serves as ruler where there are no red cells."""
NUCLEUS_TO_RED = 1.1
"""Radius of such a nucleus, in radii of a red cell."""


@dataclass(frozen=True, eq=False)
class Outline:
    """A white cell's outline.

    box: left, top, right, bottom in pixels of the picture, right and bottom just outside. mask: bool (bottom - top, right - left).
    """

    box: tuple[int, int, int, int]
    mask: np.ndarray

    @property
    def area(self) -> int:
        """In pixels."""
        return int(self.mask.sum())


def find(seen: Stains) -> list[Outline]:
    """Every white cell, from the top down. A picture without any gives none."""
    nuclear = seen.purple > seen.nucleus
    radius = seen.red_radius or _own_ruler(nuclear)
    if radius is None:
        return []
    nuclei = _nuclei(seen, nuclear, radius)
    return _cells(seen, nuclei, radius) if nuclei.any() else []


def _own_ruler(nuclear: np.ndarray) -> float | None:
    """A red cell's radius, guessed from the largest nucleus."""
    from scipy import ndimage

    parts, _ = ndimage.label(nuclear)
    largest = np.bincount(parts.ravel())[1:].max(initial=0)
    return float(np.sqrt(largest / np.pi)) / NUCLEUS_TO_RED if largest >= SELF_MEASURED * nuclear.size else None


def _nuclei(seen: Stains, nuclear: np.ndarray, radius: float) -> np.ndarray:
    """Each nucleus, lobes and all, with a number of its own from 1, int (height, width)."""
    from scipy import ndimage

    away = ndimage.distance_transform_edt(~nuclear)
    groups, count = ndimage.label(away <= GAP * radius / 2)
    areas = np.bincount(groups[nuclear], minlength=count + 1)
    numbered, last = np.zeros(nuclear.shape, np.int32), 0
    for group, where in enumerate(ndimage.find_objects(groups), 1):
        if areas[group] >= LEAST_NUCLEUS * np.pi * radius**2:
            own = nuclear[where] & (groups[where] == group)
            parts = _parted(own, radius)
            if parts.max() > 1 and _filled(own, seen.purple[where] > seen.cytoplasm):
                parts = own.astype(np.int32)
            numbered[where][own] = parts[own] + last
            last += int(parts.max())
    return numbered


def _filled(nucleus: np.ndarray, body: np.ndarray) -> bool:
    """Whether the parts of a nucleus lie in one rounded body of cytoplasm. Between two cells that touch there are dents."""
    from scipy import ndimage
    from skimage.morphology import convex_hull_image

    return bool(ndimage.binary_fill_holes(body | nucleus)[convex_hull_image(nucleus)].mean() >= ONE_BODY)


def _parted(nucleus: np.ndarray, radius: float) -> np.ndarray:
    """A nucleus, or several that touch, as numbers from 1 in its pixels: as many as there are cores with necks between them."""
    from scipy import ndimage
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    solid = np.pad(ndimage.binary_fill_holes(nucleus), 1)
    depth = ndimage.distance_transform_edt(solid)[1:-1, 1:-1]
    peaks = peak_local_max(depth, min_distance=max(1, round(CORE * radius)), threshold_abs=CORE * radius, exclude_border=False)
    cores: list[tuple[int, int]] = []
    for row, column in peaks:  # the deepest first
        parts, _ = ndimage.label(depth > NECK * depth[row, column])
        if all(parts[core] != parts[row, column] for core in cores):
            cores.append((row, column))
    if len(cores) < 2:
        return nucleus.astype(np.int32)
    marks = np.zeros(nucleus.shape, np.int32)
    for number, core in enumerate(cores, 1):
        marks[core] = number
    parted = watershed(-depth, marks, mask=depth > 0)
    nearest = ndimage.distance_transform_edt(parted == 0, return_distances=False, return_indices=True)
    return parted[tuple(nearest)]  # a lobe without a core goes to the part next to it


def _cells(seen: Stains, nuclei: np.ndarray, radius: float) -> list[Outline]:
    """The cells around nuclei: what is purple enough, as far as cytoplasm reaches, without the rims of red cells."""
    from scipy import ndimage
    from skimage.morphology import isotropic_opening
    from skimage.segmentation import watershed

    away, indices = ndimage.distance_transform_edt(nuclei == 0, return_indices=True)
    reach = REACH * np.sqrt(np.bincount(nuclei.ravel()) / np.pi)
    body = (seen.purple > seen.cytoplasm) & (away <= reach[nuclei[tuple(indices)]])
    body = isotropic_opening(body, TAIL * radius) | (nuclei > 0)
    numbered = watershed(away, nuclei, mask=body)
    found = []
    for number, where in enumerate(ndimage.find_objects(numbered), 1):
        mask = _tight(_smoothed(numbered[where] == number), seen, where)
        if mask.sum() >= LEAST_NUCLEUS * np.pi * radius**2:
            found.append(outlined(mask, where[1].start, where[0].start))
    return sorted(found, key=lambda one: (one.box[1], one.box[0]))


def within(seen: Stains, box: tuple[int, int, int, int], taken: np.ndarray) -> Outline | None:
    """The cell in a box (left, top, right, bottom), which a person drew; None where nothing in it is stained as a white cell is.

    `taken`, bool (height, width): what belongs to other cells.
    """
    from skimage.morphology import isotropic_opening

    left, top, right, bottom = box
    where = slice(top, bottom), slice(left, right)
    body = isotropic_opening((seen.purple[where] > seen.cytoplasm) & ~taken[where], 0.02 * min(right - left, bottom - top))
    mask = _tight(_smoothed(body), seen, where) if body.any() else body
    return outlined(mask, left, top) if mask.sum() >= LEAST_OF_BOX * mask.size else None


def _tight(mask: np.ndarray, seen: Stains, where: tuple[slice, slice]) -> np.ndarray:
    """A mask, of the picture's part `where`, less the glass at its rim: pixels not half as purple as what is just within.

    An outline by a fixed level lies outside a dark cell's edge, and brings a bright seam along that no cell cut out by hand has.
    """
    from scipy import ndimage

    reach = EDGE * seen.blur
    rim = mask & (ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] <= reach)
    within = ndimage.maximum_filter(np.where(mask, seen.purple[where], 0), size=2 * round(reach) + 1)
    glass = ndimage.median_filter(seen.sharp[where], size=3) < within / 2
    tight = mask & ~(rim & glass)
    return _whole(tight) if tight.any() else mask


def _smoothed(mask: np.ndarray) -> np.ndarray:
    """The largest connected part, without holes and without a ragged edge; empty where it is too small to be smoothed."""
    from scipy import ndimage

    mask = _whole(mask)
    edge = ndimage.gaussian_filter(mask.astype(np.float32), SMOOTH * np.sqrt(mask.sum() / np.pi), mode="nearest")
    return _whole(edge > 0.5)


def _whole(mask: np.ndarray) -> np.ndarray:
    """The largest connected part, without holes."""
    from scipy import ndimage

    parts, count = ndimage.label(ndimage.binary_fill_holes(mask))
    return parts == 1 + int(np.bincount(parts.ravel())[1:].argmax()) if count else mask


def outlined(mask: np.ndarray, left: int, top: int) -> Outline:
    """A mask whose first pixel is at `left`, `top`, in the smallest box about it."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = (left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)
    return Outline(box, mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
