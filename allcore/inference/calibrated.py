"""What a run's calibrate part says of its probabilities: the temperature that mends them, and the sets that hold the true class.

Learnt once, at the end of a run, and kept in its folder; of an older run when first asked for. Everyone who answers, reads it here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from allcore.base import fileio
from allcore.base.errors import BadInput
from allcore.base.paths import JobPaths
from allcore.inference.guard import Files
from allcore.metrics import calibration, conformal
from allcore.metrics.calibration import Temperature
from allcore.metrics.conformal import Sets
from allcore.runs import store


@dataclass(frozen=True)
class Calibrated:
    """Of one run. What is missing has a reason."""

    temperature: Temperature | None = None
    sets: Sets | None = None
    why_no_temperature: str = ""
    why_no_sets: str = ""

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        """Of a model's own probabilities (n, classes) those to be shown, float64."""
        return np.asarray(raw, np.float64) if self.temperature is None else self.temperature(raw)

    def threshold(self, raw: float) -> float:
        """A threshold for one of two classes, chosen on the model's own probabilities, among those to be shown."""
        return raw if self.temperature is None else float(self.temperature(np.array([[1 - raw, raw]]))[0, 1])

    def set_of(self, raw: np.ndarray) -> tuple[str, ...] | None:
        """The set of one picture, from the model's own probabilities (classes,); None where there are no sets."""
        return None if self.sets is None else self.sets.of(raw)


def fitted(predictions: pd.DataFrame, classes: Sequence[str]) -> Calibrated:
    """From a run's predictions, of which the calibrate part alone is looked at."""
    part = predictions[predictions["side"] == "calibrate"]
    index = {name: number for number, name in enumerate(classes)}
    labels = part["label"].map(index).to_numpy(dtype=np.int64)
    p = part[[f"p_{name}" for name in classes]].to_numpy(np.float64)
    known = bool(len(part)) and bool((part["subject"] != "").all())
    subjects = part["subject"].to_numpy() if known else None
    why_no_sets = conformal.why_none(labels, subjects, classes)
    sets = None if why_no_sets else conformal.fitted(labels, p, subjects, classes)
    if not len(part):
        return Calibrated(None, sets, "The run kept no calibrate part: its probabilities are shown as they come.", why_no_sets)
    try:
        return Calibrated(calibration.temperature(labels, p, subjects=subjects), sets, "", why_no_sets)
    except BadInput as error:
        return Calibrated(None, sets, error.message, why_no_sets)


def save(found: Calibrated, paths: JobPaths, files: Files = fileio) -> None:
    """Into the run's folder."""
    files.write_json(paths.calibration, asdict(found))


def _parsed(path: Path) -> Calibrated:
    document = fileio.read_json(path)
    warm, sets = document["temperature"], document["sets"]
    return Calibrated(
        None if warm is None else Temperature(**warm),
        None if sets is None else Sets.from_dict(sets),
        document["why_no_temperature"],
        document["why_no_sets"],
    )


_read = fileio.remembered(_parsed, most=256)


def of_run(paths: JobPaths, classes: Sequence[str]) -> Calibrated:
    """A finished run's. Raises NotFound where it has no predictions."""
    try:
        return _read(paths.calibration)
    except FileNotFoundError:
        save(fitted(store.predictions(paths), classes), paths)
        return _read(paths.calibration)
