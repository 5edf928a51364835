"""Files that somebody sends: bytes to be distrusted, limits on all of them, and words for each that is refused."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from allcore.base.errors import BadInput, NotFound, Unreadable
from allcore.data import archives, images, reading
from allcore.data.images import Decoded, Prepared
from allcore.inference import answers, cutting, kinds, limits
from allcore.inference.answers import Adviser, Said
from allcore.inference.cutting import Cut, Look
from allcore.inference.fields import Field
from allcore.inference.served import ServedModel
from allcore.inference.worth import Worth
from allcore.metrics import text
from allcore.models import registry

BATCH = 32
HEAVY = 2e8
"""Multiply-adds of an image from which the graph takes longer than all else that is done for one."""
MOST_WAITING = 64_000_000
"""Bytes of files that are read before they are judged, for one part."""
MOST_SILENT = 0.5
"""Seconds for which pictures are gathered: whoever waits is to see that it goes on, and can stop it."""
_PARTS = "Send them in several parts."


@dataclass(frozen=True)
class Upload:
    """A file as it came. `name` is the sender's and is only ever shown, never used as a path."""

    name: str
    content: bytes

    @property
    def digest(self) -> str:
        """What tells its content from another's."""
        return hashlib.blake2b(self.content).hexdigest()

    @cached_property
    def decoded(self) -> Decoded:
        """The picture, kept from now on for who looks at it again. Raises Unreadable."""
        return images.decoded(self.content)

    def read(self, size: int) -> Prepared:
        """As `images.read`, without decoding it again where that was done before. Raises Unreadable."""
        return images.read(self.content, size, known=self.__dict__.get("decoded"))


@dataclass(frozen=True)
class Classified:
    """An answer for one cell, as `answers.Said` has it: a file's only one, or one of a field."""

    name: str
    label: str
    probabilities: dict[str, float]
    raw_probabilities: dict[str, float] = field(default_factory=dict)
    judged: bool | None = None
    reasons: tuple[str, ...] = ()
    set: tuple[str, ...] | None = None
    scores: Mapping[str, float] | None = None
    kind: str = kinds.CELL
    """What the file was taken for, one of kinds.KINDS."""
    kind_reason: str = ""
    cut: Cut | None = None
    """Where in the picture the cell is; None where the picture was judged as it is."""

    @classmethod
    def of(cls, name: str, said: Said, look: Look, cut: Cut | None) -> Classified:
        """What was said of the picture in this file, or of a cell in it."""
        return cls(name, **vars(said), kind=look.kind, kind_reason=look.reason, cut=cut)

    def to_dict(self, *, anyway: bool = False) -> dict[str, Any]:
        """For other programs; `set` is None where no set can be promised. `box`: left, top, right, bottom in pixels of the picture.

        What can't be judged has no label and no probabilities, unless they are asked for `anyway`.
        """
        return {"path": self.name, "kind": self.kind, "kind_reason": self.kind_reason, **self._cut(), **self._said(anyway)}

    def _cut(self) -> dict[str, Any]:
        if self.cut is None:
            return {}
        cell = self.cut.cell
        return {"box": list(cell.box), "area": cell.area, "at_border": cell.at_border, "scale": self.cut.scale}

    def _said(self, anyway: bool) -> dict[str, Any]:
        told = anyway or self.judged is not False
        return {
            "label": self.label if told else None,
            "probabilities": self.probabilities if told else None,
            "raw_probabilities": self.raw_probabilities if told else None,
            "judged": self.judged,
            "reasons": list(self.reasons),
            "set": None if self.set is None or not told else list(self.set),
        }


@dataclass(frozen=True, eq=False)
class Counted:
    """A field of a smear: its white cells, and an answer for each of them, in order, each under the file's name."""

    name: str
    kind_reason: str
    field: Field | None
    """None where only the answers were kept."""
    cells: tuple[Classified, ...]

    def to_dict(self, *, anyway: bool = False) -> dict[str, Any]:
        """For other programs, as `Classified.to_dict`."""
        cells = [{"number": one.cut.cell.number, **one._cut(), **one._said(anyway)} for one in self.cells]
        return {"path": self.name, "kind": kinds.FIELD, "kind_reason": self.kind_reason, "cells": cells}


