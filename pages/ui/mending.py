"""What a person has corrected of the pictures that they look at: one that came alone until another does, a batch's until the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from allcore.inference.fields import Field
from allcore.inference.uploads import Found, Refused, Upload
from pages.ui import state

_KEPT = "mended"


@dataclass(frozen=True, eq=False)
class Mended:
    """Of one picture."""

    digest: str
    said: str
    """What the picture was said to show before it was looked at here."""
    kind: str
    place: str = ""
    """Which batch's file it is, and which of them; '' for one that came alone."""
    field: Field | None = None
    """Its cells, where they were corrected."""
    steps: int = 0
    """How often the field was corrected; each time the chart and the list get a new key, and so nothing is selected in them."""
    chosen: int | None = None
    complaint: str = ""
    tries: int = 0
    """Boxes and clicks that held no cell."""

    @property
    def key(self) -> str:
        """What tells it from others, the same picture elsewhere in a batch among them."""
        return f"{self.place}-{self.digest[:16]}-{self.said}"

    @property
    def by_hand(self) -> bool:
        """Whether anything of the answer is a person's."""
        return self.field is not None or self.kind != self.said

    def with_field(self, field: Field, *, chosen: int | None) -> Mended:
        """With other cells, the one of number `chosen` looked at."""
        return replace(self, field=field, steps=self.steps + 1, chosen=chosen, complaint="")


Told = Callable[[Found | Refused, Mended], None]
"""Is told a picture's answer each time that it is drawn, and what was corrected for it."""


def of(upload: Upload, said: str, *, place: str = "") -> Mended:
    """What is corrected of a picture that was said to show this; at first nothing."""
    fresh = Mended(upload.digest, said, said, place)
    return _kept().get(fresh.key, fresh)


def _kept() -> dict[str, Mended]:
    return state.get(_KEPT, {})


def keep(mended: Mended) -> None:
    """From now on this is what is corrected of its picture."""
    state.put(_KEPT, {**_kept(), mended.key: mended})


def say(mended: Mended, kind: str) -> None:
    """The picture is of that kind, and nothing else is corrected."""
    keep(Mended(mended.digest, mended.said, kind, mended.place))


def begin(mended: Mended) -> None:
    """This picture came alone: what was corrected of others that did is forgotten."""
    state.put(_KEPT, {key: one for key, one in _kept().items() if one.place} | {mended.key: mended})


def begin_batch() -> None:
    """Many pictures came: what was corrected of those that came together before is forgotten."""
    state.put(_KEPT, {key: one for key, one in _kept().items() if not one.place})
