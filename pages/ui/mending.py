"""What a person has corrected of the pictures that they look at: one that came alone until another does, a batch's until the next."""

from __future__ import annotations

from dataclasses import dataclass, replace

from allcore.inference.fields import Field
from allcore.inference.uploads import Upload
from pages.ui import state

_KEPT = "mended"


@dataclass(frozen=True, eq=False)
class Mended:
    """Of one picture."""

    digest: str
    said: str
    """What the picture was said to show before it was looked at here."""
    kind: str
    field: Field | None = None
    """Its cells, where they were corrected."""
    steps: int = 0
    """How often the field was corrected; each time the chart and the list get a new key, and so nothing is selected in them."""
    chosen: int | None = None
    complaint: str = ""
    tries: int = 0
    """Boxes and clicks that held no cell."""

    @property
    def by_hand(self) -> bool:
        """Whether anything of the answer is a person's."""
        return self.field is not None or self.kind != self.said

    def with_field(self, field: Field, *, chosen: int | None) -> Mended:
        """With other cells, the one of number `chosen` looked at."""
        return replace(self, field=field, steps=self.steps + 1, chosen=chosen, complaint="")


def of(upload: Upload, said: str) -> Mended:
    """What is corrected of a picture that was said to show this; at first nothing."""
    return _kept().get((upload.digest, said)) or Mended(upload.digest, said, said)


def _kept() -> dict[tuple[str, str], Mended]:
    return state.get(_KEPT, {})


def keep(mended: Mended) -> None:
    """From now on this is what is corrected of its picture."""
    state.put(_KEPT, {**_kept(), (mended.digest, mended.said): mended})


def say(mended: Mended, kind: str) -> None:
    """The picture is of that kind, and nothing else is corrected."""
    keep(Mended(mended.digest, mended.said, kind))


def forget(*, but: Mended | None = None) -> None:
    """What was corrected of all pictures, or of all others."""
    state.put(_KEPT, {} if but is None else {(but.digest, but.said): but})
