"""Who asks: whose a job is, and what that person may do."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass

from allcore.base.errors import Forbidden

USER_VARIABLE = "ALLCORE_USER"
ADMINS_VARIABLE = "ALLCORE_ADMINS"


@dataclass(frozen=True)
class Person:
    """Somebody who queues, stops and deletes jobs."""

    name: str
    signed_in: bool = False
    """Whether an identity provider vouches for the name. Who works in the artifacts folder itself needs nobody's leave."""

    @property
    def is_admin(self) -> bool:
        """Whether ALLCORE_ADMINS, names separated by commas, has this person; everybody is one where nobody signs in."""
        return not self.signed_in or self.name.casefold() in _admins()

    def may_change(self, owner: str) -> bool:
        """Whether this person may stop, move or delete what belongs to `owner`."""
        return self.is_admin or self.name == owner

    def require(self, owner: str, what: str) -> None:
        """Raises Forbidden where `may_change` is false; `what` names the thing."""
        if not self.may_change(owner):
            raise Forbidden(f"{what} belongs to {owner or 'nobody who signed in'}.", "Ask its owner or an administrator.")

    def require_admin(self, deed: str) -> None:
        """Raises Forbidden for anybody but an administrator; `deed` says what was to be done: 'Pausing the queue'."""
        if not self.is_admin:
            raise Forbidden(f"{deed} is for administrators.", f"{ADMINS_VARIABLE} names them on the server.")


def local() -> Person:
    """Who works on this machine without a sign-in: ALLCORE_USER, else the system's user."""
    named = os.environ.get(USER_VARIABLE, "").strip()
    if named:
        return Person(named)
    try:
        return Person(getpass.getuser())
    except (OSError, KeyError):  # a container's user without a name
        return Person("local")


def _admins() -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in os.environ.get(ADMINS_VARIABLE, "").split(",") if name.strip())
