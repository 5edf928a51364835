"""A finished run's figures in short: what a table of a thousand runs needs, without reading their curves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from allcore.base import fileio
from allcore.base.errors import NotFound
from allcore.base.paths import JobPaths
from allcore.data.splits import Certificate
from allcore.metrics.scores import ConstantScores, Scores

_PARTS = ("parameters", "epochs", "epoch_seconds", "seconds", "model_bytes")


@dataclass(frozen=True)
class Summary:
    """`summary.json`. Small enough to keep for thousands of runs."""

    scores: Scores
    """Of the test side; `roc` and `roc_micro` are None."""
    constant: ConstantScores
    certificate: Certificate
    test_side: str
    """Runs with the same one were tested on the same images."""
    parameters: int
    epochs: int
    epoch_seconds: float | None
    seconds: float | None
    model_bytes: int

    @property
    def trusted(self) -> bool:
        """Whether no patient stands on both sides."""
        return self.certificate.overlapping_subjects == 0

    @property
    def rank(self) -> tuple[bool, float]:
        """To sort by: runs tested on unseen patients above all others, then by balanced accuracy."""
        return (self.trusted, self.scores.balanced_accuracy)

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        return {
            "test": self.scores.to_dict(),
            "constant": self.constant.to_dict(),
            "certificate": self.certificate.to_dict(),
            "test_side": self.test_side,
            "training": {name: getattr(self, name) for name in _PARTS},
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Summary:
        """The inverse of `to_dict`."""
        return cls(
            Scores.from_dict(document["test"]),
            ConstantScores.from_dict(document["constant"]),
            Certificate.from_dict(document["certificate"]),
            document["test_side"],
            **{name: document["training"][name] for name in _PARTS},
        )


def of(metrics: Mapping[str, Any], certificate: Certificate, *, test_side: str) -> Summary:
    """From the content of `metrics.json`."""
    full = Scores.from_dict(metrics["test"])
    short = replace(full, by_class=tuple(replace(one, roc=None) for one in full.by_class), roc_micro=None)
    training = {name: metrics["training"][name] for name in _PARTS}
    return Summary(short, ConstantScores.from_dict(metrics["constant"]), certificate, test_side, **training)


def side_hash(image_ids: Iterable[str], *, data_fingerprint: str) -> str:
    """What tells one test side from another: SHA-256 over the data set's fingerprint and its images, in any order."""
    digest = hashlib.sha256(data_fingerprint.encode())
    for image_id in sorted(image_ids):
        digest.update(f"\n{image_id}".encode())
    return digest.hexdigest()


def _parsed(path: Path) -> Summary:
    return Summary.from_dict(fileio.read_json(path))


_read = fileio.remembered(_parsed, most=8192)


def _computed(path: Path) -> Summary:
    """Of a run that was trained before there were summaries: its split stands for its test side."""
    certificate = Certificate.from_dict(fileio.read_json(path.with_name("certificate.json")))
    return of(fileio.read_json(path), certificate, test_side=certificate.hash)


_read_metrics = fileio.remembered(_computed, most=8192)


def read(paths: JobPaths) -> Summary:
    """Raises NotFound where the run has no figures yet."""
    try:
        return _read(paths.summary)
    except FileNotFoundError:
        pass
    try:
        return _read_metrics(paths.metrics)
    except FileNotFoundError:
        raise NotFound(f"Run '{paths.id}' has no figures.", "It has not finished.") from None
