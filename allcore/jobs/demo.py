"""The demo data set: drawn cells, made once in an empty laboratory."""

from __future__ import annotations

from allcore.base.errors import Conflict, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import records
from allcore.data.phantom import PhantomSpec
from allcore.data.records import DatasetCard
from allcore.jobs import submit
from allcore.runs import spec, store

NAME = "demo"
MODEL = "allnet"
"""What the first lesson trains."""
SPEC = PhantomSpec(difficulty=0.2, habits=0.3)
"""A little easier to tell apart than the default, so that a training of a minute has something to show."""


def card(artifacts: Artifacts) -> DatasetCard | None:
    """The demo data set, where it has been made."""
    try:
        return records.read_card(artifacts.dataset(NAME))
    except NotFound:
        return None


def queue(artifacts: Artifacts) -> JobPaths | None:
    """Queue its making; None where it exists or is on its way."""
    making = [job for job in store.active(artifacts) if job.spec.kind == spec.PHANTOM and job.spec.params["name"] == NAME]
    if making or card(artifacts) is not None:
        return None
    try:
        return submit.phantom(artifacts, NAME, SPEC)
    except Conflict:  # made in this very moment
        return None
