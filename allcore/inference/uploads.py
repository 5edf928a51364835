"""Files that somebody sends: bytes to be distrusted, limits on all of them, and words for each that is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from allcore.base.errors import BadInput, Unreadable
from allcore.data import archives, images
from allcore.inference import answers
from allcore.inference.answers import Adviser, Said
from allcore.inference.served import ServedModel

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
    """An answer for one file, as `answers.Said` has it."""

    name: str
    label: str
    probabilities: dict[str, float]
    raw_probabilities: dict[str, float] = field(default_factory=dict)
    judged: bool | None = None
    reasons: tuple[str, ...] = ()
    set: tuple[str, ...] | None = None
    scores: Mapping[str, float] | None = None

    @classmethod
    def of(cls, name: str, said: Said) -> Classified:
        """What was said of the picture in this file."""
        return cls(name, **{one.name: getattr(said, one.name) for one in fields(said)})

    def to_dict(self) -> dict[str, Any]:
        """For other programs; `set` is None where no set can be promised."""
        return {
            "path": self.name,
            "label": self.label,
            "probabilities": self.probabilities,
            "raw_probabilities": self.raw_probabilities,
            "judged": self.judged,
            "reasons": list(self.reasons),
            "set": None if self.set is None else list(self.set),
        }


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


def classify(model: ServedModel, uploads: Iterable[Upload], *, adviser: Adviser | None = None) -> list[Classified | Refused]:
    """As `answered`, all at once."""
    return list(answered(model, uploads, adviser=adviser))


def answered(
    model: ServedModel,
    uploads: Iterable[Upload | Refused],
    *,
    adviser: Adviser | None = None,
    seconds: float = MOST_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Classified | Refused]:
    """An answer or a refusal for each file, in order and as they come; one bad file harms no other.

    Files are read one by one and judged BATCH at a time, so that the next answers are BATCH files away at most. What was refused
    before is passed on, what is not begun after `seconds` refused.

    `adviser` is the run's, by `answers.adviser`: with it probabilities are calibrated, the kept threshold decides, and the guard and the
    set stand beside them. Without one the likeliest class is the answer, and its probabilities are the graph's own.

    Raises BadInput where there are more than MOST_FILES.
    """
    adviser = adviser or Adviser(model.card)
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
            yield from _judged(model, held, pictures, adviser)
            held, pictures = [], []
    yield from _judged(model, held, pictures, adviser)


def _judged(
    model: ServedModel, held: list[Upload | Refused], pictures: list[np.ndarray], adviser: Adviser
) -> Iterator[Classified | Refused]:
    told: Iterator[Said] = iter(())
    if pictures:
        together = np.stack(pictures)
        told = iter(answers.said(adviser, model.answer(together, batch=BATCH), together))
    for one in held:
        yield one if isinstance(one, Refused) else Classified.of(one.name, next(told))


def document(adviser: Adviser, found: Iterable[Classified | Refused]) -> dict[str, Any]:
    """Answers as the command line and the HTTP endpoint give them. `threshold` is on `probabilities`, `raw_threshold` on the raw ones."""
    found = list(found)
    return {
        "results": [one.to_dict() for one in found if isinstance(one, Classified)],
        "errors": [{"path": one.name, "error": one.error} for one in found if isinstance(one, Refused)],
        "synthetic": adviser.card.synthetic,
        "threshold": adviser.threshold,
        "raw_threshold": adviser.chosen.threshold if adviser.chosen else None,
        "why_not_guarded": adviser.why_no_guard,
    }
