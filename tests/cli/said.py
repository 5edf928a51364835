"""What a command line said, for the tests of all verbs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one document on stdout."""
        assert self.out.endswith("\n")
        assert self.out.count("\n") == 1
        found = json.loads(self.out)
        assert found.pop("schema_version") == 1
        return found


def plain(said: Said, code: int, words: str) -> None:
    """A refusal in one or two lines, nothing on stdout."""
    assert said.code == code
    assert said.out == ""
    assert 1 <= len(said.err.strip().splitlines()) <= 2, said.err
    assert words in said.err
    assert "Traceback" not in said.err
