"""What predictions on one side of a split are worth: the frozen result, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from allcore.metrics.intervals import Interval
from allcore.metrics.text import number

INTERVALS = ("accuracy", "balanced_accuracy", "weighted_f1", "sensitivity", "specificity", "auroc")


@dataclass(frozen=True)
class RocCurve:
    """One receiver operating characteristic, from (0, 0) to (1, 1), at most 400 points.

    At `threshold[i]` (finite, falling; an image is called positive from it upwards) the rates are `fpr[i]` and `tpr[i]`.
    `auroc` is the area under the whole curve, before points were left out.
    """

    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    threshold: tuple[float, ...]
    auroc: float

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> RocCurve:
        return cls(tuple(document["fpr"]), tuple(document["tpr"]), tuple(document["threshold"]), document["auroc"])


@dataclass(frozen=True)
class ClassScores:
    """One class against all others. `support` counts its images; what can't be computed is None."""

    name: str
    support: int
    subjects: int | None
    precision: float | None
    recall: float | None
    f1: float | None
    roc: RocCurve | None

    @property
    def auroc(self) -> float | None:
        return self.roc.auroc if self.roc else None

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ClassScores:
        roc = document["roc"]
        return cls(**{**_known(cls, document), "roc": RocCurve.from_dict(roc) if roc else None})


@dataclass(frozen=True)
class Scores:
    """All figures of one set of predictions. A figure that can't be computed is None, never NaN.

    - The predicted class is the one of the highest probability, the first of several equals.
    - `confusion[true][predicted]` counts images, in the order of `classes`.
    - `subjects` counts patients; None where not every image has a patient id.
    - `sensitivity`, `specificity`, `ppv` and `npv` are those of the class `positive` and exist for two classes only.
    - `auroc` is that of `positive` against the rest, `auroc_macro` the plain mean over classes, and `auroc_micro` (and
      `roc_micro`) treats every (image, class) pair as one case.
    - `log_loss` is in nats; `brier` runs from 0 to 1 for two classes and from 0 to 2 for more, as in scikit-learn.
    - `intervals` has one `Interval` for each name in `INTERVALS`, with None inside where there is no figure; runs of earlier
      versions may lack one.
    """

    n: int
    classes: tuple[str, ...]
    positive: str
    subjects: int | None
    by_class: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    accuracy: float
    balanced_accuracy: float
    weighted_f1: float
    sensitivity: float | None
    specificity: float | None
    ppv: float | None
    npv: float | None
    auroc: float | None
    auroc_micro: float | None
    auroc_macro: float | None
    roc_micro: RocCurve | None
    log_loss: float
    brier: float
    intervals: Mapping[str, Interval]

    @property
    def n_by_class(self) -> dict[str, int]:
        """Images of each class."""
        return {one.name: one.support for one in self.by_class}

    @property
    def subjects_by_class(self) -> dict[str, int] | None:
        """Patients with an image of each class; None without patient ids."""
        return None if self.subjects is None else {one.name: one.subjects for one in self.by_class}

    @property
    def auroc_by_class(self) -> dict[str, float | None]:
        """Area under the ROC curve of each class against the rest."""
        return {one.name: one.auroc for one in self.by_class}

    def of(self, name: str) -> ClassScores:
        """The figures of one class; raises KeyError for a name that is not among `classes`."""
        return dict(zip(self.classes, self.by_class, strict=True))[name]

    def to_dict(self) -> dict[str, Any]:
        """A JSON document without NaN."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Scores:
        """The inverse of `to_dict`, also after a way through JSON; keys of no meaning here are left out."""
        micro = document["roc_micro"]
        return cls(
            **{
                **_known(cls, document),
                "classes": tuple(document["classes"]),
                "by_class": tuple(ClassScores.from_dict(one) for one in document["by_class"]),
                "confusion": tuple(tuple(row) for row in document["confusion"]),
                "roc_micro": RocCurve.from_dict(micro) if micro else None,
                "intervals": {name: Interval.from_dict(one) for name, one in document["intervals"].items()},
            }
        )


@dataclass(frozen=True)
class ConstantScores:
    """What calling every image `predicted` would reach: the floor that a model has to beat. Its AUROC is 0.5 by definition."""

    predicted: str
    accuracy: float
    balanced_accuracy: float
    weighted_f1: float
    auroc: float

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        return asdict(self)

    def sentence(self) -> str:
        """What a figure is to be held against."""
        return f"Calling every image {self.predicted} reaches a balanced accuracy of {number(self.balanced_accuracy)}."

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ConstantScores:
        """The inverse of `to_dict`."""
        return cls(**_known(cls, document))


@dataclass(frozen=True)
class OperatingPoint:
    """A binary problem at one threshold: counts of images, and the rates that follow; a rate without a denominator is None."""

    threshold: float
    tp: int
    fn: int
    fp: int
    tn: int

    @property
    def n(self) -> int:
        return self.tp + self.fn + self.fp + self.tn

    @property
    def sensitivity(self) -> float | None:
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float | None:
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def false_positive_rate(self) -> float | None:
        return _ratio(self.fp, self.tn + self.fp)

    @property
    def ppv(self) -> float | None:
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def npv(self) -> float | None:
        return _ratio(self.tn, self.tn + self.fn)

    @property
    def accuracy(self) -> float | None:
        return _ratio(self.tp + self.tn, self.n)

    @property
    def balanced_accuracy(self) -> float | None:
        """The mean of sensitivity and specificity, or the one that exists."""
        known = [one for one in (self.sensitivity, self.specificity) if one is not None]
        return sum(known) / len(known) if known else None

    @property
    def f1(self) -> float | None:
        """Of the positive class; None where no image is positive or called so."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fn + self.fp)

    @property
    def weighted_f1(self) -> float | None:
        """F1 of both classes, weighted by their images."""
        if not self.n:
            return None
        negative = _ratio(2 * self.tn, 2 * self.tn + self.fn + self.fp) or 0.0
        return ((self.f1 or 0.0) * (self.tp + self.fn) + negative * (self.tn + self.fp)) / self.n


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _known(cls: type, document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in cls.__dataclass_fields__}
