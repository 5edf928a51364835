"""Pictures for the checks, drawn once a session."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allcore.data.phantom import PhantomSpec, draw, plan

CELLS = PhantomSpec(images=120, patients=24, seed=3)
ALIKE = PhantomSpec(images=120, patients=24, habits=0.0, seed=3)


def drawn(spec: PhantomSpec) -> tuple[np.ndarray, pd.DataFrame]:
    """Pixels and the columns of the records that checks read."""
    cells = plan(spec)
    pixels = np.stack([draw(spec, index) for index in range(spec.images)])
    table = pd.DataFrame(
        {
            "image_id": [f"{cell.label}/{cell.name}.png" for cell in cells],
            "label": [cell.label for cell in cells],
            "subject": [cell.subject for cell in cells],
            "phase": "",
            "fold": -1,
            "width": spec.size,
            "height": spec.size,
            "bytes": 5000,
            "format": "PNG",
            "mode": "RGB",
            "sha256": [str(index) for index in range(spec.images)],
        }
    )
    return pixels, table


@pytest.fixture(scope="session")
def cells() -> tuple[np.ndarray, pd.DataFrame]:
    """Drawn cells of patients with habits; to be copied before they are altered."""
    return drawn(CELLS)


@pytest.fixture(scope="session")
def alike() -> tuple[np.ndarray, pd.DataFrame]:
    """Drawn cells of patients without habits."""
    return drawn(ALIKE)


@pytest.fixture(scope="session")
def fields() -> np.ndarray:
    """Thirty pictures that fill their frame: smooth random fields, uint8 (30, 70, 70, 3)."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(5)
    noise = gaussian_filter(rng.normal(size=(30, 70, 70, 3)), (0, 2, 2, 0))
    return np.clip(150 + 35 * noise / noise.std(), 30, 255).astype(np.uint8)
