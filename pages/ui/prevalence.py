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
"""What is asked about: where one picture of a batch is looked into, both stand on the page."""


def asked(job: Job, adviser: Adviser, label: str, *, of: str = ONE) -> Worth | None:
    """Draw the question and the answer, None where there is none. `label`: the class asked about; of two it is always the positive one.

    What was said of a batch holds for one of its pictures until something else is said of that.
    """
    asked, key, start = _question(job, adviser, label, of)
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    with left:
        percent = st.number_input(
            f"Cells that are {widgets.plain(sentence.word(asked))} where yours come from, %",
            0.1,
            99.9,
            start,
            0.1,
            format="%.1f",
            key=key,
            help="At first their share on the test side.",
        )
    with right:
        tested = cached.test_predictions(job)
        try:
            found = worth.of_calls(adviser, tested, asked, percent / 100)
        except BadInput as error:
            st.caption(widgets.plain(str(error)))
            return None
        st.markdown(f"{widgets.plain(found.sentence())} As on {len(tested):,} test cells.")
        return found


def said(job: Job, adviser: Adviser) -> Worth | None:
    """Of two classes, by what stands, or will stand, in the question about one picture, which is drawn elsewhere; None for more classes."""
    if len(adviser.card.class_names) != 2:
        return None
    asked, key, start = _question(job, adviser, adviser.card.positive, ONE)
    percent = state.value(key)
    with suppress(BadInput):
        return worth.of_calls(adviser, cached.test_predictions(job), asked, (start if percent is None else percent) / 100)
    return None


def _question(job: Job, adviser: Adviser, label: str, of: str) -> tuple[str, str, float]:
    """The class asked about, the key of the widget, and what stands in it at first, in percent."""
    card, tested = adviser.card, cached.test_predictions(job)
    asked = card.positive if len(card.class_names) == 2 else label
    key = f"prevalence-{job.id}-{asked}"
    known = state.value(f"{key}-{BATCH}") if of == ONE else None
    share = 100 * float((tested["label"] == asked).mean()) if known is None else known
    return asked, f"{key}-{of}" + ("" if known is None else f"-{known}"), min(99.9, max(0.1, round(share, 1)))
