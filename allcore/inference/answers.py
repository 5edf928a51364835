"""What a run says of a picture, all together: the one function behind the page, the command line and the HTTP endpoint.

The class is decided on the model's own probabilities by the threshold that was kept for the run; shown are calibrated ones, beside the
model's own, the guard's verdict and the set. Nothing here is chosen on the test side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.inference import calibrated, guard, guarding, placing, served
from allcore.inference.calibrated import Calibrated
from allcore.inference.guard import Guard
from allcore.inference.served import Answer, ServedCard
from allcore.metrics.thresholds import Chosen
from allcore.runs import threshold


@dataclass(frozen=True)
class Adviser:
    """What stands beside a run's graph to make an answer of its probabilities."""

    card: ServedCard
    calibrated: Calibrated = field(default_factory=Calibrated)
    guard: Guard | None = None
    why_no_guard: str = ""
    chosen: Chosen | None = None
    """The threshold kept for the run, on the model's own probabilities; of two classes alone."""
    ground: str = placing.BLACK
    """How its training cells stand, by `placing.ground`: so stand what is cut out of a picture."""

    @property
    def threshold(self) -> float | None:
        """The kept threshold among the probabilities shown; None where the likeliest class is the answer."""
        return None if self.chosen is None else self.calibrated.threshold(self.chosen.threshold)

    @property
    def wanting(self) -> tuple[str, ...]:
        """What its answers lack, and why, in sentences: a guard, calibration, sets."""
        return tuple(filter(None, (self.why_no_guard, self.no_calibration, self.no_sets)))

    @property
    def no_calibration(self) -> str:
        """That its probabilities are not calibrated, and why; '' where they are."""
        found = self.calibrated
        return "" if found.temperature else f"Probabilities are not calibrated. {found.why_no_temperature}".strip()

    @property
    def no_sets(self) -> str:
        """That it promises no sets, and why; '' where it does."""
        return "" if self.calibrated.sets else f"No set of classes is promised. {self.calibrated.why_no_sets}".strip()


@dataclass(frozen=True)
class Said:
    """Of one picture."""

    label: str
    probabilities: dict[str, float]
    """Calibrated, in the order of the model's classes."""
    raw_probabilities: dict[str, float]
    """As the model's graph gives them."""
    judged: bool | None = None
    """Whether the guard let it pass; None where the run has no guard. Where it did not, the label is no answer."""
    reasons: tuple[str, ...] = ()
    """Why not, in sentences."""
    set: tuple[str, ...] | None = None
    """The classes that can't be ruled out at the promised coverage; None where no promise can be made."""
    scores: Mapping[str, float] | None = None
    """The guard's distances by their limits."""


def adviser(artifacts: Artifacts, paths: JobPaths) -> Adviser:
    """Of a finished run; a run from before there were guards is given one now, some seconds. Raises NotFound."""
    card = served.read_card(paths)
    chosen = threshold.read(paths) if len(card.class_names) == 2 else None
    beside = {"calibrated": calibrated.of_run(paths, card.class_names), "chosen": chosen, "ground": placing.ground(artifacts, paths)}
    try:
        return Adviser(card, guard=guarding.of_run(artifacts, paths), **beside)
    except NotFound as error:
        return Adviser(card, why_no_guard=f"Nothing tells whether this model has seen the like: {error.message}", **beside)


def said(adviser: Adviser, answer: Answer, pictures: np.ndarray) -> list[Said]:
    """Of prepared pictures, uint8 (n, size, size, 3), and what the run's graph answered to them."""
    card, found = adviser.card, []
    shown = adviser.calibrated.probabilities(answer.probabilities)
    for picture, embedding, raw, mended in zip(pictures, answer.embeddings, answer.probabilities, shown, strict=True):
        verdict = None if adviser.guard is None else guard.judge(adviser.guard, picture, embedding)
        found.append(
            Said(
                label=_label(adviser, raw),
                probabilities=_named(card, mended),
                raw_probabilities=_named(card, raw),
                judged=None if verdict is None else verdict.ok,
                reasons=() if verdict is None else verdict.reasons,
                set=adviser.calibrated.set_of(raw),
                scores=None if verdict is None else verdict.scores,
            )
        )
    return found


def _label(adviser: Adviser, raw: np.ndarray) -> str:
    names, chosen = adviser.card.class_names, adviser.chosen
    if chosen is None:
        return names[int(np.argmax(raw))]
    positive = names.index(adviser.card.positive)
    return names[positive if raw[positive] >= chosen.threshold else 1 - positive]


def _named(card: ServedCard, values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(card.class_names, values, strict=True)}


def agreement(said_by_all: Sequence[Said]) -> str:
    """Several models on one picture, in a sentence; those that can't judge it have no vote."""
    votes = Counter(one.label for one in said_by_all if one.judged is not False)
    silent = len(said_by_all) - votes.total()
    if not votes:
        return f"None of {len(said_by_all)} models can judge this image."
    unable = f"; {silent} can't judge it" if silent else ""
    if len(votes) == 1 and votes.total() > 1:
        return f"All {votes.total()} models{' that judge it' * bool(silent)} say {next(iter(votes))}{unable}."
    counts = ", ".join(f"{count} say {label}" if count > 1 else f"1 says {label}" for label, count in votes.most_common())
    return f"Of {len(said_by_all)} models {counts}{unable}."
