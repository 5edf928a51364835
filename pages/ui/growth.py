"""What further patients are worth: the learning curve of a data set, and the button that measures it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from allcore.data.records import DatasetCard
from allcore.jobs import control, submit
from allcore.metrics.growth import Growth
from allcore.plots import growth as plots
from allcore.runs import growth as kept
from allcore.runs import spec, status, store
from allcore.runs.store import Job
from pages.ui import cached, person, widgets

EVERY = 2.5
_DESIGN = (
    "A third of the patients is tested. A quick model learns from two other patients of the rarest class, then from more and more, "
    "up to all, with all their cells; and with as many cells as at first, so that the number of patients alone grows."
)


def folded(cards: Sequence[DatasetCard]) -> None:
    """The same under a fold, open where somebody has measured."""
    there = any(job.spec.kind == spec.GROWTH for job in store.jobs(cached.artifacts()))
    fold = st.expander("Would more patients help?", expanded=there, key=f"growth-{there}", on_change="rerun", icon=":material/trending_up:")
    if fold.open:
        with fold:
            shown(cards)


def shown(cards: Sequence[DatasetCard]) -> None:
    """The latest curve of the chosen data set, the one at work, or the button."""
    card = widgets.dataset_choice(cards, key="growth-data")
    st.caption(_DESIGN)
    if not card.has_subjects:
        st.caption("The patients of this data set are not known, so nobody can tell.")
        return
    jobs = _jobs(card)
    active = next((job for job in jobs if job.status.state in status.ACTIVE), None)
    done = next((job for job in jobs if job.state == status.DONE), None)
    if active:
        widgets.part(lambda: widgets.watched(active), every=EVERY)
    elif jobs and jobs[0].state == status.FAILED:
        st.error(widgets.plain(jobs[0].status.reason), icon=":material/error:")
    if done:
        _result(kept.read(done.paths), card)
    if not active:
        _launch(card, again=done is not None)


def _jobs(card: DatasetCard) -> list[Job]:
    """Curves of this data set as it is now, the latest first."""
    mine = [job for job in store.jobs(cached.artifacts()) if job.spec.kind == spec.GROWTH]
    return [job for job in reversed(mine) if job.spec.params["data_fingerprint"] == card.fingerprint]


def _launch(card: DatasetCard, *, again: bool) -> None:
    left, right = st.columns([2, 5], vertical_alignment="bottom")
    draws = left.number_input("Draws", 2, 50, 5, help="How often other patients are drawn to train on; the figures are means over them.")
    if right.button("Draw the curve anew" if again else "Draw the curve", icon=":material/play_arrow:"):
        submit.growth(cached.artifacts(), card.id, draws=int(draws), tags=person.tags())
        control.ensure(cached.artifacts())
        st.rerun()


def _result(found: Growth, card: DatasetCard) -> None:
    st.markdown(f"**{found.verdict()}**")
    if card.synthetic:
        st.caption(":violet[:material/draw:] Drawn cells: how alike patients are is a dial, so this curve is no evidence about real ones.")
    widgets.chart(plots.growth(found), plots.describe_growth(found), plots.growth_table(found), key="growth")
    tested = found.steps[-1].every
    st.caption(
        f"On {widgets.counted(tested.n, 'image')} of {widgets.counted(tested.clusters, 'test patient')}, means of "
        f"{widgets.counted(found.draws, 'draw')}. Intervals are over the test patients. {tested.note}"
    )
