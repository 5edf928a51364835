"""The traits of one cell, drawn from its class, its patient and chance.

Lengths are in sides of the frame (1/450 is a pixel of C-NMC's images), optical densities in natural logarithms of transmitted
light. The constants are fitted to the sample of C-NMC 2019 that `benchmarks/phantom_likeness.py` reads, but for what separates the
classes in texture, which is set wider apart: see docs/phantom.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from allcore.data.phantom.cell import HEALTHY, LEUKEMIA, Cell
from allcore.data.phantom.roster import plan
from allcore.data.phantom.spec import PhantomSpec

ANGLES = 1024  # samples of an outline
DIRECTIONS = np.arange(ANGLES) * (2 * np.pi / ANGLES)
COMPASS = np.stack([np.sin(DIRECTIONS), np.cos(DIRECTIONS)])
ORDERS = np.arange(2, 33)  # waves of an outline, in periods a turn
BAND = 40  # finest waves of the chromatin, in cycles a frame side
PIXEL = 1 / 450
GAP_POWER = 2.5  # at difficulty 0 the classes stand 2.4 times as far apart as at the default
DEFAULT_GAP = 0.7  # 1 - difficulty at the default, where the constants below hold

LARGEST_REACH = 0.47
MEAN_COLOUR = (68.8, 29.4, 79.1)  # red, green, blue over a cell; geometric means
# Lower Cholesky factor of the covariance of log mean colours
COLOUR_FACTOR = np.array([[0.115, 0.0, 0.0], [0.163, 0.051, 0.0], [0.079, 0.008, 0.036]])
STAIN = np.array([1.0, 1.33, 0.42])  # how much the chromatin's density shows in red, green, blue
CYTOPLASM = np.array([0.28, 0.75, 0.06])  # how much lighter than the nucleus
HALO = np.array([0.4, 0.9, 0.32])  # how much lighter the very edge is
FRINGE = np.array([-0.16, -0.02, 0.14])  # colour shift of the edge from one side to the other: lateral chromatic aberration

# Traits that differ from cell to cell whatever the class, and which part of the dial `habits` acts on each. Few are the patient's own:
# in many dimensions any two groups of some twenty patients can be told apart, and the stains would give the classes away.
TRAITS = {
    "light": 1.0,
    "hue": 1.0,
    "size": 0.6,
    "grain": 0.6,
    "blue": 0.0,
    "contrast": 0.0,
    "halo": 0.0,
    "dome": 0.0,
    "fringe_y": 0.0,
    "fringe_x": 0.0,
}


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What `render` needs to know of a cell.

    outline, nucleus: (ANGLES,) radii of cell and nucleus around the frame's centre, nucleus <= outline.
    chromatin: (2 * BAND + 1, BAND + 1) complex Fourier coefficients of a field of unit variance.
    density: standard deviation of the chromatin's optical density (red).
    clumping: 0 (finely dispersed) to 1 (in clumps).
    membrane: extra density of the chromatin along the nuclear membrane.
    dome: how much lighter the nucleus is at its rim than at its centre.
    nucleoli: rows of y, x, radius, and how much lighter.
    halo: (3, ANGLES) how much lighter the edge is, by channel and direction.
    colour: mean red, green, blue over the cell, 0 to 255.
    """

    outline: np.ndarray
    nucleus: np.ndarray
    chromatin: np.ndarray
    density: float
    clumping: float
    membrane: float
    dome: float
    nucleoli: tuple[tuple[float, float, float, float], ...]
    halo: np.ndarray
    colour: np.ndarray


def anatomy(spec: PhantomSpec, index: int, cell: Cell) -> Anatomy:
    """The anatomy of cell `index` of the set; the same at any `spec.size`."""
    rng = np.random.default_rng([spec.seed, 2, index])
    traits = _traits(spec, cell.subject, rng)
    # +1 leukemic, -1 healthy at the default difficulty; 0 for both at difficulty 1
    lean = (1.0 if cell.label == LEUKEMIA else -1.0) * ((1.0 - spec.difficulty) / DEFAULT_GAP) ** GAP_POWER
    radius = 0.2265 * np.exp(0.05 * lean + 0.095 * traits["size"])
    body = radius * np.exp(_waves(rng, lean))
    outline, nucleus = _edges(rng, body, lean)
    light = 0.45 * traits["size"] + 0.89 * traits["light"]
    return Anatomy(
        outline=outline,
        nucleus=nucleus,
        chromatin=_spectrum(rng, 11.5 * np.exp(0.06 * lean + 0.12 * traits["grain"])),
        density=0.0825 * np.exp(-0.12 * lean + 0.2 * traits["contrast"]),
        clumping=float(np.clip(0.5 - 0.45 * lean, 0, 1)),
        membrane=0.05 - 0.08 * lean + 0.03 * rng.standard_normal(),
        dome=0.03 * traits["dome"],
        nucleoli=_nucleoli(rng, radius, lean),
        halo=_halo(traits, lean),
        colour=np.array(MEAN_COLOUR) * np.exp(COLOUR_FACTOR @ (light, traits["hue"], traits["blue"])),
    )


