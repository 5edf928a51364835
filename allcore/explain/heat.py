"""A heat map, how much of it lies on the cell, and whether it says more than one of a model that learned nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from allcore.base.errors import BadInput
from allcore.explain import activation, occlusion, outline
from allcore.inference.served import ServedModel
from allcore.models import features

OCCLUSION, ACTIVATION = "occlusion", "activation"
METHODS = {OCCLUSION: "covering the picture piece by piece", ACTIVATION: "covering what each of the network's inner maps shows"}
MOST_LIKENESS = 0.5
"""Two maps whose rank correlation reaches it share a quarter of the variance of their ranks. Maps of two shuffled models, alike in nothing
but the picture, come to 0.2 as a rule and seldom to 0.4 (measured on AllNet): from 0.5 on, the picture speaks and not what was learned."""
_NOTHING = 1e-6
"""Log-odds below which a map is flat: probabilities of 32 bits hold no more."""


@dataclass(frozen=True)
class HeatMap:
    """Where one answer of a model comes from."""

    method: str
    of: str
    """The class it speaks of."""
    values: np.ndarray | None
    """float32 (size, size), in log-odds: above 0 speaks for the class, below 0 against it. None where it is withheld."""
    raw_probability: float
    """Of the class, for the picture as it is: the model's own, before any calibration."""
    share_on_cell: float | None
    """Of the weight above 0; None where the outline is unknown, where only the cell is covered, or where the map is withheld."""
    cell: float | None
    """Share of the picture that the cell fills: what an even map would have on it. None where the outline is unknown."""
    likeness: float | None
    """Rank correlation (Spearman) with the map of the shuffled model, -1 to 1; None where either is flat."""
    withheld: str
    """Why it is not shown, '' where it is."""

    def to_dict(self) -> dict[str, Any]:
        """Without the map itself."""
        kept = ("method", "of", "raw_probability", "share_on_cell", "cell", "likeness", "withheld")
        return {name: getattr(self, name) for name in kept}


def methods(model: ServedModel) -> tuple[str, ...]:
    """The methods that a model allows."""
    return tuple(METHODS) if model.has_activations else (OCCLUSION,)


def require(model: ServedModel, *, method: str, of: str) -> None:
    """Raises BadInput where the model knows no class `of` ('' for any) or does not allow the method."""
    names = model.card.class_names
    if of and of not in names:
        raise BadInput(f"This model knows no class '{of}'.", f"It knows {', '.join(names)}.")
    if method not in methods(model):
        raise BadInput(f"Run '{model.card.run}' has no inner maps to look at.", "Only networks have; occlusion works for every model.")


def explained(model: ServedModel, shuffled: ServedModel, image: np.ndarray, *, method: str = OCCLUSION, of: str = "") -> HeatMap:
    """The heat map of one answer.

    `shuffled` is `randomised.load` of the same run; `image` is uint8 (size, size, 3), of the model's size; `of` is the class to speak of,
    '' for the most probable. Its likeness counts in either direction: a random model has no reason to prefer one class.

    Raises BadInput as `require`.
    """
    require(model, method=method, of=of)
    probabilities = model.answer(image[None]).probabilities[0]
    names = model.card.class_names
    index = names.index(of) if of else int(probabilities.argmax())
    cell = outline.cell(image)
    # Measures are of the cell alone, and a patch on the black beside it would become the cell: it stays within the outline then.
    only = cell if model.card.features == features.CELL else None
    if method == ACTIVATION:
        values, blank = activation.heats((model, shuffled), image, index)
    else:
        values, blank = occlusion.heats((model, shuffled), image, index, only=only)
    likeness = _likeness(values, blank) if only is None else _likeness(values[only], blank[only])
    withheld = _withheld(values, likeness)
    return HeatMap(
        method=method,
        of=names[index],
        values=None if withheld else values,
        raw_probability=float(probabilities[index]),
        share_on_cell=None if withheld or cell is None or only is not None else _share(values, cell),
        cell=None if cell is None else float(cell.mean()),
        likeness=likeness,
        withheld=withheld,
    )


def _withheld(values: np.ndarray, likeness: float | None) -> str:
    if np.ptp(values) < _NOTHING:
        return "Wherever the picture is covered, the model's answer stays the same: there is no place to show."
    if likeness is None:
        return (
            "With all that it learned shuffled, this model answers the same wherever the picture is covered, so the map can't be checked."
        )
    if abs(likeness) >= MOST_LIKENESS:
        return (
            f"Shuffle all that the model learned, and the map stays much the same: rank correlation {likeness:.2f}, and from "
            f"{MOST_LIKENESS} on, in either direction, a map is not shown. It would tell of the picture, not of the model."
        )
    return ""


def _likeness(one: np.ndarray, other: np.ndarray) -> float | None:
    from scipy.stats import spearmanr

    if min(np.ptp(one), np.ptp(other)) < _NOTHING:
        return None
    return float(spearmanr(one.ravel(), other.ravel()).statistic)


def _share(values: np.ndarray, cell: np.ndarray) -> float | None:
    speaks = np.maximum(values, 0).astype(np.float64)
    return float(speaks[cell].sum() / speaks.sum()) if speaks.sum() else None
