"""Files that somebody sends: bytes to be distrusted, limits on all of them, and words for each that is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from allcore.base.errors import BadInput, Unreadable
from allcore.data import images
from allcore.inference.served import ServedModel

MOST_FILES = 5000
BATCH = 32


@dataclass(frozen=True)
class Upload:
    """A file as it came. `name` is the sender's and is only ever shown, never used as a path."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Classified:
    """An answer for one file."""

    name: str
    label: str
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Refused:
    """A file that got no answer, and why."""

    name: str
    error: str


def classify(model: ServedModel, uploads: Iterable[Upload], *, threshold: float | None = None) -> list[Classified | Refused]:
    """An answer or a refusal for each file, in order; one bad file harms no other.

    The label is the most probable class. With two classes and a `threshold` it is the positive one from that probability upwards.

    Raises BadInput where there are more than MOST_FILES.
    """
    found: list[Classified | Refused] = []
    waiting: list[tuple[int, np.ndarray]] = []
    for upload in uploads:
        if len(found) >= MOST_FILES:
            raise BadInput(f"More than {MOST_FILES:,} files at once.", "Send them in several parts.")
        try:
            picture = images.prepared(upload.content, model.card.input_size)
        except Unreadable as error:
            found.append(Refused(upload.name, str(error)))
            continue
        waiting.append((len(found), picture))
        found.append(Refused(upload.name, ""))
        if len(waiting) == BATCH:
            _answered(model, waiting, found, threshold)
            waiting = []
    if waiting:
        _answered(model, waiting, found, threshold)
    return found


def _answered(
    model: ServedModel, waiting: list[tuple[int, np.ndarray]], found: list[Classified | Refused], threshold: float | None
) -> None:
    """Replace the placeholders in `found` by answers."""
    answer = model.answer(np.stack([picture for _, picture in waiting]), batch=BATCH)
    names = model.card.class_names
    for (place, _), row in zip(waiting, answer.probabilities, strict=True):
        shares = {name: float(value) for name, value in zip(names, row, strict=True)}
        label = names[int(np.argmax(row))]
        if threshold is not None and len(names) == 2:
            positive = names.index(model.card.positive)
            label = names[positive if row[positive] >= threshold else 1 - positive]
        found[place] = Classified(found[place].name, label, shares)