Found = Classified | Counted
"""What comes of a file that could be read."""


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
        for name, content in archives.pictures(archives.Packed(upload.name, upload.content), limits=limits.ZIPS):
            yield Upload(f"{upload.name}/{name}", content)
    except BadInput as error:
        yield Refused(upload.name, str(error))


def require_few(count: int) -> None:
    """Raises BadInput for more pictures than may be judged at once, before any of them is."""
    if count > limits.FILES:
        raise BadInput(f"{count:,} pictures are more than the {limits.FILES:,} that can be judged at once.", _PARTS)


def require_room(sizes: Iterable[int]) -> None:
    """Raises BadInput where files of these many bytes are more than may be in memory together."""
    if (together := sum(sizes)) > limits.TOGETHER_BYTES:
        raise BadInput(f"All files together have {together / 1e6:,.0f} MB; the limit is {limits.TOGETHER_BYTES / 1e6:,.0f}.", _PARTS)


def count(upload: Upload) -> int:
    """How many pictures a file holds: one, or those in a zip, one where it will be refused whole."""
    if not archives.is_zip(upload.name, upload.content):
        return 1
    try:
        return len(archives.shown(archives.Packed(upload.name, upload.content), limits=limits.ZIPS))
    except BadInput:
        return 1


def classify(
    model: ServedModel, uploads: Iterable[Upload], *, adviser: Adviser | None = None, kind: str = kinds.AUTO
) -> list[Found | Refused]:
    """As `answered`, all at once."""
    return list(answered(model, uploads, adviser=adviser, kind=kind))


def answered(
    model: ServedModel,
    uploads: Iterable[Upload | Refused],
    *,
    adviser: Adviser | None = None,
    kind: str = kinds.AUTO,
    seconds: float = limits.SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Found | Refused]:
    """An answer or a refusal for each file, in order and as they come; one bad file harms no other.

    Files are read as they come and judged BATCH at a time; by a heavy network on each of the processor's cores, and one part more: so many
    files away are the next answers at most. What was refused before is passed on, what is not begun after `seconds` refused. A single cell
    on a stained background is cut out and placed as the training cells are, and so is each white cell of a field; `kind` is what a person
    says that the files are, or AUTO.

    `adviser` is the run's, by `answers.adviser`: with it probabilities are calibrated, the kept threshold decides, and the guard and the
    set stand beside them. Without one the likeliest class is the answer, and its probabilities are the graph's own.

    Raises BadInput where there are more than `limits.FILES`.
    """
    adviser = adviser or Adviser(model.card)
    end = clock() + seconds
    late = f"Not judged: the {seconds / 60:.0f} minutes for one batch were over. Send it again, with fewer."

    def judge(asked: ServedModel, part: Sequence[Upload | Refused]) -> Iterator[Found | Refused]:
        timely = (Refused(one.name, late) if isinstance(one, Upload) and clock() > end else one for one in part)
        return _looked_and_judged(asked, timely, adviser, kind)

    cores = reading.cores() if _is_heavy(model) else 1
    if cores == 1:
        for part in _parts(uploads):
            yield from judge(model, part)
        return
    at_work: deque[Future[list[Found | Refused]]] = deque()
    pool = ThreadPoolExecutor(cores)
    try:
        for part in _parts(uploads):
            if not at_work and len(part) < BATCH:
                yield from judge(model, part)
                continue
            # Each core its own part, files and all: the graph of one part alone would leave the others idle while files are read.
            at_work.append(pool.submit(lambda part=part: list(judge(model.one_thread(), part))))
            if len(at_work) > cores:
                yield from at_work.popleft().result()
        while at_work:
            yield from at_work.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)  # of who asks for no more answers, what is not begun is left


def _is_heavy(model: ServedModel) -> bool:
    """Whether the graph takes most of an answer's time, so that threads gain: what is done beside it is Python's, one at a time."""
    try:
        return (registry.card(model.card.model).multiply_adds or 0) >= HEAVY
    except NotFound:  # of another version of this software
        return False


