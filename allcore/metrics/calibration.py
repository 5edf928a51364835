"""Whether a probability of 0.8 is right eight times in ten: reliability, its summary figures, and mending on the calibrate part.

Sources: Brier (1950); Guo et al. (2017), ICML (expected calibration error, temperature scaling); Zadrozny & Elkan (2002), KDD
(isotonic regression).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allcore.base.errors import BadInput
from allcore.metrics import intervals
from allcore.metrics.intervals import Interval

BINS = 10
ISOTONIC_IMAGES, ISOTONIC_PATIENTS = 1000, 20
"""Isotonic regression has as many free steps as it likes: with fewer images, or patients in a class, it learns their chances."""
_FLOOR = 1e-7


@dataclass(frozen=True)
class Bin:
    """Images whose probability lies from `low` up to `high`: the mean of what was said, and the share that was so."""

    low: float
    high: float
    said: float
    observed: Interval


@dataclass(frozen=True)
class Calibration:
    """Figures of one set of probabilities of the positive class. `ece`: mean distance of said and observed, weighted by images.

    The calibration error of few images is too high even for a perfect model: read it beside `n`.
    """

    bins: tuple[Bin, ...]
    ece: float
    brier: float
    log_loss: float
    n: int


@dataclass(frozen=True)
class Temperature:
    """Divides log-odds by `value`: above 1 the model was too sure of itself. Ranks, and so AUROC, stay as they are."""

    value: float
    images: int
    patients: int | None

    def __call__(self, p: np.ndarray) -> np.ndarray:
        """Probabilities, mended: (n,) of the positive class, or (n, classes) of all."""
        if np.ndim(p) == 1:
            return 1 / (1 + np.exp(-_log_odds(p) / self.value))
        # By the largest, so that not all of them vanish.
        shares = np.clip(np.asarray(p, dtype=np.float64), _FLOOR, 1)
        shares = (shares / shares.max(axis=1, keepdims=True)) ** (1 / self.value)
        return shares / shares.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Isotonic:
    """A rising step function through `x`, `y` (k,), linear between."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    images: int
    patients: int | None

    def __call__(self, p: np.ndarray) -> np.ndarray:
        """Probabilities (n,) of the positive class, mended."""
        return np.interp(p, self.x, self.y)


def evaluate(truth: np.ndarray, p: np.ndarray, *, subjects: Sequence[str] | None, bins: int = BINS) -> Calibration:
    """`truth` (n,) bool, `p` (n,) float from 0 to 1; `bins` of equal width, empty ones left out. Raises BadInput without images."""
    truth, p = np.asarray(truth, dtype=bool), np.asarray(p, dtype=np.float64)
    if not len(truth):
        raise BadInput("There are no predictions to judge.", "Choose a split with images on this side.")
    codes = intervals.cluster_codes(subjects)
    place = np.minimum((p * bins).astype(int), bins - 1)
    found = []
    for one in np.unique(place):
        mine = place == one
        observed = intervals.share(truth[mine], None if codes is None else codes[mine])
        found.append(Bin(one / bins, (one + 1) / bins, float(p[mine].mean()), observed))
    clipped = np.clip(p, _FLOOR, 1 - _FLOOR)
    return Calibration(
        bins=tuple(found),
        ece=sum(one.observed.n * abs(one.said - one.observed.estimate) for one in found) / len(truth),
        brier=float(((p - truth) ** 2).mean()),
        log_loss=float(-np.where(truth, np.log(clipped), np.log1p(-clipped)).mean()),
        n=len(truth),
    )


