"""A fitted classifier: scaling, estimator and temperature in one value."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from allcore.models import features, registry
from allcore.models.classical import graphs
from allcore.models.sketch import Drawing, Sketch

if TYPE_CHECKING:
    from sklearn.preprocessing import StandardScaler


@dataclass(frozen=True)
class Fitted:
    """From feature vectors to probabilities, whatever the estimator."""

    model: str
    """Id of the model, whose file knows how to read the estimator's scores and how to draw its graph."""
    scaler: StandardScaler | None
    estimator: Any
    temperature: float = 1.0

    @property
    def _module(self) -> ModuleType:
        return registry.module(self.model)

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """float32 vectors (n, d) to float64 scores (n, classes)."""
        return self._module.scores(self.estimator, _scaled(self.scaler, vectors))

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """float32 vectors (n, d) to float64 (n, classes)."""
        return softmax(self.scores(vectors) / self.temperature, axis=1)

    def graph(self, length: int) -> Drawing:
        """The same as ONNX: float32 `features` (n, length) to float32 `probabilities` (n, classes)."""
        sketch = Sketch()
        x = sketch.cast(graphs.INPUT, np.float64)
        if self.scaler is not None:
            x = graphs.standardised(sketch, x, self.scaler.mean_, self.scaler.scale_)
        scores = self._module.draw(sketch, x, self.estimator)
        last = graphs.probabilities(sketch, scores, self.temperature)
        return graphs.whole(sketch, last, length=length, classes=len(self.estimator.classes_))


def fit(model: str, settings: dict[str, Any], vectors: np.ndarray, labels: np.ndarray, *, seed: int) -> Fitted:
    """Fit scaling and estimator to float32 vectors (n, d) and labels (n,)."""
    from sklearn.exceptions import ConvergenceWarning

    scaler = None
    # Components keep their spread: brought to 1 each, the noise of the last counts as much as the first (on PBC k nearest neighbours fall
    # from 0.63 to 0.42 of images right).
    if settings.get("standardise") and settings["features"] == features.CELL:
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler().fit(vectors.astype(np.float64))
    estimator = registry.module(model).build(settings, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the model's `learned` tells
        warnings.filterwarnings("ignore", "Got `batch_size`")  # as the setting's help says
        return Fitted(model, scaler, estimator.fit(_scaled(scaler, vectors), labels))


def _scaled(scaler: StandardScaler | None, vectors: np.ndarray) -> np.ndarray:
    return vectors if scaler is None else scaler.transform(vectors.astype(np.float64))
