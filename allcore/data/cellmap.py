"""A map of all cells by t-SNE: near ones look alike. Takes minutes for 10,000 cells, so it is a job's work."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from allcore.base import fileio
from allcore.base.errors import BadInput
from allcore.base.paths import DatasetPaths
from allcore.data import looks, records

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 10
_COMPONENTS, _PERPLEXITY = 20, 30.0


def seconds(images: int) -> float:
    """About how long `made` takes on one core (measured: 12 s for 2,000 cells, 200 s for 15,114)."""
    return 5 + 0.0009 * images * math.log2(max(images, 2))


def made(paths: DatasetPaths, *, seed: int = 0, progress: Callable[[float, str], None] = lambda _share, _what: None) -> None:
    """Compute a data set's map and keep it in its folder (van der Maaten & Hinton 2008, Barnes-Hut).

    Raises BadInput where there are fewer than FEWEST images; NotFound.
    """
    import pandas as pd
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    table = records.read_records(paths)
    if len(table) < FEWEST:
        raise BadInput(f"{len(table)} cells are too few for a map.", f"It needs {FEWEST} at least.")
    progress(0.02, "Measuring cells")
    found = looks.vectors(paths)
    reduced = PCA(min(_COMPONENTS, *found.shape), random_state=seed).fit_transform(found)
    progress(0.1, "Laying out the map")
    perplexity = min(_PERPLEXITY, (len(table) - 1) / 3)
    placed = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(reduced).astype(np.float32)
    progress(0.98, "Keeping the map")
    with fileio.replacing(paths.map) as aside:
        pd.DataFrame({"image_id": table["image_id"], "x": placed[:, 0], "y": placed[:, 1]}).to_parquet(aside)


def read(paths: DatasetPaths) -> pd.DataFrame | None:
    """image_id, x and y in the order of the records; None where none was made."""
    import pandas as pd

    try:
        return pd.read_parquet(paths.map)
    except FileNotFoundError:
        return None
