"""How far size and shape alone tell the classes apart: biology, shown and not alarmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from allcore.checks import probe
from allcore.checks.probe import Probe
from allcore.checks.report import MOST_PICTURES, NOTE, Finding
from allcore.metrics.text import show

if TYPE_CHECKING:
    import pandas as pd

TRAITS = {"area": ["area"], "shape": ["eccentricity", "solidity"], "size and shape": ["area", "eccentricity", "solidity"]}
MOST_UNKNOWN = 0.1
"""Share of pictures without a cell on black, up to which the others are probed."""


def probed(looks: pd.DataFrame, labels: np.ndarray, groups: np.ndarray, *, patients: bool, positive: int) -> dict[str, Probe] | None:
    """Each trait's probe, arguments as in `probe.grouped`; None where pictures do not show cells on black, whose outline is known."""
    measured = looks["on_black"].to_numpy(bool)
    if (~measured).mean() > MOST_UNKNOWN or len(np.unique(labels[measured])) <= labels.max():
        return None
    known = looks[measured]
    return {
        name: probe.grouped(labels[measured], known[columns].to_numpy(float), groups[measured], patients=patients, positive=positive)
        for name, columns in TRAITS.items()
    }


def finding(found: dict[str, Probe] | None, looks: pd.DataFrame, image_ids: np.ndarray) -> Finding:
    """What size and shape tell."""
    if found is None:
        title = "Size and shape were not measured: these are not single cells on black."
        return Finding("morphology", NOTE, title, "An outline is known only where the background was cut away.")
    area = found["area"].auroc
    told = ", ".join(f"{name} {show(one.auroc)}" for name, one in found.items())
    order = np.argsort(np.where(looks["on_black"], looks["area"], np.nan), kind="stable")
    order = order[looks["on_black"].to_numpy(bool)[order]]
    half = min(MOST_PICTURES // 2, len(order) // 2)
    return Finding(
        "morphology",
        NOTE,
        f"The cells' area alone tells the classes apart with AUROC {show(area)}.",
        f"On held-back images, 0.5 or less being chance: {told}. Size and shape are biology, and no fault; but a model that is worth its "
        "name does better than this.",
        "Hold results against this figure. Below: the smallest cells, then the largest.",
        images=tuple(image_ids[np.concatenate([order[:half], order[len(order) - half :]])].tolist()),
        numbers={name: one.auroc.to_dict() for name, one in found.items()},
    )
