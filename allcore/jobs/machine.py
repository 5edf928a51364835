"""How fast this machine is beside the one that the cards' speeds were measured on."""

from __future__ import annotations

import time

from allcore.base import clock, fileio
from allcore.base.errors import AllcoreError
from allcore.base.paths import Artifacts

REFERENCE = 202e9
"""Floating-point operations a second of the best float32 matrix product there: two cores of an AMD EPYC with AVX-512."""
_SIDE, _TIMES = 768, 12
_GOOD_FOR = 3600.0
"""Seconds for which a measurement is believed: machines are rented, and what else ran may have spoilt it."""


def relative(artifacts: Artifacts) -> float:
    """Speed of this machine's processor, 1 for the reference; measured in a fifth of a second and kept for an hour."""
    try:
        known = fileio.read_json(artifacts.machine)
        if clock.seconds_since(known["measured"]) < _GOOD_FOR:
            return float(known["operations_a_second"]) / REFERENCE
    except (OSError, AllcoreError, KeyError):
        pass
    found = _measured()
    fileio.write_json(artifacts.machine, {"measured": clock.now(), "operations_a_second": found})
    return found / REFERENCE


def _measured() -> float:
    """The best of a few matrix products: what else runs can only make it slower."""
    import numpy as np

    left = np.random.default_rng(0).standard_normal((_SIDE, _SIDE), dtype=np.float32)
    best = float("inf")
    for _ in range(_TIMES):
        began = time.perf_counter()
        left @ left
        best = min(best, time.perf_counter() - began)
    return 2 * _SIDE**3 / best
