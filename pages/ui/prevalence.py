"""What a model's calls are worth where a person's cells come from: they say how many are of the class, and read PPV and NPV."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from allcore.base.errors import BadInput
from allcore.inference import sentence, worth
from allcore.inference.answers import Adviser
from allcore.inference.worth import Worth
from allcore.runs.store import Job
from pages.ui import cached, state, widgets

BATCH, ONE = "batch", "one"
"""What is asked about: where one picture of a batch is looked into, both questions stand on the page, and hold what was said last."""


def asked(job: Job, adviser: Adviser, label: str, *, of: str = ONE) -> Worth | None:
    """Draw the question and the answer, None where there is none. `label`: the class asked about; of two it is always the positive one."""
    name, about = _name(job, adviser, label), _about(adviser, label)
    key = f"{name}-{of}"
    state.fill(key, _percent(job, name, about))
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    with left:
        percent = st.number_input(
            f"Cells that are {widgets.plain(sentence.word(about))} where yours come from, %",
            0.1,
            99.9,
            step=0.1,
            format="%.1f",
            key=key,
            on_change=lambda: state.put(name, state.entered(key)),
            help="At first their share on the test side.",
        )
    with right:
        tested = cached.test_predictions(job)
        try:
            found = worth.of_calls(adviser, tested, about, percent / 100)
        except BadInput as error:
            st.caption(widgets.plain(str(error)))
            return None
        st.markdown(f"{widgets.plain(found.sentence())} By its rates on {len(tested):,} test cells.")
        return found


def said(job: Job, adviser: Adviser) -> Worth | None:
    """Of two classes, by what stands in the question; None for more classes."""
    if len(adviser.card.class_names) != 2:
        return None
    about = adviser.card.positive
    with suppress(BadInput):
        return worth.of_calls(adviser, cached.test_predictions(job), about, _percent(job, _name(job, adviser, about), about) / 100)
    return None


def _about(adviser: Adviser, label: str) -> str:
    return adviser.card.positive if len(adviser.card.class_names) == 2 else label


def _name(job: Job, adviser: Adviser, label: str) -> str:
    return f"prevalence-{job.id}-{_about(adviser, label)}"


def _percent(job: Job, name: str, about: str) -> float:
    """What was said last, else the share on the test side."""
    share = 100 * float((cached.test_predictions(job)["label"] == about).mean())
    return state.get(name, min(99.9, max(0.1, round(share, 1))))
