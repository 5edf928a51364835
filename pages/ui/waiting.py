"""The queue as people see it: what is at work, what waits and for how long, and whose turn is next."""

from __future__ import annotations

from functools import partial

import streamlit as st

from allcore.jobs import acts, board, queue
from allcore.jobs.board import Row
from allcore.runs import place
from allcore.runs.store import Job
from pages.ui import cached, job_view, person, state, widgets

_MOVES = {acts.FIRST: "To the front", acts.UP: "One up", acts.DOWN: "One down", acts.LAST: "To the end"}


def rows() -> list[Row]:
    """What is at work, then what waits, in its turn."""
    return board.rows(cached.artifacts(), ended=False, speeds=cached.speeds())


def drawn(shown: list[str], chosen: str | None) -> None:
    """A card a job. The whole page is drawn anew where these are no longer the jobs that it was drawn with."""
    now = rows()
    if {row.job.id for row in now} != set(shown):
        st.rerun(scope="app")
    _head(now)
    strangers = len({row.job.owner for row in now} | {person.here().name}) > 1
    order = [row for row in now if row.position is not None]
    for row in now:
        with st.container(border=True, key=f"job-{row.job.id}"):
            _card(row, chosen, strangers=strangers, order=order)


def _head(now: list[Row]) -> None:
    artifacts, me = cached.artifacts(), person.here()
    waiting = sum(row.position is not None for row in now)
    paused = queue.paused(artifacts)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(" · ".join(filter(None, [f"{len(now) - waiting} at work", f"{waiting} waiting" if waiting else ""])), width="stretch")
        if me.is_admin and paused:
            if st.button("Let the queue move", icon=":material/play_arrow:", type="primary", key="unpause"):
                acts.unpause(artifacts, by=me)
                st.rerun(scope="app")
        elif me.is_admin and st.button(
            "Pause the queue", icon=":material/pause:", type="tertiary", key="pause", help="What is at work goes on; nothing new begins."
        ):
            acts.pause(artifacts, by=me)
            st.rerun(scope="app")
    if paused:
        st.info(
            f"{widgets.plain(paused.by or 'Somebody')} paused the queue: what is at work goes on, nothing new begins.",
            icon=":material/pause:",
        )


def _card(row: Row, chosen: str | None, *, strangers: bool, order: list[Row]) -> None:
    job = row.job
    what, progress, buttons = st.columns([5, 4, 3], vertical_alignment="center")
    with what, st.container(gap=None):
        with st.container(horizontal=True, vertical_alignment="center"):
            widgets.state_badge(job)
            st.markdown(f"**{job_view.title(job)}**")
        facts = [row.slot, f"priority {job.place.priority:+d}" if job.place.priority else "", job.owner if strangers else ""]
        if any(facts):
            st.caption(widgets.plain(" · ".join(filter(None, facts))))
    progress.progress(job.share, text=" · ".join(filter(None, [widgets.doing(job), _soon(row)])))
    with buttons, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if row.position is not None and acts.may_change(job, person.here()):
            _moves(job, order)
        if job.id == chosen:
            st.caption("Open below", width="content")
        elif st.button("Open", key=f"open-{job.id}"):
            state.select(state.RUN, job.id)
            st.rerun(scope="app")


def _soon(row: Row) -> str:
    """How long it will wait and take, where that can be guessed."""
    if row.wait is None:
        return ""
    said = []
    if row.position is not None and row.wait.starts_in:
        said.append(f"begins in about {widgets.minutes(row.wait.starts_in)}")
    if row.wait.left is not None:
        word = "takes" if row.position is not None else ""
        said.append(f"{word} about {widgets.minutes(row.wait.left)}{'' if word else ' left'}".strip())
    return ", ".join(said)


def _moves(job: Job, order: list[Row]) -> None:
    """Its place among its owner's jobs, and its priority."""
    lane = queue.lane(job.spec.kind)
    mine = [row.job.id for row in order if row.job.owner == job.owner and queue.lane(row.job.spec.kind) == lane]
    with st.popover("Turn", icon=":material/swap_vert:", key=f"turn-{job.id}", help="When it begins"):
        at = mine.index(job.id)
        for where, label in _MOVES.items():
            useless = at == (0 if where in (acts.FIRST, acts.UP) else len(mine) - 1)
            st.button(label, key=f"{where}-{job.id}", disabled=useless, width="stretch", on_click=partial(_move, job, where))
        top = place.HIGHEST if person.here().is_admin else place.NORMAL
        key = f"priority-{job.id}-{job.place.priority}"
        st.number_input(
            "Priority",
            place.LOWEST,
            top,
            min(job.place.priority, top),
            key=key,
            on_change=partial(_prioritise, job, key),
            help="The higher begins first. 0 is what a job has.",
        )


def _prioritise(job: Job, key: str) -> None:
    _told(lambda: acts.prioritise(job.paths, int(state.entered(key)), by=person.here()))


def _move(job: Job, where: str) -> None:
    _told(lambda: acts.move(cached.artifacts(), job.paths, where, by=person.here()))


def _told(act) -> None:
    """Do it, or say in a passing note why it can't be done: a job may have begun in this moment."""
    with widgets.passing_errors():
        act()
