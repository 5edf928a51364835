"""Another data set's classes, as a run's: by name, or as somebody says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from allcore.base.errors import BadInput

LEFT_OUT = ""
"""What a class is mapped to that is to be left out."""


def matched(theirs: Sequence[str], ours: Sequence[str], said: Mapping[str, str]) -> dict[str, str]:
    """For each of their classes the one of ours that it is, or LEFT_OUT.

    `said` goes before names; names are compared without regard to capitals. Raises BadInput where a class is nobody's, a name in `said`
    does not exist, or fewer than two of our classes are there.
    """
    known = {name.casefold(): name for name in ours}
    for their, our in said.items():
        if their not in theirs:
            raise BadInput(f"There is no class '{their}' to map.", f"That data set has: {', '.join(theirs)}.")
        if our != LEFT_OUT and our not in ours:
            raise BadInput(
                f"'{their}' can't be mapped to '{our}'.", f"The run knows: {', '.join(ours)}; with nothing after '=' it is left out."
            )
    found = {their: said.get(their, known.get(their.casefold())) for their in theirs}
    strange = [their for their, our in found.items() if our is None]
    if strange:
        raise BadInput(
            f"The run does not know the class '{strange[0]}': it tells {', '.join(ours)} apart.",
            f"Say which it is, as {strange[0]}={ours[0]}, or leave it out, as {strange[0]}=",
        )
    if len(set(found.values()) - {LEFT_OUT}) < 2:
        raise BadInput("Fewer than two of the run's classes are there: nothing is to be told apart.", f"The run knows: {', '.join(ours)}.")
    return {their: our for their, our in found.items() if our is not None}