def temperature(truth: np.ndarray, p: np.ndarray, *, subjects: Sequence[str] | None) -> Temperature:
    """The temperature of least log loss on these images, from 0.05 to 20.

    `truth` (n,) bool with `p` (n,) of the positive class, or `truth` (n,) int, a column's number, with `p` (n, classes). Targets are
    smoothed as Platt's (1999): (n + 1) / (n + K) for the true of K classes with n images. A part that is told apart without an error
    then doesn't make the model sure of everything.

    Raises BadInput unless every class has an image.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    if np.ndim(p) == 1:
        truth, p = _both(truth).astype(int), np.column_stack([1 - np.asarray(p, dtype=np.float64), p])
    classes = p.shape[1]
    counts = np.bincount(truth, minlength=classes)
    if not counts.all():
        raise BadInput("Probabilities can't be mended on images that lack a class.", "Choose a split whose calibrate part has every class.")
    targets = np.eye(classes)[truth] * counts[truth, None] + 1
    targets /= targets.sum(axis=1, keepdims=True)
    logs = np.log(np.clip(np.asarray(p, dtype=np.float64), _FLOOR, 1))

    def loss(log_temperature: float) -> float:
        return -float((targets * log_softmax(logs / np.exp(log_temperature), axis=1)).sum(axis=1).mean())

    best = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded", options={"xatol": 1e-6})
    return Temperature(float(np.exp(best.x)), len(truth), _patients(subjects))


def isotonic(truth: np.ndarray, p: np.ndarray, *, subjects: Sequence[str] | None) -> Isotonic:
    """A rising function through these images. Raises BadInput under 1,000 images or 20 patients a class: see `why_no_isotonic`."""
    from sklearn.isotonic import IsotonicRegression

    truth = _both(truth)
    reason = why_no_isotonic(truth, subjects)
    if reason:
        raise BadInput(reason, "Use the temperature, which has a single number to learn.")
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(np.asarray(p, dtype=np.float64), truth)
    steps = fitted.X_thresholds_, fitted.y_thresholds_
    return Isotonic(*(tuple(one.tolist()) for one in steps), len(truth), _patients(subjects))


def mended(
    test: tuple[np.ndarray, np.ndarray, Sequence[str] | None], calibrate: tuple[np.ndarray, np.ndarray, Sequence[str] | None]
) -> tuple[dict[str, Calibration], tuple[str, ...]]:
    """The test side's calibration as it comes, and mended in each way that the calibrate part can bear; what was done, in sentences.

    Each side is (truth, p, subjects) as in `evaluate`.
    """
    (truth, p, subjects), (own, own_p, own_subjects) = test, calibrate
    kinds = {"as it comes": evaluate(truth, p, subjects=subjects)}
    try:
        warm = temperature(own, own_p, subjects=own_subjects)
    except BadInput as error:
        return kinds, (str(error),)
    kinds[f"temperature {warm.value:.2f}"] = evaluate(truth, warm(p), subjects=subjects)
    whose = "" if warm.patients is None else f" of {warm.patients:,} patient{'s' * (warm.patients != 1)}"
    said = f"The temperature was found on the calibrate part, {warm.images:,} image{'s' * (warm.images != 1)}{whose}."
    reason = why_no_isotonic(own, own_subjects)
    if reason:
        return kinds, (said, reason)
    steps = isotonic(own, own_p, subjects=own_subjects)
    kinds["isotonic"] = evaluate(truth, steps(p), subjects=subjects)
    return kinds, (said,)


def why_no_isotonic(truth: np.ndarray, subjects: Sequence[str] | None) -> str:
    """Why these images can't bear isotonic regression; '' where they can."""
    truth, codes = np.asarray(truth, dtype=bool), intervals.cluster_codes(subjects)
    if len(truth) < ISOTONIC_IMAGES:
        return f"Isotonic regression needs {ISOTONIC_IMAGES:,} images; the calibrate part has {len(truth):,}."
    if codes is None:
        return f"Isotonic regression needs {ISOTONIC_PATIENTS} patients a class; here they are not known."
    fewest = min(len(np.unique(codes[truth])), len(np.unique(codes[~truth])))
    if fewest < ISOTONIC_PATIENTS:
        return f"Isotonic regression needs {ISOTONIC_PATIENTS} patients a class; the calibrate part has {fewest} of the rarer one."
    return ""


def _both(truth: np.ndarray) -> np.ndarray:
    truth = np.asarray(truth, dtype=bool)
    if truth.all() or not truth.any():
        raise BadInput("Probabilities can't be mended on images of one class.", "Choose a split whose calibrate part has both.")
    return truth


def _log_odds(p: np.ndarray) -> np.ndarray:
    clipped = np.clip(np.asarray(p, dtype=np.float64), _FLOOR, 1 - _FLOOR)
    return np.log(clipped) - np.log1p(-clipped)


def _patients(subjects: Sequence[str] | None) -> int | None:
    codes = intervals.cluster_codes(subjects)
    return None if codes is None else int(codes.max() + 1)
