"""What a model's calls are worth where a person's cells come from: they say how many are of the class, and read PPV and NPV."""

from __future__ import annotations

import streamlit as st

from allcore.base.errors import BadInput
from allcore.inference import sentence, worth
from allcore.inference.answers import Adviser
from allcore.inference.worth import Worth
from allcore.runs.store import Job
from pages.ui import cached, widgets

_KEY = "answer-prevalence"


def asked(job: Job, adviser: Adviser, label: str) -> Worth | None:
    """Draw the question and the answer, None where there is none. `label`: the class asked about; of two it is always the positive one."""
    card, tested = adviser.card, cached.test_predictions(job)
    asked = card.positive if len(card.class_names) == 2 else label
    share = float((tested["label"] == asked).mean())
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    with left:
        percent = st.number_input(
            f"Cells that are {widgets.plain(sentence.word(asked))} where yours come from, %",
            0.1,
            99.9,
            min(99.9, max(0.1, round(100 * share, 1))),
            0.1,
            format="%.1f",
            key=f"{_KEY}-{job.id}-{asked}",
            help="At first their share on the test side.",
        )
    with right:
        try:
            found = worth.of_calls(adviser, tested, asked, percent / 100)
        except BadInput as error:
            st.caption(widgets.plain(str(error)))
            return None
        st.markdown(f"{widgets.plain(found.sentence())} As on {len(tested):,} test cells.")
        return found
