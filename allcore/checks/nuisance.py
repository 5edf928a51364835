"""Do colour, light or the files themselves tell the classes apart? If they do, a model may learn the laboratory and not the illness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from allcore.checks import probe
from allcore.checks.probe import Probe
from allcore.checks.report import GOOD, MOST_PICTURES, NOTE, WARNING, Finding
from allcore.metrics.text import show

if TYPE_CHECKING:
    import pandas as pd

ALARM = 0.6
"""The alarm rings where the lower 95 % limit is above this."""
EVERYTHING = "all signs together"


@dataclass(frozen=True)
class Nuisance:
    """A probe for each sign; `rings` names those that tell the classes apart, the strongest first."""

    probes: Mapping[str, Probe]

    @property
    def rings(self) -> tuple[str, ...]:
        ringing = [name for name, one in self.probes.items() if one.auroc.low is not None and one.auroc.low > ALARM]
        return tuple(sorted(ringing, key=lambda name: -self.probes[name].auroc.estimate))


def features(looks: pd.DataFrame, records: pd.DataFrame, labels: np.ndarray) -> dict[str, np.ndarray]:
    """The numbers of each sign, float (n, d). `looks` as `pictures.measured` gives them, `labels` (n,) int.

    Colour is that of the foreground, as shares of red and green in the whole, so that light is apart from it. File size is what is left of
    its logarithm after what the picture's content needs: how its bytes grow with those of the same picture at 70 pixels and with the
    number of pixels is fitted within classes and formats, and taken off, since a larger cell takes more bytes and is no nuisance.
    """
    import pandas as pd

    rgb = looks[["red", "green", "blue"]].to_numpy(float)
    kinds = pd.get_dummies(records["format"].astype(str) + " " + records["mode"].astype(str)).to_numpy(float)
    size = records[["width", "height"]].to_numpy(float)
    content = np.log(np.column_stack([looks["needed"], size.prod(axis=1)]).astype(float))
    found = {
        "colour": (rgb / np.maximum(rgb.sum(axis=1, keepdims=True), 1))[:, :2],
        "brightness": looks[["brightness"]].to_numpy(float),
        "file size": _beyond(np.log(records["bytes"].to_numpy(float)), content, kinds.argmax(axis=1) * (labels.max() + 1) + labels)[
            :, None
        ],
        "file format": kinds,
        "dimensions": np.log(size),
    }
    return {**found, EVERYTHING: np.column_stack(list(found.values()))}


def _beyond(values: np.ndarray, content: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """`values` (n,) less what `content` (n, d) explains of them within `cells` (n,); rounded, so that equal files stay equal."""
    _, cells = np.unique(cells, return_inverse=True)
    counts = np.bincount(cells)

    def centred(one: np.ndarray) -> np.ndarray:
        return one - (np.bincount(cells, weights=one) / counts)[cells]

    inside = np.column_stack([centred(column) for column in content.T])
    slopes = np.linalg.lstsq(inside, centred(values), rcond=1e-6)[0]
    return np.round(values - content @ slopes, 9)


def probed(
    looks: pd.DataFrame, records: pd.DataFrame, labels: np.ndarray, groups: np.ndarray, *, patients: bool, positive: int
) -> Nuisance:
    """Every sign's probe on labelled images; arguments as in `probe.grouped`, rows alike in all of them."""
    found = features(looks, records, labels)
    return Nuisance({name: probe.grouped(labels, one, groups, patients=patients, positive=positive) for name, one in found.items()})


def finding(found: Nuisance, image_ids: np.ndarray, labels: np.ndarray) -> Finding:
    """What the probes mean."""
    numbers = {name: one.auroc.to_dict() for name, one in found.probes.items()}
    known = {name: one.auroc for name, one in found.probes.items() if one.auroc.low is not None or one.auroc.note == probe.CONSTANT}
    if not known:
        why = found.probes[EVERYTHING].auroc.note
        title = "Whether colour or files give the classes away can't be told."
        return Finding("nuisance", NOTE, title, f"The nuisance probe gives no interval: {why}.", "Add patients or images.", numbers=numbers)
    if not found.rings:
        told = ", ".join(f"{name} {show(area)}" for name, area in known.items())
        meaning = f"AUROC on held-back images, 0.5 or less being chance: {told}. The alarm rings where a lower limit is above {ALARM}."
        title = "Neither colour, light nor files clearly tell the classes apart."
        return Finding("nuisance", GOOD, title, meaning, numbers=numbers)
    parts = [name for name in found.rings if name != EVERYTHING] or [EVERYTHING]
    told = ", ".join(f"{name} {show(found.probes[name].auroc)}" for name in found.rings)
    best = found.probes[found.rings[0]]
    return Finding(
        "nuisance",
        WARNING,
        f"{_listed(parts).capitalize()} alone {'tells' if len(parts) == 1 and parts != [EVERYTHING] else 'tell'} the classes apart: "
        f"AUROC {show(best.auroc)} by {found.rings[0]}.",
        f"On held-back images, 0.5 or less being chance: {told}. These are traits of staining, camera and files more often than of the "
        "illness; a model may learn them instead, and fail on the next laboratory's images. Where colour belongs to the kind of cell, "
        "as with eosinophils, it is no fault.",
        "Look at the pictures below, those by which each class is told most surely. Ask how the classes were stained, photographed and "
        "saved. Test on images from elsewhere, or train with colours varied.",
        images=_typical(best, image_ids, labels),
        numbers=numbers,
    )


def _typical(one: Probe, image_ids: np.ndarray, labels: np.ndarray) -> tuple[str, ...]:
    """Of each class, the images told most surely."""
    if one.scores is None:
        return ()
    classes = one.scores.shape[1]
    each = max(1, MOST_PICTURES // classes)
    chosen = []
    for which in range(classes):
        mine = np.flatnonzero(labels == which)
        chosen += image_ids[mine[np.argsort(-one.scores[mine, which], kind="stable")[:each]]].tolist()
    return tuple(chosen[:MOST_PICTURES])


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