def _traits(spec: PhantomSpec, subject: str, rng: np.random.Generator) -> dict[str, float]:
    """Standard normal traits; two cells of a patient correlate by h * (2 - h) times the trait's share in TRAITS, h being `habits`."""
    own = rng.standard_normal(len(TRAITS))
    correlation = spec.habits * (2 - spec.habits) * np.array(list(TRAITS.values()))
    values = np.sqrt(correlation) * _patients_own(spec)[subject] + np.sqrt(1 - correlation) * own
    return dict(zip(TRAITS, values.tolist(), strict=True))


@lru_cache(maxsize=8)
def _patients_own(spec: PhantomSpec) -> dict[str, np.ndarray]:
    """Each patient's own traits, (len(TRAITS),): evenly spaced quantiles of the normal distribution, shuffled within each class.

    Both classes so have the same spread of stains, and nobody's stain gives the class away.
    """
    from scipy.special import ndtri

    rng = np.random.default_rng([spec.seed, 1])
    own: dict[str, np.ndarray] = {}
    for label in (LEUKEMIA, HEALTHY):
        subjects = list(dict.fromkeys(cell.subject for cell in plan(spec) if cell.label == label))
        ranks = rng.permuted(np.tile(np.arange(len(subjects)), (len(TRAITS), 1)), axis=1)
        own |= zip(subjects, ndtri((ranks.T + 0.5) / len(subjects)), strict=True)
    return own


def _bump(centre: float, width: float, power: int = 2) -> np.ndarray:
    """1 in the direction `centre`, falling to 0 within about two `width`s (radians) on either side; blunter with a higher power."""
    turn = (DIRECTIONS - centre + np.pi) % (2 * np.pi) - np.pi
    return np.exp(-((turn / width) ** power))


def _waves(rng: np.random.Generator, lean: float) -> np.ndarray:
    """Logarithm of a nucleus's radius by direction: an ellipse, and waves that are higher in leukemic cells."""
    heights = 0.086 * np.exp(0.25 * lean + 0.35 * rng.standard_normal()) * ORDERS**-1.42
    heights[0] = 0.057
    waves = np.zeros(ANGLES // 2 + 1, complex)
    waves[ORDERS] = heights * rng.rayleigh(1.0, len(ORDERS)) * np.exp(1j * rng.uniform(0, 2 * np.pi, len(ORDERS)))
    return np.fft.irfft(waves, ANGLES, norm="forward") * 0.5


def _edges(rng: np.random.Generator, body: np.ndarray, lean: float) -> tuple[np.ndarray, np.ndarray]:
    """Outlines of cell and nucleus: indentations, a crescent of cytoplasm, tails of it, and straight cuts of the segmentation."""
    turns = rng.uniform(0, 2 * np.pi, 6)
    for turn in turns[: min(rng.poisson(0.35 * np.exp(0.3 * lean)), 3)]:
        body = body * (1 - rng.uniform(0.08, 0.3) * _bump(turn, rng.uniform(0.1, 0.35)))
    crescent = rng.gamma(1.0, 0.012 * np.exp(-0.25 * lean)) * (0.3 + _bump(turns[3], 0.9))
    outline = body + 0.23 * crescent
    for turn in turns[4 : 4 + min(rng.poisson(0.35), 2)]:
        outline = outline * (1 + rng.uniform(0.1, 0.5) * _bump(turn, rng.uniform(0.07, 0.22), 4))
    if rng.uniform() < 0.07:
        facing = np.cos(DIRECTIONS - rng.uniform(0, 2 * np.pi))
        outline = np.minimum(outline, rng.uniform(0.75, 0.95) * body.mean() / np.maximum(facing, 1e-3))
    outline = np.minimum(outline, LARGEST_REACH)
    return outline, np.minimum(body, outline)


def _nucleoli(rng: np.random.Generator, radius: float, lean: float) -> tuple[tuple[float, float, float, float], ...]:
    rows = []
    for _ in range(min(rng.poisson(0.55 * np.exp(1.2 * lean)), 5)):
        turn, reach = rng.uniform(0, 2 * np.pi), 0.6 * radius * np.sqrt(rng.uniform())
        rows.append((reach * np.sin(turn), reach * np.cos(turn), radius * rng.uniform(0.12, 0.2), rng.uniform(0.12, 0.35)))
    return tuple(rows)


def _halo(traits: dict[str, float], lean: float) -> np.ndarray:
    fringe = np.array([traits["fringe_y"], traits["fringe_x"]]) @ COMPASS
    return np.exp(0.06 * lean + 0.2 * traits["halo"]) * (HALO[:, None] + FRINGE[:, None] * fringe)


@lru_cache(maxsize=1)
def _steps() -> np.ndarray:
    """Frequency of each coefficient to the power 1.4, (2 * BAND + 1, BAND + 1) float32."""
    rows = np.concatenate([np.arange(BAND + 1), np.arange(-BAND, 0)])[:, None]
    return (np.hypot(rows, np.arange(BAND + 1)[None, :]) ** 1.4).astype(np.float32)


def _spectrum(rng: np.random.Generator, grain: float) -> np.ndarray:
    """Coefficients of a random field of unit variance whose power falls with frequency f as exp(-(f / grain)**1.4)."""
    amplitude = np.exp(_steps() * np.float32(-0.5 * grain**-1.4))
    amplitude[0, 0] = 0
    # Each coefficient stands for itself and its conjugate, and has a real and an imaginary part
    amplitude /= 2 * np.linalg.norm(amplitude)
    noise = rng.standard_normal((2, *amplitude.shape), dtype=np.float32) * amplitude
    return noise[0] + 1j * noise[1]
