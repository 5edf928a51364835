"""Digits and sentences."""

from __future__ import annotations

import pytest

from allcore.metrics.intervals import Interval
from allcore.metrics.text import change, percent, show, threshold_sentence


@pytest.mark.parametrize(
    ("interval", "text", "hundredths"),
    [
        (Interval(0.874, 0.812, 0.916), "0.874 (0.81–0.92)", "87 % (81–92)"),
        (Interval(0.874), "0.874", "87 %"),
        (Interval(None), "–", "–"),
        (Interval(0.95, 0.944, 0.956), "0.950 (0.944–0.956)", "95.0 % (94.4–95.6)"),
        (Interval(1.0, 0.75, 1.0), "1.000 (0.75–1.00)", "100 % (75–100)"),
        (Interval(0.9997, 0.91, 0.99999), ">0.999 (0.91–1.00)", ">99.9 % (91–>99.9)"),
        (Interval(0.0003), "<0.001", "<0.1 %"),
        (Interval(0.996, 0.95, 0.998), "0.996 (0.95–1.00)", "99.6 % (95–99.8)"),
        (Interval(0.0), "0.000", "0 %"),
    ],
)
def test_digits(interval: Interval, text: str, hundredths: str) -> None:
    assert show(interval) == text
    assert percent(interval) == hundredths


def test_a_difference_has_its_sign() -> None:
    assert change(Interval(0.0124, -0.02, 0.051)) == "+0.012 (-0.020 to +0.051)"
    assert change(Interval(-0.5)) == "-0.500"
    assert change(Interval(None)) == "–"


def test_threshold_sentence() -> None:
    sensitivity, false_positives = Interval(0.93, 0.88, 0.96), Interval(0.21, 0.15, 0.29)
    assert threshold_sentence(sensitivity, false_positives, positive="leukemia", negative="healthy") == (
        "At this threshold it finds 93 % (88–96) of leukemic cells and calls 21 % (15–29) of healthy ones leukemic."
    )
    assert threshold_sentence(sensitivity, false_positives, positive="Pro", negative="Benign") == (
        "At this threshold it finds 93 % (88–96) of Pro images and calls 21 % (15–29) of Benign ones Pro."
    )


def test_threshold_sentence_with_one_class_only() -> None:
    some, none = Interval(0.5), Interval(None)
    names = {"positive": "leukemia", "negative": "healthy"}
    assert threshold_sentence(some, none, **names) == (
        "At this threshold it finds 50 % of leukemic cells; there are no healthy ones to judge it by."
    )
    assert threshold_sentence(none, some, **names) == (
        "At this threshold it calls 50 % of healthy cells leukemic; there are no leukemic ones to find."
    )
    assert threshold_sentence(none, none, **names) == "There is nothing to judge this threshold by."
