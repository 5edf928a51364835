"""Which pictures show the same thing, turned, mirrored, cropped by a little or encoded anew.

Three steps, each cheaper a picture and dearer a pair than the one before, on the 70-pixel cache:

1. *Describe*: the picture's texture (a band of spatial frequencies, within its cell where it is one on black) on rings around the
   centre, Fourier-transformed along each ring. A turn shifts a ring, a mirror image reverses it: the magnitudes stay as they are.
   The nearest pictures by these magnitudes are candidates.
2. *Turn*: circular correlation along the rings, as they are and mirrored, gives the best turn and how like the rings then are.
3. *Register*: from there, turn, scale and shift are fitted to the pictures themselves (least squares); the correlation of
   the two textures where they overlap decides. Where one lies on the other but for quarter turns and mirroring, so does their difference.

Source: Reddy & Chatterji (1996), IEEE Trans. Image Processing 5:1266 (turn and scale by Fourier magnitudes).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from allcore.checks.pictures import LUMA, foreground, interior

FINE, COARSE = 1.0, 4.0
"""Standard deviations of the two Gaussians, in pixels, whose difference is the band."""
RINGS = np.arange(2.0, 33.5, 1.0)
"""Radii in pixels of the 70-pixel frame; the corners, which a turn loses, are left out."""
ANGLES, HARMONICS, DESCRIBED = 96, 32, 14
COMPONENTS, NEIGHBOURS = 64, 16
ALIKE = 0.75
"""Correlation of the rings from which on a pair is registered."""
SAME, SAME_IN_PLACE = 0.9, 0.85
"""Correlation of the registered textures from which on two pictures are called the same; the second where one lies on the other
without more than quarter turns and mirroring, which different pictures hardly ever do."""
ON_ONE_ANOTHER = ((3.0, ALIKE), (6.0, 0.86))
"""Where one picture lies on the other but for quarter turns and mirroring: grey levels, root mean square within the cells, up to which they
are the same, each with the least correlation of textures. Saved anew as WebP 90 at 70 pixels they differ by 2.6 at most, as JPEG 75 by 5.7;
different drawn cells at 70 pixels by 8 and more, simple ones at 32 by 4, their textures correlating by 0.8."""
OVERLAP = 0.85
"""Share of what is known of either picture that is known of both: the outlines of two cells must agree as well."""
FURTHEST, SCALES = 3.0, (0.93, 1.07)
"""Largest shift in pixels, and range of the scale, of a registration that counts."""
FAINTEST = 0.5
"""Standard deviation of the texture, in grey levels, below which a picture is too empty to be compared."""
_CHUNK = 512


@dataclass(frozen=True)
class Pair:
    """Two rows of the records, the first below the second, whose pictures are the same; `likeness`: correlation of their textures."""

    one: int
    other: int
    likeness: float


@dataclass(frozen=True)
class Rings:
    """Pictures on rings around their centres."""

    spectra: np.ndarray
    """complex64 (n, rings, HARMONICS): Fourier coefficients along each ring; each picture has norm 1 (or 0, if too empty)."""
    vectors: np.ndarray
    """float32 (n, d): what neighbours are looked for by."""
    usable: np.ndarray
    """bool (n,): whether there is texture enough."""


def same_pictures(
    pixels: np.ndarray, *, apart: np.ndarray | None = None, tick: Callable[[float, str], None] = lambda share, doing: None
) -> tuple[tuple[Pair, ...], np.ndarray]:
    """Every pair of rows found to show the same picture; and which rows, bool (n,), have texture enough to be compared at all.

    `pixels` uint8 (n, side, side, 3). Rows with the same number in `apart` (n,) are known to be the same and only the first of them is
    compared. `tick` is called with the share done and what is being done.
    """
    rows = np.arange(len(pixels)) if apart is None else np.sort(np.unique(apart, return_index=True)[1])
    chosen = pixels if len(rows) == len(pixels) else pixels[rows]
    found = rings(chosen, tick=lambda share: tick(0.5 * share, "Describing pictures"))
    pairs = candidates(found)
    tick(0.6, "Comparing pictures")
    alike, turn, mirrored = turned(found, pairs)
    worth = np.flatnonzero(alike >= ALIKE)
    same = []
    for done, at in enumerate(worth):
        one, other = pairs[at]
        two = np.asarray(chosen[[one, other]])
        bands, weights = texture(two)
        likeness, in_place = registered((bands[0], weights[0]), (bands[1], weights[1]), turn=turn[at], mirrored=mirrored[at])
        if likeness >= (SAME_IN_PLACE if in_place else SAME) or saved_anew(two, likeness):
            same.append(Pair(int(rows[one]), int(rows[other]), round(min(likeness, 1.0), 4)))
        if done % 20 == 0:
            tick(0.7 + 0.3 * done / len(worth), f"Laying pictures over each other: {done:,} of {len(worth):,} pairs")
    usable = np.ones(len(pixels), bool)
    usable[rows] = found.usable
    return tuple(same), usable


def texture(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The band of frequencies that pictures are compared by, and how surely it is known.

    `pictures` uint8 (n, side, side, 3); gives float32 (n, side, side) in grey levels, 0 where unknown, and weights float32
    (n, side, side) from 0 to 1. Grey is luma, which JPEG keeps best. The blurs are normalised by what they cover and the weight falls to 0
    at the edge of a cell on black, so that an outline is no texture; such a cell is moved to the middle of its frame.
    """
    from scipy.ndimage import gaussian_filter

    cell = foreground(pictures)
    grey = pictures.astype(np.float32) @ LUMA
    weight = interior(cell)

    def blurred(sigma: float) -> np.ndarray:
        over = gaussian_filter(weight, (0, sigma, sigma), mode="constant", truncate=3.0)
        return gaussian_filter(grey * weight, (0, sigma, sigma), mode="constant", truncate=3.0) / np.maximum(over, 1e-3)

    band = (blurred(FINE) - blurred(COARSE)) * weight
    return _centred(band, cell), np.clip(_centred(weight, cell), 0, 1)


