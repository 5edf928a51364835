"""One threshold for all that a page shows of a run: chosen by a rule, by hand or by a click on a curve; and kept for new pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from allcore.base.errors import BadInput
from allcore.metrics import classification, text, thresholds
from allcore.metrics import operating as at_threshold
from allcore.metrics.intervals import Interval
from allcore.metrics.scores import ConstantScores, OperatingPoint, Scores
from allcore.metrics.thresholds import Chosen, Sweep
from allcore.runs import threshold as kept
from allcore.runs.store import Job
from pages.ui import cached, state, widgets

THRESHOLD, RULE, TARGET, COST = "threshold", "threshold-rule", "threshold-target", "threshold-cost"
PART = "at-a-threshold"
"""The part of the page, by its name, that shows the threshold and all that follows from it."""
_OWNER, _DIGITS = "threshold-owner", 3
DEFAULT = "default"
RULES = {
    DEFAULT: "0.5, as trained",
    thresholds.YOUDEN: "Youden: most of both classes",
    thresholds.SENSITIVITY: "A target sensitivity",
    thresholds.EQUAL_ERROR: "Equal error in both classes",
    thresholds.COST: "The cost of a miss",
    thresholds.HAND: "By hand",
}


@dataclass(frozen=True)
class Operating:
    """A run of two classes at the threshold in use, on its test side."""

    chosen: Chosen
    point: OperatingPoint
    sensitivity: Interval
    false_positive_rate: Interval
    truth: np.ndarray
    p: np.ndarray
    subjects: np.ndarray | None

    @property
    def threshold(self) -> float:
        return self.chosen.threshold


def side(job: Job, scores: Scores, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Truth (n,) bool, probability of the positive class (n,) and patients (n,) or None, of one side of a run."""
    table = cached.predictions(job, name)
    subjects = table["subject"].to_numpy() if scores.subjects else None
    return (table["label"] == scores.positive).to_numpy(), table[f"p_{scores.positive}"].to_numpy(), subjects


def control(job: Job, scores: Scores) -> Operating:
    """The threshold's control with its sentence; what follows from it."""
    stored = kept.read(job.paths)
    _settle(job, stored)
    ruled = _rule(job, scores)
    value = st.slider(
        "Threshold",
        0.0,
        1.0,
        step=0.001,
        format="%.3f",
        key=THRESHOLD,
        on_change=lambda: state.fill(RULE, thresholds.HAND),
        help=f"An image is called {scores.positive} when its probability is at least this. A click on a curve sets it too.",
    )
    _in_address(value)
    truth, p, subjects = side(job, scores, "test")
    chosen = _origin(value, ruled, stored, scores)
    found, false = classification.rates_at(truth, p, value, subjects=subjects)
    now = Operating(chosen, cached.sweep(job, scores.positive).at(value), found, false, truth, p, subjects)
    negative = next(name for name in scores.classes if name != scores.positive)
    st.markdown(text.threshold_sentence(found, false, positive=scores.positive, negative=negative))
    if said := _said_of(chosen):
        st.caption(said)
    _keep(job, chosen, stored)
    return now


def set_by_click(chart: str) -> None:
    """To be called back by a curve whose points carry their threshold: moves it, also from a part within, which would be drawn alone."""
    value = state.clicked(chart)
    value = value[0] if isinstance(value, (list, tuple)) else value
    if value is not None:
        state.fill(THRESHOLD, round(min(1.0, max(0.0, float(value))), _DIGITS))
        state.fill(RULE, thresholds.HAND)
        st.rerun(PART)


def _settle(job: Job, stored: Chosen | None) -> None:
    """A run that is newly looked at starts at its kept threshold, else at 0.5; an address that names one goes first."""
    if state.get(_OWNER) == job.id:
        return
    asked = _asked_for() if state.get(_OWNER) is None else None
    state.put(_OWNER, job.id)
    if asked is not None:
        state.fill(THRESHOLD, asked)
        state.fill(RULE, thresholds.HAND)
    else:
        state.fill(THRESHOLD, round(stored.threshold, _DIGITS) if stored else thresholds.DEFAULT)
        state.fill(RULE, stored.rule if stored else DEFAULT)


def _asked_for() -> float | None:
    """The threshold that the address names, where it is one."""
    try:
        value = float(st.query_params[THRESHOLD])
    except (KeyError, ValueError):
        return None
    return round(value, _DIGITS) if 0 <= value <= 1 else None


def _in_address(value: float) -> None:
    """Let the address name the threshold. By hand, since a slider that is given its value does not write itself there."""
    if value == thresholds.DEFAULT:
        st.query_params.pop(THRESHOLD, None)
    elif st.query_params.get(THRESHOLD) != f"{value:g}":
        st.query_params[THRESHOLD] = f"{value:g}"


