"""What was found in a data set, as `report.json` keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from allcore.base import fileio
from allcore.base.errors import NotFound
from allcore.base.paths import DatasetPaths

SERIOUS, WARNING, NOTE, GOOD = "serious", "warning", "note", "good"
SEVERITIES = (SERIOUS, WARNING, NOTE, GOOD)
"""Worst first. Serious: a result on these images may be worth nothing. Warning: look before you train. Note: know this. Good: in order."""
CHECKS = ("labels", "duplicates", "nuisance", "patients", "identity", "sizes", "files", "morphology")
"""What a person should know first."""
MOST_PICTURES = 12


@dataclass(frozen=True)
class Finding:
    """One thing found, in words for whoever will train on these images."""

    check: str
    """One of CHECKS."""
    severity: str
    title: str
    meaning: str
    action: str = ""
    """What to do about it; '' where nothing needs doing."""
    images: tuple[str, ...] = ()
    """Image ids to show, at most MOST_PICTURES, those that belong together side by side."""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    """The figures behind the words, as JSON."""


@dataclass(frozen=True)
class Report:
    """All findings on one data set."""

    dataset: str
    fingerprint: str
    """Of the data set that was checked."""
    created: str
    images: int
    findings: tuple[Finding, ...]
    """The worst first."""
    unknown: tuple[str, ...]
    """What could not be known of these images, a sentence each."""
    seconds: float

    def of(self, *severities: str) -> tuple[Finding, ...]:
        """Findings of these severities."""
        return tuple(one for one in self.findings if one.severity in severities)

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Report:
        """The inverse of `to_dict`."""
        known = {name: document[name] for name in cls.__dataclass_fields__}
        findings = tuple(Finding(**{**one, "images": tuple(one["images"])}) for one in known["findings"])
        return cls(**{**known, "findings": findings, "unknown": tuple(known["unknown"])})


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The worst first; of equal severity, in the order of CHECKS."""
    return tuple(sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), CHECKS.index(one.check))))


def worst(report: Report, most: int = 4) -> tuple[tuple[str, str], ...]:
    """(severity, title) of the worst findings, for the head of a page; one that all is in order where nothing was found.

    Of equal severity, a check's further findings come after the first ones of the others.
    """
    bad = report.of(SERIOUS, WARNING) or report.of(NOTE)
    if not bad:
        return ((GOOD, f"The checks found nothing to object to in {report.images:,} images."),)
    further = [one.check in {earlier.check for earlier in bad[:place]} for place, one in enumerate(bad)]
    order = sorted(range(len(bad)), key=lambda place: (SEVERITIES.index(bad[place].severity), further[place]))
    return tuple((bad[place].severity, bad[place].title) for place in order[:most])


def read(paths: DatasetPaths) -> Report | None:
    """The stored report; None where the data set was never checked, or the report is of other data. Raises NotFound without a data set."""
    try:
        fingerprint = fileio.read_json_cached(paths.card)["fingerprint"]
    except FileNotFoundError:
        raise NotFound(f"There is no data set '{paths.id}'.", "`data list` shows what there is.") from None
    try:
        found = _parsed(paths.checks)
    except FileNotFoundError:
        return None
    return found if found.fingerprint == fingerprint else None


_parsed = fileio.remembered(lambda path: Report.from_dict(fileio.read_json(path)), most=64)


def named(paths: DatasetPaths, one: Finding) -> frozenset[str]:
    """Ids of all images that a finding is about: every copy where it is about copies, else those that it shows."""
    if one.check == "duplicates" and one.images and paths.duplicates.exists():
        import pandas as pd

        return frozenset(pd.read_parquet(paths.duplicates, columns=["image_id"])["image_id"])
    return frozenset(one.images)