def _parts(uploads: Iterable[Upload | Refused]) -> Iterator[list[Upload | Refused]]:
    """Files in lists of BATCH, or fewer where these would be more than MOST_WAITING bytes. Raises BadInput beyond `limits.FILES`."""
    held: list[Upload | Refused] = []
    waiting = 0
    for number, upload in enumerate(uploads):
        if number >= limits.FILES:
            raise BadInput(f"More than {limits.FILES:,} files at once.", _PARTS)
        held.append(upload)
        waiting += len(upload.content) if isinstance(upload, Upload) else 0
        if len(held) >= BATCH or waiting >= MOST_WAITING:
            yield held
            held, waiting = [], 0
    if held:
        yield held


def _looked_and_judged(model: ServedModel, uploads: Iterable[Upload | Refused], adviser: Adviser, kind: str) -> Iterator[Found | Refused]:
    """Of each file, in order; the graph is asked of BATCH pictures at a time, as a field has many, and of fewer after MOST_SILENT."""
    held: list[Refused | tuple[str, Look]] = []
    pictures: list[np.ndarray] = []
    since = time.monotonic()
    for upload in uploads:
        if isinstance(upload, Upload):
            try:
                prepared = upload.read(model.card.input_size)
                look = cutting.looked(upload.content, prepared, ground=adviser.ground, kind=kind)
                pictures += [prepared.pixels] if look.field is None else [cut.shown for cut in look.cuts]
                held.append((upload.name, look))
            except (BadInput, Unreadable) as error:
                held.append(Refused(upload.name, str(error)))
        else:
            held.append(upload)
        if len(pictures) >= BATCH or time.monotonic() - since > MOST_SILENT:
            yield from _judged(model, held, pictures, adviser)
            held, pictures, since = [], [], time.monotonic()
    yield from _judged(model, held, pictures, adviser)


def _judged(
    model: ServedModel, held: list[Refused | tuple[str, Look]], pictures: list[np.ndarray], adviser: Adviser
) -> Iterator[Found | Refused]:
    told: Iterator[Said] = iter(())
    if pictures:
        together = np.stack(pictures)
        told = iter(answers.said(adviser, model.answer(together, batch=BATCH), together))
    for one in held:
        if isinstance(one, Refused):
            yield one
            continue
        name, look = one
        if look.field is None:
            yield Classified.of(name, next(told), look, None)
            continue
        cells = tuple(Classified.of(name, next(told), look, cut) for cut in look.cuts)
        yield cells[0] if look.kind == kinds.STAINED else Counted(name, look.reason, look.field, cells)


def recounted(model: ServedModel, name: str, pixels: np.ndarray, field: Field, adviser: Adviser) -> Counted:
    """The answers for a field that a person has corrected, in a uint8 RGB picture (height, width, 3)."""
    look = cutting.searched(pixels, field, model.card.input_size, ground=adviser.ground)
    (found,) = _judged(model, [(name, look)], [cut.shown for cut in look.cuts], adviser)
    return found


def document(adviser: Adviser, found: Iterable[Found | Refused], *, anyway: bool = False, worth: Worth | None = None) -> dict[str, Any]:
    """Answers as the command line and the HTTP endpoint give them. `threshold` is on `probabilities`, `raw_threshold` on the raw ones.

    `anyway`: with label and probabilities of what can't be judged. `worth`: predictive values, where they were asked for.
    """
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for one in found:  # told as they come: what stands behind them is not kept
        if isinstance(one, Refused):
            errors.append({"path": one.name, "error": one.error})
        else:
            results.append(one.to_dict(anyway=anyway))
    return {
        "results": results,
        "errors": errors,
        "synthetic": adviser.card.synthetic,
        "threshold": adviser.threshold,
        "raw_threshold": adviser.chosen.threshold if adviser.chosen else None,
        "why_not_guarded": adviser.why_no_guard,
        "why_not_calibrated": "" if adviser.calibrated.temperature else adviser.calibrated.why_no_temperature,
        "why_no_sets": "" if adviser.calibrated.sets else adviser.calibrated.why_no_sets,
        "predictive_values": None if worth is None else worth.to_dict(),
        "note": text.NOT_FOR_DIAGNOSIS,
    }