def _centred(planes: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Each plane (n, side, side) moved so that the centre of its cell is that of the frame; unmoved where the cell fills the frame."""
    side = planes.shape[1]
    middle = (side - 1) / 2
    axis = np.arange(side, dtype=np.float32)
    area = np.maximum(cells.sum((1, 2)), 1)
    down = middle - cells.sum(2) @ axis / area
    right = middle - cells.sum(1) @ axis / area
    moved = (area < 0.75 * side * side)[:, None, None]
    phase = np.exp(-2j * np.pi * (np.fft.fftfreq(side)[None, :, None] * down[:, None, None] + np.fft.rfftfreq(side) * right[:, None, None]))
    return np.where(moved, np.fft.irfft2(np.fft.rfft2(planes) * phase, s=(side, side)), planes).astype(np.float32)


def rings(pixels: np.ndarray, *, tick: Callable[[float], None] = lambda share: None) -> Rings:
    """`pixels` uint8 (n, side, side, 3). `tick` is called with the share done."""
    from sklearn.decomposition import PCA

    count, side = len(pixels), pixels.shape[1]
    spectra = np.empty((count, len(RINGS), HARMONICS), np.complex64)
    usable = np.empty(count, bool)
    sampler = _sampler(side)
    weight = np.sqrt(RINGS)[:, None].astype(np.float32)  # a ring stands for the area that it sweeps
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        band, known = texture(np.asarray(pixels[part]))
        spread = np.sqrt((band**2).sum((1, 2)) / np.maximum(known.sum((1, 2)), 1))
        usable[part] = (spread > FAINTEST) & (known.mean((1, 2)) > 0.01)
        polar = (sampler @ band.reshape(len(band), -1).T).T.reshape(len(band), len(RINGS), ANGLES)
        found = np.fft.rfft(polar, axis=2)[..., :HARMONICS] * weight
        found[..., 0] /= np.sqrt(2)  # a real signal's other coefficients stand for two
        norm = np.sqrt((np.abs(found) ** 2).sum((1, 2), keepdims=True))
        spectra[part] = np.where(usable[part][:, None, None], found / np.maximum(norm, 1e-9), 0)
        tick(min(1.0, (start + _CHUNK) / count))
    magnitudes = np.abs(spectra[..., :DESCRIBED])
    magnitudes = (magnitudes[:, 0::2] + magnitudes[:, 1::2]).reshape(count, -1)
    components = min(COMPONENTS, count - 1, magnitudes.shape[1])
    vectors = PCA(components, svd_solver="randomized", random_state=0).fit_transform(magnitudes) if components else magnitudes
    return Rings(spectra, vectors.astype(np.float32), usable)


def candidates(found: Rings) -> np.ndarray:
    """Pairs of rows, int (m, 2), first below second: each usable picture with its nearest ones."""
    from sklearn.neighbors import NearestNeighbors

    rows = np.flatnonzero(found.usable)
    if len(rows) < 2:
        return np.empty((0, 2), int)
    nearest = min(NEIGHBOURS + 1, len(rows))
    near = (
        NearestNeighbors(n_neighbors=nearest, algorithm="brute")
        .fit(found.vectors[rows])
        .kneighbors(return_distance=False, n_neighbors=nearest - 1)
    )
    pairs = np.stack([np.repeat(rows, nearest - 1), rows[near.ravel()]], axis=1)
    return np.unique(np.sort(pairs, axis=1), axis=0)


def turned(found: Rings, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pair the best correlation of the rings (float), the turn that gives it in radians, and whether it is a mirror image."""
    best, turn, mirrored = (np.empty(len(pairs), kind) for kind in (np.float32, np.float32, bool))
    for start in range(0, len(pairs), _CHUNK):
        part = slice(start, start + _CHUNK)
        one, other = (found.spectra[pairs[part, side]] for side in (0, 1))
        tries = []
        for against in (other, other.conj()):
            cross = np.zeros((len(one), ANGLES // 2 + 1), np.complex64)
            cross[:, :HARMONICS] = np.einsum("prk,prk->pk", one.conj(), against)
            cross[:, 0] *= 2
            tries.append(np.fft.irfft(cross, n=ANGLES, axis=1) * ANGLES / 2)
        scores = np.stack(tries, axis=1)
        place = scores.reshape(len(one), -1).argmax(axis=1)
        best[part] = scores.reshape(len(one), -1)[np.arange(len(one)), place]
        mirrored[part] = place >= ANGLES
        turn[part] = (place % ANGLES) * 2 * np.pi / ANGLES
    return best, turn, mirrored


def registered(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray], *, turn: float, mirrored: bool
) -> tuple[float, bool]:
    """Correlation of two pictures' textures (as `texture` gives them, one picture each) after the best turn, scale and shift near `turn`;
    and whether that is a quarter turn (or none) without scale and shift.

    0 where shift or scale is out of range, or the outlines do not agree.
    """
    from scipy.ndimage import map_coordinates
    from scipy.optimize import least_squares

    (a, weight_a), (b, weight_b) = one, other
    if mirrored:
        b, weight_b = b[::-1], weight_b[::-1]
    side = a.shape[0]
    centre = (side - 1) / 2
    grid = np.stack(np.mgrid[:side, :side].astype(float)) - centre
    fits = (weight_a > 0.1) & (np.hypot(*grid) <= RINGS[-1])
    y, x = grid[:, fits]
    mine = a[fits] / max(float(a[fits].std()), 1e-6)
    theirs = b / max(float(b[weight_b > 0.1].std()), 1e-6)
    slopes = np.gradient(theirs)

    def read(plane: np.ndarray, at: np.ndarray) -> np.ndarray:
        return map_coordinates(plane, at, output=np.float64, order=1, mode="constant")

    def turned_scaled(parameters: np.ndarray) -> np.ndarray:
        cosine, sine = np.exp(parameters[1]) * np.cos(parameters[0]), np.exp(parameters[1]) * np.sin(parameters[0])
        return np.stack([sine * x + cosine * y, cosine * x - sine * y])

    def placed(parameters: np.ndarray) -> np.ndarray:
        return turned_scaled(parameters) + parameters[2:, None] + centre

    def misfit(parameters: np.ndarray) -> np.ndarray:
        return read(theirs, placed(parameters)) - mine

    def jacobian(parameters: np.ndarray) -> np.ndarray:
        down, right = (read(plane, placed(parameters)) for plane in slopes)
        v, u = turned_scaled(parameters)
        return np.stack([down * u - right * v, down * v + right * u, down, right], axis=1)

    fit = least_squares(misfit, [turn, 0.0, 0.0, 0.0], jac=jacobian, method="lm", x_scale=[0.03, 0.03, 1.0, 1.0], max_nfev=20)
    angle, scale, down, right = fit.x
    if not (np.hypot(down, right) <= FURTHEST and SCALES[0] <= np.exp(scale) <= SCALES[1]):
        return 0.0, False
    at = placed(fit.x)
    both = read(weight_b, at) > 0.1
    y, x = grid[:, np.hypot(*grid) <= RINGS[-1]]
    either = (read(weight_b, placed(fit.x)) > 0.1).sum() + fits.sum() - both.sum()
    if both.sum() < OVERLAP * either:
        return 0.0, False
    from_quarter = abs((angle + np.pi / 4) % (np.pi / 2) - np.pi / 4)
    in_place = from_quarter < 0.03 and abs(scale) < 0.01 and np.hypot(down, right) < 0.5
    return float(np.corrcoef(mine[both], read(theirs, at)[both])[0, 1]), bool(in_place)


def saved_anew(two: np.ndarray, likeness: float) -> bool:
    """Whether two pictures, uint8 (2, side, side, 3), whose textures correlate so, are the same but for a lossy format's finest texture."""
    apart = laid_over(two)
    return any(apart <= most and likeness >= least for most, least in ON_ONE_ANOTHER)


def laid_over(two: np.ndarray) -> float:
    """How far two pictures, uint8 (2, side, side, 3), are from each other in the best of the eight ways to lay one on the other by quarter
    turns and mirroring: root mean square in grey levels, where either shows a cell. Infinite where neither does.

    A lossy format takes the finest texture, by which `registered` judges, before anything else.
    """
    grey, cell = two.astype(np.float32) @ LUMA, foreground(two)
    apart = float("inf")
    for mirrored in (False, True):
        for quarter in range(4):
            other, shown = (np.rot90(plane[::-1] if mirrored else plane, quarter) for plane in (grey[1], cell[1]))
            either = cell[0] | shown
            if either.any():
                apart = min(apart, float(np.sqrt(((grey[0] - other)[either] ** 2).mean())))
    return apart


@lru_cache(maxsize=2)
def _sampler(side: int) -> Any:
    """Sparse matrix (rings * ANGLES, side * side) that reads a picture on the rings, between pixels linearly."""
    from scipy.sparse import csr_array

    angle = np.arange(ANGLES) * 2 * np.pi / ANGLES
    scale = side / 70
    y = (RINGS[:, None] * scale * np.sin(angle) + (side - 1) / 2).ravel()
    x = (RINGS[:, None] * scale * np.cos(angle) + (side - 1) / 2).ravel()
    row, column = np.floor(y).astype(int), np.floor(x).astype(int)
    entries: list[tuple[np.ndarray, np.ndarray]] = []
    for down in (0, 1):
        for right in (0, 1):
            share = np.abs(1 - down - (y - row)) * np.abs(1 - right - (x - column))
            entries.append((share, (row + down) * side + column + right))
    values, places = (np.concatenate([entry[which] for entry in entries]) for which in (0, 1))
    return csr_array((values.astype(np.float32), (np.tile(np.arange(len(y)), 4), places)), shape=(len(y), side * side))