def _rule(job: Job, scores: Scores) -> Chosen | None:
    """The picker of a rule, and what the rule gives on the calibrate part; None for the default and for what is set by hand."""
    try:
        sweep = cached.sweep(job, scores.positive, "calibrate")
    except BadInput:
        sweep = None
    offered = list(RULES) if sweep else [DEFAULT, thresholds.HAND]
    if state.value(RULE) not in offered:
        state.fill(RULE, thresholds.HAND)
    rule = st.selectbox(
        "Chosen by",
        offered,
        format_func=RULES.get,
        key=RULE,
        on_change=lambda: _apply(job, scores, sweep),
        help="Rules look at the calibrate part alone, never at the test side."
        if sweep
        else "This run kept no images of both classes for calibration: there is nothing that a rule could look at.",
    )
    options = {"on_change": lambda: _apply(job, scores, sweep)}
    if rule == thresholds.SENSITIVITY:
        st.number_input("Sensitivity of at least, %", 1.0, 100.0, 95.0, 1.0, key=TARGET, **options)
    elif rule == thresholds.COST:
        st.number_input("A miss costs as much as so many false alarms", 0.1, 1000.0, 5.0, 1.0, key=COST, **options)
    return _by_rule(job, scores, sweep, rule)


def _by_rule(job: Job, scores: Scores, sweep: Sweep | None, rule: str) -> Chosen | None:
    if sweep is None or rule in (DEFAULT, thresholds.HAND):
        return None
    value = {thresholds.SENSITIVITY: (state.value(TARGET) or 95.0) / 100, thresholds.COST: state.value(COST) or 5.0}.get(rule)
    subjects = side(job, scores, "calibrate")[2]
    found = thresholds.chosen(sweep, rule, value=value, patients=None if subjects is None else len(set(subjects)))
    # Rounded down, so that a sensitivity that is reached stays reached.
    step = 10**-_DIGITS
    return Chosen(**{**found.to_dict(), "threshold": round(min(1.0, np.floor(found.threshold / step) * step), _DIGITS)})


def _apply(job: Job, scores: Scores, sweep: Sweep | None) -> None:
    rule = state.value(RULE)
    if rule == DEFAULT:
        state.fill(THRESHOLD, thresholds.DEFAULT)
        return
    found = _by_rule(job, scores, sweep, rule)
    if found:
        state.fill(THRESHOLD, found.threshold)


def _origin(value: float, ruled: Chosen | None, stored: Chosen | None, scores: Scores) -> Chosen:
    """Where the threshold in use comes from."""
    for one in (ruled, stored):
        if one and abs(round(one.threshold, _DIGITS) - value) < 1e-9:
            return one
    if value == thresholds.DEFAULT:
        return Chosen(value, DEFAULT, thresholds.CALIBRATE)
    return Chosen(value, thresholds.HAND, thresholds.TEST, images=scores.n, patients=scores.subjects)


def _said_of(chosen: Chosen) -> str:
    if chosen.rule == DEFAULT:
        return ""
    if chosen.optimistic:
        return ":orange[:material/warning:] Chosen by hand on the test side: these figures are optimistic."
    people = "" if chosen.patients is None else f" of {widgets.counted(chosen.patients, 'patient')}"
    few = ", few to choose by" if chosen.patients is not None and chosen.patients < 10 else ""
    return f":green[:material/check:] Chosen on the calibrate part: {widgets.counted(chosen.images, 'image')}{people}{few}."


def _keep(job: Job, chosen: Chosen, stored: Chosen | None) -> None:
    now = stored.threshold if stored else thresholds.DEFAULT
    if abs(round(now, _DIGITS) - chosen.threshold) < 1e-9:
        st.caption("New pictures are judged by this threshold.")
    elif st.button("Judge new pictures by it", type="tertiary", icon=":material/save:", help=f"Now they are judged by {now:.3g}."):
        if chosen.rule == DEFAULT:
            kept.clear(job.paths)
        else:
            kept.write(job.paths, chosen)
        st.rerun()


def figures(now: Operating, scores: Scores, constant: ConstantScores, *, prevalence: float) -> pd.DataFrame:
    """All figures at the threshold in use, as text: figure, value with interval, the constant answer's, what it is."""
    found = at_threshold.figures(now.truth, now.p, now.subjects, threshold=now.threshold, positive=scores.positive, prevalence=prevalence)
    beside = at_threshold.beside_constant(found, constant, positive=scores.positive, prevalence=prevalence)
    rows = [(one.name, text.show(one.interval), text.number(one.constant), one.about) for one in beside]
    return pd.DataFrame(rows, columns=["figure", "value", f"always '{constant.predicted}'", "what it is"])
