"""Files that somebody sends: bytes to be distrusted, limits on all of them, and words for each that is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from allcore.base.errors import BadInput, Unreadable
from allcore.data import archives, images
from allcore.inference.served import ServedCard, ServedModel

MOST_FILES = 5000
"""Pictures in one go, those in zips counted."""
MOST_BYTES = 500_000_000
"""Of one file; a picture's own limit is images.MOST_BYTES."""
MOST_SECONDS = 900.0
"""After which the rest of a batch is left."""
ZIPS = archives.Limits(entries=MOST_FILES, bytes=4 * MOST_BYTES, left_on_disk=0)
LIMITS = (
    f"Up to {MOST_FILES:,} pictures at once, {images.MOST_BYTES // 1_000_000} MB and "
    f"{images.MOST_PIXELS // 1_000_000} million pixels each, zips up to {MOST_BYTES // 1_000_000} MB"
)
"""What may be sent, in words."""
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


def opened(upload: Upload) -> Iterator[Upload | Refused]:
    """The file itself, or the pictures in it where it is a zip, named `archive.zip/picture.png`."""
    if not archives.is_zip(upload.name, upload.content):
        yield upload
        return
    try:
        for name, content in archives.pictures(archives.Packed(upload.name, upload.content), limits=ZIPS):
            yield Upload(f"{upload.name}/{name}", content)
    except BadInput as error:
        yield Refused(upload.name, str(error))


def count(upload: Upload) -> int:
    """How many pictures a file holds: one, or those in a zip, one where it will be refused whole."""
    if not archives.is_zip(upload.name, upload.content):
        return 1
    try:
        return len(archives.checked(archives.Packed(upload.name, upload.content), limits=ZIPS))
    except BadInput:
        return 1


def classify(model: ServedModel, uploads: Iterable[Upload], *, threshold: float | None = None) -> list[Classified | Refused]:
    """As `answers`, all at once."""
    return list(answers(model, uploads, threshold=threshold))


def answers(
    model: ServedModel,
    uploads: Iterable[Upload | Refused],
    *,
    threshold: float | None = None,
    seconds: float = MOST_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Classified | Refused]:
    """An answer or a refusal for each file, in order and as they come; one bad file harms no other.

    Files are read one by one and judged BATCH at a time, so that the next answers are BATCH files away at most. What was refused
    before is passed on. The label is the most probable class. With two classes and a `threshold` it is the positive one from
    that probability upwards. What is not begun after `seconds` is refused.

    Raises BadInput where there are more than MOST_FILES.
    """
    end = clock() + seconds
    held: list[Upload | Refused] = []
    pictures: list[np.ndarray] = []
    for number, upload in enumerate(uploads):
        if number >= MOST_FILES:
            raise BadInput(f"More than {MOST_FILES:,} files at once.", "Send them in several parts.")
        if isinstance(upload, Upload) and clock() > end:
            upload = Refused(upload.name, f"Not judged: the {seconds / 60:.0f} minutes for one batch were over. Send it again, with fewer.")
        if isinstance(upload, Upload):
            try:
                pictures.append(images.prepared(upload.content, model.card.input_size))
            except Unreadable as error:
                upload = Refused(upload.name, str(error))
        held.append(upload)
        if len(pictures) == BATCH or not pictures:
            yield from _answered(model, held, pictures, threshold)
            held, pictures = [], []
    yield from _answered(model, held, pictures, threshold)


def _answered(
    model: ServedModel, held: list[Upload | Refused], pictures: list[np.ndarray], threshold: float | None
) -> Iterator[Classified | Refused]:
    rows = iter(model.answer(np.stack(pictures), batch=BATCH).probabilities if pictures else ())
    for one in held:
        yield one if isinstance(one, Refused) else _classified(model.card, one.name, next(rows), threshold)


def _classified(card: ServedCard, name: str, row: np.ndarray, threshold: float | None) -> Classified:
    names = card.class_names
    label = names[int(np.argmax(row))]
    if threshold is not None and len(names) == 2:
        positive = names.index(card.positive)
        label = names[positive if row[positive] >= threshold else 1 - positive]
    return Classified(name, label, {name: float(value) for name, value in zip(names, row, strict=True)})


def document(card: ServedCard, found: Iterable[Classified | Refused], *, threshold: float | None) -> dict[str, Any]:
    """Answers as the command line and the HTTP endpoint give them."""
    found = list(found)
    return {
        "results": [
            {"path": one.name, "label": one.label, "probabilities": one.probabilities} for one in found if isinstance(one, Classified)
        ],
        "errors": [{"path": one.name, "error": one.error} for one in found if isinstance(one, Refused)],
        "synthetic": card.synthetic,
        "threshold": threshold,
    }
