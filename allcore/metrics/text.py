"""Figures and their intervals as people read them; the one place that decides on digits, and the sentence that goes with them all."""

from __future__ import annotations

from allcore.metrics.intervals import Interval

NOT_FOR_DIAGNOSIS = "For teaching and research, not for diagnosis."
"""What stands wherever an answer or a figure does."""
NO_FIGURE = "–"
# The kinds of cells whose names make adjectives; images of other classes are named by their class.
_ADJECTIVES = {"leukemia": "leukemic", "healthy": "healthy"}
_NARROW = 0.02


def number(value: float | None) -> str:
    """A share with three digits: '0.874'. What is not quite 1 or 0 never reads so: '>0.999', '<0.001'."""
    if value is None:
        return NO_FIGURE
    if 0.9995 <= value < 1:
        return ">0.999"
    return "<0.001" if 0 < value < 0.0005 else f"{value:.3f}"


def show(interval: Interval) -> str:
    """'0.874 (0.81–0.92)'; without limits '0.874'; without a figure '–'. Narrow limits take a third digit."""
    estimate = number(interval.estimate)
    if interval.low is None or interval.high is None:
        return estimate
    digits = 3 if interval.high - interval.low < _NARROW else 2
    return f"{estimate} ({interval.low:.{digits}f}–{interval.high:.{digits}f})"


def change(interval: Interval) -> str:
    """A difference, always with its sign: '+0.012 (-0.020 to +0.051)'; without limits '+0.012'; without a figure '–'."""
    if interval.estimate is None:
        return NO_FIGURE
    if interval.low is None or interval.high is None:
        return f"{interval.estimate:+.3f}"
    return f"{interval.estimate:+.3f} ({interval.low:+.3f} to {interval.high:+.3f})"


def percentage(value: float | None) -> str:
    """A share in hundredths: '93 %'. What is not quite 0 or 100 takes a decimal: '99.6 %', '>99.9 %'."""
    return NO_FIGURE if value is None else f"{_hundredths(value, 0)} %"


def percent(interval: Interval) -> str:
    """'93 % (88–96)'; without limits '93 %'; without a figure '–'. Narrow limits and what is nearly 0 or 100 take a decimal."""
    if interval.estimate is None or interval.low is None or interval.high is None:
        return percentage(interval.estimate)
    digits = 1 if interval.high - interval.low < _NARROW else 0
    estimate, low, high = (_hundredths(value, digits) for value in (interval.estimate, interval.low, interval.high))
    return f"{estimate} % ({low}–{high})"


def threshold_sentence(sensitivity: Interval, false_positive_rate: Interval, *, positive: str, negative: str) -> str:
    """What a binary run does at a threshold: 'At this threshold it finds 93 % (88–96) of leukemic cells and calls 21 % (15–29)
    of healthy ones leukemic.'

    The intervals are those of `classification.rates_at`; `positive` and `negative` are the names of the classes.
    """
    found, others = _ADJECTIVES.get(positive, positive), _ADJECTIVES.get(negative, negative)
    things = "cells" if positive in _ADJECTIVES else "images"
    if sensitivity.estimate is None and false_positive_rate.estimate is None:
        return "There is nothing to judge this threshold by."
    finds = f"finds {percent(sensitivity)} of {found} {things}"
    if false_positive_rate.estimate is None:
        return f"At this threshold it {finds}; there are no {others} ones to judge it by."
    if sensitivity.estimate is None:
        return f"At this threshold it calls {percent(false_positive_rate)} of {others} {things} {found}; there are no {found} ones to find."
    return f"At this threshold it {finds} and calls {percent(false_positive_rate)} of {others} ones {found}."


def _hundredths(value: float, digits: int) -> str:
    text = f"{100 * value:.{digits}f}"
    if 0 < value < 1 and float(text) in (0, 100):
        return {0: "<0.1", 100: ">99.9"}.get(round(100 * value, 1), f"{100 * value:.1f}")
    return text
