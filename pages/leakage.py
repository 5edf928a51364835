"""Why did the paper's figure shrink?"""

import streamlit as st

from allcore.data.records import DatasetCard
from allcore.jobs import control, estimate, machine, submit
from allcore.metrics import text
from allcore.metrics.leakage import Leakage
from allcore.models import registry
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
    mine = [job for job in store.jobs(artifacts) if job.spec.kind in (spec.LEAKAGE, spec.LEAKAGE_NETWORK)]
    return [job for job in reversed(mine) if job.spec.params["data_fingerprint"] == card.fingerprint]


def _launch(card: DatasetCard, *, again: bool) -> None:
    left, middle, right = st.columns([2, 3, 3], vertical_alignment="bottom")
    repeats = left.number_input("Splits", 10, 100, 10, 5, help="Two models are trained for each.")
    names = {kept.QUICK: "Quick: a support vector machine"} | {one.id: one.name for one in registry.networks()}
    model = middle.selectbox("Model", list(names), format_func=names.get, help="A network learns by its first lesson.")
    if right.button("Run it again" if again else "Run this pair", type="secondary" if again else "primary", icon=":material/play_arrow:"):
        submit.leakage(artifacts, card.id, repeats=int(repeats), model=model, tags=person.tags())
        control.ensure(artifacts)
        st.rerun()
    takes = estimate.leaking(model, card.images, int(repeats), store.runs(artifacts), machine=machine.relative(artifacts))
    st.caption(f"About {widgets.minutes(takes)} on this machine.")


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
    st.markdown(f"**{found.verdict()}**")
    if found.model:
        st.caption(f"Trained: {found.model}.")
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
