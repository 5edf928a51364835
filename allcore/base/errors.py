"""Errors that a user reads: each says what is wrong, where, and what to do."""

from __future__ import annotations


class AllcoreError(Exception):
    """A failure with a message for people.

    `message` says what is wrong and where; `hint` says what to do about it. Anything that is not an `AllcoreError` is a
    bug of ours and is shown as one.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self):  # Exception's own would drop the hint on the way through a process pool
        return type(self), (self.message, self.hint)


class BadInput(AllcoreError):
    """What the user gave can't be used: a file, a name, a setting."""

    exit_code = 2


class NotFound(BadInput):
    """The data set, run or model that was named does not exist."""


class Unreadable(BadInput):
    """An image's bytes can't be turned into a picture we would trust."""


class Conflict(AllcoreError):
    """The thing is not in a state that allows this: a name taken, a run that has ended."""

    exit_code = 2


class Forbidden(AllcoreError):
    """The thing belongs to somebody else."""

    exit_code = 2


class Fenced(AllcoreError):
    """This process is no longer the one that may write to its job: a later attempt, or a cancellation, has taken over."""


class Cancelled(AllcoreError):
    """The user asked for this job to stop."""
