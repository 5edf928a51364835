"""An answer in plain words: what can't be judged first, and never more than the figures bear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from allcore.inference.answers import Adviser, Said
from allcore.metrics.text import percentage

CANNOT = "I cannot judge this image."
_ADJECTIVES = {"leukemia": "leukemic", "healthy": "healthy"}


def word(label: str) -> str:
    """A class as one says it of a cell."""
    return _ADJECTIVES.get(label, label)


def counted_cells(count: int) -> str:
    """'no white cell', '1 white cell', '3 white cells'."""
    return f"{count:,} white cells" if count > 1 else f"{'1' if count else 'no'} white cell"


def of_field(found: Sequence[Said]) -> str:
    """A field in a sentence: '3 white cells: 2 healthy, 1 not judged.'"""
    if not found:
        return f"{CANNOT[:-1]}: no white cell was found in it."
    if all(one.judged is False for one in found):
        none = "it is not" if len(found) == 1 else "none of them is"
        return f"{CANNOT[:-1]}: {counted_cells(len(found))} found, {none} like what the model has seen."
    calls = Counter("not judged" if one.judged is False else word(one.label) for one in found)
    told = ", ".join(f"{count} {call}" for call, count in sorted(calls.items(), key=lambda one: (one[0] == "not judged", one[0])))
    count = counted_cells(len(found))
    return f"{count[0].upper()}{count[1:]}: {told}."


def headline(adviser: Adviser, said: Said) -> str:
    """'I cannot judge this image.', or what the model calls the cell and how sure it may be."""
    if said.judged is False:
        return CANNOT
    share, threshold = said.probabilities[said.label], adviser.threshold
    if threshold is not None and share < max(said.probabilities.values()):
        # The threshold, not the larger probability, decided.
        p = said.probabilities[adviser.card.positive]
        than = "is not below" if said.label == adviser.card.positive else "is below"
        return (
            f"This model calls the cell {word(said.label)}: {percentage(p)} for {word(adviser.card.positive)} {than} "
            f"the threshold of {percentage(threshold)}."
        )
    sure = "clearly" if share >= 0.9 else "probably" if share >= 0.7 else "barely more likely than not"
    if threshold is None and share < 0.5:
        sure = "its likeliest of several"
    if _undecided(said):
        sure = "without being sure"
    return f"This model calls the cell {word(said.label)}, {sure}: {percentage(share)}."


def details(adviser: Adviser, said: Said) -> list[str]:
    """The sentences under the headline: reasons, the set, where the model comes from."""
    found = list(said.reasons)
    if said.judged is None:
        found.append(adviser.why_no_guard or "Nothing tells whether this model has seen the like.")
    if said.judged is not False:
        found.append(_set(adviser, said))
    if adviser.card.synthetic:
        found.append("Trained on drawn cells: what it says of a real one means nothing.")
    return found


def _undecided(said: Said) -> bool:
    return said.set is not None and len(said.set) != 1


def _set(adviser: Adviser, said: Said) -> str:
    sets = adviser.calibrated.sets
    if said.set is None or sets is None:
        return adviser.no_sets or "No set of classes is promised."
    promise = f"in {percentage(sets.coverage)} of new patients' cells of each class"
    if not said.set:
        return f"It is like neither class: a promise that holds {promise} leaves none of them over."
    if len(said.set) == 1:
        return f"Only {word(said.set[0])} can't be ruled out, by a rule that keeps the true class {promise}."
    names = " and ".join(word(name) for name in said.set) if len(said.set) == 2 else f"{len(said.set)} classes"
    return f"It does not decide: {names} can't be ruled out, by a rule that keeps the true class {promise}."
