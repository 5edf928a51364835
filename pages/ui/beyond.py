"""A finished run beyond its own test side: on another laboratory's data, and under strain."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from allcore.data import matching
from allcore.data.records import DatasetCard
from allcore.inference import served
from allcore.jobs import beyond as jobs
from allcore.jobs import control
from allcore.metrics import external_words as words
from allcore.plots import external as plots
from allcore.runs import beyond, spec, status, store
from allcore.runs.store import Job
from pages.ui import cached, person, strained_view, widgets

_EVERY = 2.5
_LEFT_OUT = "left out"
ELSEWHERE, STRAINED = "Another laboratory's data", "Disturbed pictures"


def shown(job: Job) -> None:
    """What is known of the run beyond its own test side, and how to learn it."""
    kinds = {ELSEWHERE: _elsewhere, STRAINED: _strained}
    kind = st.segmented_control("Beyond", list(kinds), default=ELSEWHERE, required=True, key="beyond", label_visibility="collapsed")
    kinds[kind](job)


def _elsewhere(job: Job) -> None:
    mine = beyond.of_run(cached.artifacts(), job.id, spec.EVALUATE)
    done = [one for one in mine if one.state == status.DONE]
    if _at_work(mine):
        return
    if not done:
        _judge(job, first=True)
        return
    by_id = {one.id: one for one in done}
    chosen = done[0].id
    if len(done) > 1:
        name = lambda id_: f"{by_id[id_].spec.params['data']}, {widgets.when(by_id[id_])}"  # noqa: E731
        chosen = st.selectbox("Judged on", list(by_id), format_func=name, key=f"judged-on-{len(done)}")
    _result(by_id[chosen])
    with st.expander("Judge it on other data"):
        _judge(job, first=False)


def _at_work(mine: list[Job]) -> bool:
    """Progress of the job at work, the reason of one that failed last; whether one is at work."""
    active = next((one for one in mine if one.status.state in status.ACTIVE), None)
    if active:
        control.ensure_if_needed(cached.artifacts())
        widgets.part(lambda: _watched(active), every=_EVERY)
        return True
    if mine and mine[0].state == status.FAILED:
        st.error(widgets.plain(mine[0].status.reason), icon=":material/error:")
    return False


def _watched(job: Job) -> None:
    now = store.read(job.paths)
    if now.status.state in status.ENDED:
        st.rerun(scope="app")
    bar, button = st.columns([6, 1], vertical_alignment="center")
    bar.progress(now.share, text=widgets.doing(now))
    if button.button("Cancel", icon=":material/stop:", key=f"cancel-{job.id}", width="stretch"):
        store.ask_to_cancel(job.paths)
        st.rerun(scope="app")


def _launched(make: Callable[[], object]) -> None:
    make()
    control.ensure(cached.artifacts())
    st.rerun(scope="app")


def _judge(job: Job, *, first: bool) -> None:
    """Another data set, its classes as the run's, and the button."""
    card = served.read_card(job.paths)
    others = {one.id: one for one in widgets.datasets() if one.fingerprint != job.spec.params["data_fingerprint"]}
    if first:
        st.markdown(
            "The run answers for every image of a data set that it has never met: the same figures, how strange the images are to it, "
            "and what differs in them."
        )
    if not others:
        st.caption("There is no other data set yet: import one on the page Dataset.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Data set", list(others), format_func=lambda id_: widgets.dataset_label(others[id_]), key="elsewhere-data", width=260
        )
        mapping = _mapping(others[name], card.class_names)
        if st.button("Judge it there", type="primary" if first else "secondary", icon=":material/play_arrow:"):
            _launched(lambda: jobs.evaluating(cached.artifacts(), job.id, name, mapping=mapping, tags=person.tags()))


def _mapping(theirs: DatasetCard, ours: tuple[str, ...]) -> dict[str, str]:
    """What each class of theirs that goes by another name is."""
    known = {name.casefold() for name in ours}
    said = {}
    for name in theirs.class_names:
        if name.casefold() not in known:
            pick = st.selectbox(f"'{name}' is", [_LEFT_OUT, *ours], key=f"map-{theirs.id}-{name}", width=170)
            said[name] = matching.LEFT_OUT if pick == _LEFT_OUT else pick
    return said


def _result(job: Job) -> None:
    found = beyond.external(job.paths)
    for sentence in words.alarms(found):
        st.warning(widgets.plain(sentence), icon=":material/warning:")
    st.markdown(f"**{widgets.plain(words.conclusion(found))}**")
    left, right = st.columns(2, gap="large")
    with left:
        widgets.chart(plots.compared(found), plots.describe_compared(found), plots.compared_table(found), key="elsewhere-figures")
        st.caption(_counted(job))
    with right:
        one = found.shift
        widgets.chart(
            plots.distances(one, data=found.data),
            plots.describe_distances(one, data=found.data),
            plots.distances_table(one),
            key="elsewhere-distances",
        )
        st.caption(widgets.plain(words.distances(found)))
        widgets.chart(plots.moved(found.moved), plots.describe_moved(found.moved), plots.moved_table(found.moved), key="elsewhere-moved")
        st.caption(widgets.plain(words.looks(found)))
    st.dataframe(
        plots.compared_shown(found), hide_index=True, alt=f"Figures on the run's own test side and on {found.data}, with the difference"
    )
    for sentence in words.caveats(found):
        st.caption(widgets.plain(sentence))
    st.download_button(
        "All predictions",
        lambda: store.predictions(job.paths).to_csv(index=False),
        f"{job.id}-predictions.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )


def _counted(job: Job) -> str:
    found = beyond.external(job.paths)
    sides = [
        f"{name}: {widgets.counted(one.n, 'image')}" + (f" of {widgets.counted(one.subjects, 'patient')}" if one.subjects else "")
        for name, one in (("Own test side", found.own), (found.data, found.other))
    ]
    return widgets.plain("; ".join(sides)) + ". Judged by balanced accuracy, fixed beforehand; the other figures describe."


def _strained(job: Job) -> None:
    mine = beyond.of_run(cached.artifacts(), job.id, spec.ROBUSTNESS)
    done = [one for one in mine if one.state == status.DONE]
    if _at_work(mine):
        return
    if not done:
        st.markdown(
            "The run answers for its own test images again: under another stain and light, blurred, and saved as ever poorer JPEG. How "
            "much of that does it bear?"
        )
        if st.button("Disturb its test images", type="primary", icon=":material/play_arrow:"):
            _launched(lambda: jobs.straining(cached.artifacts(), job.id, tags=person.tags()))
        return
    strained_view.shown(job, beyond.robustness(done[0].paths))
