"""Why did the paper's figure shrink?"""

import streamlit as st

from allcore.data.records import DatasetCard
from allcore.jobs import control, submit
from allcore.metrics import compare, text
from allcore.metrics.leakage import Leakage
from allcore.plots import leakage as plots
from allcore.runs import leakage as kept
from allcore.runs import spec, status, store
from allcore.runs.store import Job
from pages.ui import cached, person, routes, widgets

artifacts = cached.artifacts()
EVERY = 2.5
DESIGN = (
    "Test patients give half of their cells to the test side. One model learns from other patients alone; a second one, from as many "
    "cells of each class, but with the other half of the test patients' cells among them. Both answer for the same test cells. "
    "What the second does better, it does because it knew the patients."
)


def _jobs(card: DatasetCard) -> list[Job]:
    """Measurements of this data set as it is now, the latest first."""
    mine = [job for job in store.jobs(artifacts) if job.spec.kind == spec.LEAKAGE]
    return [job for job in reversed(mine) if job.spec.params["data_fingerprint"] == card.fingerprint]


def _launch(card: DatasetCard, *, again: bool) -> None:
    left, right = st.columns([2, 5], vertical_alignment="bottom")
    about = "Each trains two quick models, support vector machines on 48 principal components: seconds."
    repeats = left.number_input("Splits", 10, 100, 10, 5, help=about)
    if right.button("Run it again" if again else "Run this pair", type="secondary" if again else "primary", icon=":material/play_arrow:"):
        submit.leakage(artifacts, card.id, repeats=int(repeats), tags=person.tags())
        control.ensure(artifacts)
        st.rerun()


def _result(found: Leakage, card: DatasetCard) -> None:
    left, right = st.columns(2)
    with left, st.container(border=True):
        st.markdown("**Training had not met the test patients**")
        st.header(text.number(found.strangers), anchor=False)
        st.caption("balanced accuracy: what a new patient may expect")
    with right, st.container(border=True):
        st.markdown("**Training knew other cells of them**")
        st.header(text.number(found.acquainted), anchor=False)
        st.caption("balanced accuracy: nearer to what a split by image reports")
    gap = found.gap
    if gap.low is None:
        st.markdown(f"The gap is {gap.estimate:+.3f}; {gap.note}: nothing can be concluded.")
    else:
        what = "Knowing the patients helped" if found.shown else "No help from knowing the patients is shown"
        over = f"p {compare.shown(found.p)}, paired on the same cells, over {widgets.counted(gap.clusters, 'patient')}"
        st.markdown(f"**{what}: {gap.estimate:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})**, {over}.")
    if card.synthetic:
        dial = card.drawn_with.get("habits") if card.drawn_with else None
        set_to = "" if dial is None else f", at {dial:g}"
        st.caption(
            f":violet[:material/draw:] Drawn cells: the patients' habits are a dial{set_to}. This gap is the dial's, and no evidence."
        )
    widgets.chart(plots.gaps(found), plots.describe_gaps(found), plots.gaps_table(found), key="gaps")


with widgets.plain_errors():
    widgets.page("Leakage", DESIGN)
    cards = widgets.datasets()
    if not cards:
        if widgets.empty("There is no data set to measure it on.", "Add a data set"):
            st.switch_page(routes.DATASET)
    else:
        control.ensure_if_needed(artifacts)
        card = widgets.dataset_choice(cards, key="leakage-data")
        jobs = _jobs(card)
        active = next((job for job in jobs if job.status.state in status.ACTIVE), None)
        done = next((job for job in jobs if job.state == status.DONE), None)
        if not card.has_subjects:
            st.caption("The patients of this data set are not known: leakage can't be measured, and can't be ruled out.")
        elif active:
            widgets.part(lambda: widgets.watched(active), every=EVERY)
        else:
            if jobs and jobs[0].state == status.FAILED:
                st.error(widgets.plain(jobs[0].status.reason), icon=":material/error:")
            if done is None:
                _launch(card, again=False)
        if done:
            _result(kept.read(done.paths), card)
            if card.has_subjects and not active:
                with st.expander("Measure anew"):
                    _launch(card, again=True)
