"""A cross-validation's folds together: every image judged once, by the model that was not trained on it.

The pooled answers are judged as one test side, clustered by patient, and have an interval. The folds' own figures have a spread, which
is no interval: their training sides overlap, and the variance between them has no unbiased estimate (Bengio & Grandvalet 2004, JMLR
5:1089). The models of several folds need not mean the same by one probability, so that a pooled AUROC can lie below the mean of the
folds' (Forman & Scholz 2010, SIGKDD Explorations 12:49).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from allcore.base.errors import BadInput
from allcore.metrics import classification
from allcore.metrics.scores import Scores

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Spread:
    """How far figures of the same kind lie apart: of a study's folds, or of its seeds. `sd` divides by n - 1; None for a single one."""

    n: int
    mean: float
    low: float
    high: float
    sd: float | None

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        return asdict(self)

    def words(self, things: str) -> str:
        """`5 folds: 0.76 to 0.85, mean 0.812, SD 0.034`"""
        deviation = "" if self.sd is None else f", SD {self.sd:.3f}"
        return f"{self.n} {things}: {self.low:.3f} to {self.high:.3f}, mean {self.mean:.3f}{deviation}"


def spread(values: Sequence[float]) -> Spread:
    """Of one value at least."""
    return Spread(len(values), statistics.fmean(values), min(values), max(values), statistics.stdev(values) if len(values) > 1 else None)


def scores(folds: Sequence[pd.DataFrame], *, classes: tuple[str, ...], positive: str) -> Scores:
    """The folds' test sides as one.

    `folds`: for each its predictions on its own test side, with the columns image_id, subject, label and p_CLASS for each of `classes`.

    Raises BadInput where an image was tested twice: those are no folds of one data set.
    """
    import numpy as np
    import pandas as pd

    table = pd.concat(folds, ignore_index=True)
    if table["image_id"].duplicated().any():
        raise BadInput("An image stands on the test sides of two folds.", "Pool the folds of one split alone.")
    index = {name: number for number, name in enumerate(classes)}
    return classification.evaluate(
        table["label"].map(index).to_numpy(np.int64),
        table[[f"p_{name}" for name in classes]].to_numpy(np.float64),
        classes=classes,
        positive=positive,
        subjects=table["subject"].tolist(),
    )
