"""What runs, what waits, what happened?"""

import pandas as pd
import streamlit as st

from allcore.base import fileio
from allcore.jobs import control
from allcore.plots import curves as plots
from allcore.runs import events, spec, status, store
from allcore.runs.store import Job
from pages.ui import cached, routes, state, widgets

artifacts = cached.artifacts()
KINDS = {spec.PHANTOM: "drawing cells", spec.IMPORT: "importing images"}


def _title(job: Job) -> str:
    if job.spec.kind == spec.TRAIN:
        return f"{widgets.model_name(job)} on {job.spec.params['data']}"
    return f"{KINDS[job.spec.kind]}: {job.spec.params['name']}"


def _left(job: Job) -> str:
    """Time left, from how far it is."""
    if job.seconds is None or not 0.02 < job.share < 1:
        return ""
    return f"about {widgets.minutes(job.seconds / job.share - job.seconds)} left"


def _active(jobs: list[Job], chosen: str | None) -> None:
    for job in jobs:
        with st.container(border=True, key=f"job-{job.id}"):
            row = st.columns([4, 4, 1], vertical_alignment="center")
            with row[0], st.container(horizontal=True, vertical_alignment="center"):
                widgets.state_badge(job)
                st.markdown(f"**{_title(job)}**")
            doing = job.beat.doing if job.beat and job.beat.attempt == job.status.attempt else job.status.reason or "Waiting for its turn"
            row[1].progress(job.share, text=" · ".join(filter(None, [doing, _left(job)])))
            if row[2].button("Open", key=f"open-{job.id}", disabled=job.id == chosen, width="stretch"):
                state.select(state.RUN, job.id)
                st.rerun(scope="app")


def _ended(jobs: list[Job]) -> None:
    table = pd.DataFrame(
        {
            "state": [widgets.STATES[job.state][0] for job in jobs],
            "job": [_title(job) for job in jobs],
            "split": [job.spec.params["split"]["level"] if job.spec.kind == spec.TRAIN else "" for job in jobs],
            "began": [job.spec.created for job in jobs],
            "took": [widgets.minutes(job.seconds) if job.seconds is not None else "" for job in jobs],
            "id": [job.id for job in jobs],
        }
    )
    chosen = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="ended",
        height=min(38 + 35 * len(table), 360),
        column_config={"began": st.column_config.DatetimeColumn(format="localized"), "id": st.column_config.TextColumn(width="small")},
        alt=f"{len(table)} jobs that have ended",
    )
    if chosen.selection.rows:
        state.select(state.RUN, jobs[chosen.selection.rows[0]].id)


def _detail(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(_title(job), anchor=False)
        widgets.state_badge(job)
    if job.state == status.FAILED:
        st.error(job.status.reason, icon=":material/error:")
    elif job.status.reason and job.state in (status.CANCELLED, status.INTERRUPTED):
        st.caption(job.status.reason)
    _actions(job)
    if job.spec.kind == spec.TRAIN:
        left, right = st.columns([3, 2], gap="large")
        with left:
            history = events.epochs(events.read(job.paths))
            if "epochs" in job.spec.params["settings"]:
                widgets.chart(plots.curves(history), plots.describe_curves(history), plots.curves_table(history), key=f"curves-{job.id}")
            elif job.metrics:
                st.caption("This model is fitted in one go: there are no epochs to draw.")
        with right:
            _facts(job)
    with st.expander("Log and history", expanded=job.state == status.FAILED):
        steps = pd.DataFrame(
            [{"time": step.time, "state": step.state, "attempt": step.attempt, "why": step.reason} for step in job.status.history]
        )
        st.dataframe(steps, hide_index=True, alt="Every change of this job's state")
        st.code(fileio.read_tail(job.paths.log, 6000) or "Nothing was printed.", language=None, height=220)


def _actions(job: Job) -> None:
    with st.container(horizontal=True):
        if job.state == status.DONE and job.spec.kind == spec.TRAIN:
            st.page_link(routes.RESULTS, label="See the result", icon=":material/leaderboard:", query_params={state.RUN: job.id})
        if job.status.state in status.ACTIVE:
            stopping = job.paths.cancel.exists()
            if st.button("Stopping" if stopping else "Cancel", icon=":material/stop:", disabled=stopping, key=f"cancel-{job.id}"):
                with widgets.plain_errors():
                    store.ask_to_cancel(job.paths)
                    st.rerun(scope="app")
        elif job.state != status.DONE:
            if st.button("Resume", icon=":material/resume:", key=f"resume-{job.id}", help="Goes on from its last checkpoint."):
                with widgets.plain_errors():
                    store.resume(job.paths)
                    control.ensure(artifacts)
                    st.rerun(scope="app")
        if job.status.state in status.ENDED:
            with st.popover("Delete", icon=":material/delete:", key=f"delete-{job.id}"):
                st.markdown(
                    "The run goes with its model and its figures." if job.spec.kind == spec.TRAIN else "Only the record of the work goes."
                )
                if st.button("Delete it", key=f"sure-{job.id}", type="primary"):
                    with widgets.plain_errors():
                        store.delete(job.paths)
                        state.forget(state.RUN)
                        st.rerun(scope="app")


def _facts(job: Job) -> None:
    made = cached.certificate(job)
    if made:
        widgets.certificate(made)
    params = job.spec.params
    facts = {"preset": params["preset"], **params["settings"]}
    beat = job.beat
    if beat:
        facts = {"memory": f"{beat.memory_mb:,.0f} MB", **facts}
    if job.seconds is not None:
        facts = {"at work for": widgets.minutes(job.seconds), **facts}
    st.dataframe(
        pd.DataFrame({"setting": list(facts), "value": [str(value) for value in facts.values()]}),
        hide_index=True,
        height=min(38 + 35 * len(facts), 320),
        alt="The settings of this run",
    )


with widgets.plain_errors():
    widgets.page("Jobs")
    control.ensure_if_needed(artifacts)
    at_start = [job.id for job in store.active(artifacts)]

    @widgets.live(2.5, bool(at_start))
    def board() -> None:
        """Everything that moves; drawn again by itself while something runs."""
        jobs = store.jobs(artifacts)
        active = [job for job in jobs if job.status.state in status.ACTIVE]
        if [job.id for job in active] != at_start:
            st.rerun(scope="app")
        ended = [job for job in reversed(jobs) if job.status.state in status.ENDED]
        now = state.selected(state.RUN, [job.id for job in (*active, *ended)])
        _active(active, now)
        if not active:
            st.caption("Nothing runs and nothing waits.")
        if now:
            _detail(next(job for job in jobs if job.id == now))

    if not store.jobs(artifacts):
        widgets.empty("Here you will see your trainings at work. There are none yet.", page=routes.TRAIN, label="Train a model")
    else:
        ended = [job for job in reversed(store.jobs(artifacts)) if job.status.state in status.ENDED]
        if ended:
            with st.expander(f"{widgets.counted(len(ended), 'job')} ended", expanded=not at_start):
                _ended(ended)
        board()
