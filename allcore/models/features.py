"""From images to the vectors that classical classifiers work on: named, versioned, and the same in training and serving."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from allcore.base import fileio
from allcore.base.errors import AllcoreError
from allcore.models import cell_features

PIXELS, PCA, CELL = "pixels-v1", "pca-v1", "cell-v1"
# A change that alters any vector gets a new version; the old one stays as long as runs were trained on it.
KINDS = {
    PCA: "Principal components of the pixels",
    PIXELS: "The pixels themselves",
    CELL: "Shape, colour and texture of the cell",
}


@dataclass(frozen=True)
class Features:
    """A way to make vectors, with what it learned from the training side."""

    kind: str
    size: int
    """Pixels a side of the images it takes."""
    learned: dict[str, np.ndarray] = field(default_factory=dict)

    def of(self, images: np.ndarray) -> np.ndarray:
        """uint8 (n, size, size, 3) to float32 (n, d).

        The components are computed in float64 and rounded once, so that an image's vector does not depend on which others
        were computed with it: a tree's threshold can turn a last bit into another class.
        """
        if self.kind == CELL:
            return cell_features.vectors(images)
        flat = images.reshape(len(images), -1)
        if self.kind == PIXELS:
            return flat.astype(np.float32) / np.float32(255)
        out = np.empty((len(flat), len(self.learned["components"])), np.float32)
        for start in range(0, len(flat), 256):
            centred = flat[start : start + 256] / 255.0 - self.learned["mean"]
            out[start : start + 256] = centred @ self.learned["components"].T
        return out

    def save(self, path: Path) -> None:
        with fileio.replacing(path) as aside, open(aside, "wb") as file:
            np.savez(file, kind=np.array(self.kind), size=np.array(self.size), **self.learned)

    @classmethod
    def load(cls, path: Path) -> Features:
        """Raises AllcoreError where the file was made by a version that this one does not know."""
        with np.load(path, allow_pickle=False) as stored:
            kind = str(stored["kind"])
            if kind not in KINDS:
                raise AllcoreError(f"The features '{kind}' are not known here.", "Update this software.")
            return cls(kind, int(stored["size"]), {name: stored[name] for name in stored.files if name not in ("kind", "size")})


def fitted(kind: str, images: np.ndarray, *, components: int, seed: int) -> Features:
    """Learn what the vectors need from the training side's images, uint8 (n, size, size, 3)."""
    size = images.shape[1]
    if kind in (PIXELS, CELL):
        return Features(kind, size)
    from sklearn.decomposition import PCA as Pca

    flat = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
    count = min(components, min(flat.shape) - 1)
    pca = Pca(count, svd_solver="randomized", random_state=seed).fit(flat)
    return Features(kind, size, {"mean": pca.mean_.astype(np.float64), "components": pca.components_.astype(np.float64)})
