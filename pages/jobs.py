"""What runs, what waits, what happened?"""

import pandas as pd
import streamlit as st

from allcore.base import fileio
from allcore.jobs import control, submit
from allcore.plots import curves as plots
from allcore.runs import events, spec, status, store
from allcore.runs.store import Job
from pages.ui import cached, routes, state, widgets

artifacts = cached.artifacts()
KINDS = {
    spec.PHANTOM: "Drawing cells",
    spec.IMPORT: "Importing images",
    spec.MAP: "Mapping cells",
    spec.CHECK: "Checking",
    spec.LEAKAGE: "Measuring leakage",
    spec.EVALUATE: "Judging on other data",
}
EVERY = 2.5
_ROWS = 6


def _title(job: Job) -> str:
    if job.spec.kind == spec.TRAIN:
        return widgets.run_name(job)
    return f"{KINDS.get(job.spec.kind, job.spec.kind)}: {job.spec.params['name']}"


def _left(job: Job) -> str:
    """Time left, from how far it is."""
    if job.seconds is None or not 0.02 < job.share < 1:
        return ""
    return f"about {widgets.minutes(job.seconds / job.share - job.seconds)} left"


def _queue(at_start: list[str], chosen: str | None) -> None:
    """What runs and waits, a row each."""
    now = store.active(artifacts)
    if [job.id for job in now] != at_start:
        st.rerun(scope="app")
    for job in now:
        with st.container(border=True, key=f"job-{job.id}"):
            what, progress, button = st.columns([5, 5, 1], vertical_alignment="center")
            with what, st.container(horizontal=True, vertical_alignment="center"):
                widgets.state_badge(job)
                st.markdown(f"**{_title(job)}**")
            progress.progress(job.share, text=" · ".join(filter(None, [widgets.doing(job), _left(job)])))
            with button:
                if job.id == chosen:
                    st.caption("Open below")
                elif st.button("Open", key=f"open-{job.id}", width="stretch"):
                    state.select(state.RUN, job.id)
                    st.rerun(scope="app")


def _ended(jobs: list[Job], chosen: str | None) -> None:
    """What is over, the latest first; a click on a row opens it."""
    table = pd.DataFrame(
        {
            "state": [widgets.STATES[job.state][0] for job in jobs],
            "job": [_title(job) for job in jobs],
            "split by": [job.spec.params["split"]["level"] if job.spec.kind == spec.TRAIN else "" for job in jobs],
            "began": [widgets.when(job) for job in jobs],
            "took": [widgets.minutes(job.seconds) if job.seconds is not None else "" for job in jobs],
        }
    )
    ids = [job.id for job in jobs]
    # Another list of jobs is another table: a row's number must not come to mean another job.
    key = f"ended-{len(ids)}-{ids[0]}"
    st.dataframe(
        table,
        hide_index=True,
        key=key,
        on_select=lambda: state.select_row(state.RUN, key, ids),
        selection_mode="single-row",
        selection_default={"selection": {"rows": [ids.index(chosen)] if chosen in ids else []}},
        height=38 + 35 * min(len(table), _ROWS),
        alt=f"{widgets.counted(len(table), 'job')} ended",
    )


def _detail(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(_title(job), anchor=False, width="content")
        widgets.state_badge(job)
    if job.state == status.FAILED:
        st.error(widgets.plain(job.status.reason), icon=":material/error:")
    elif job.status.reason and job.state in (status.CANCELLED, status.INTERRUPTED):
        st.caption(widgets.plain(job.status.reason))
    _actions(job)
    if job.spec.kind == spec.TRAIN:
        left, right = st.columns([3, 2], gap="large")
        with left:
            made = cached.certificate(job)
            if made:
                widgets.certificate(made)
            _curves(job)
        with right:
            _facts(job)
    with st.expander("Log and history"):
        steps = pd.DataFrame(
            [{"time": step.time, "state": step.state, "attempt": step.attempt, "why": step.reason} for step in job.status.history]
        )
        st.dataframe(steps, hide_index=True, alt="Every change of this job's state")
        st.code(fileio.read_tail(job.paths.log, 6000) or "Nothing was printed.", language=None, height=220)


def _curves(job: Job) -> None:
    history = events.epochs(events.read(job.paths))
    if not history.empty:
        widgets.chart(plots.curves(history), plots.describe_curves(history), plots.curves_table(history), key=f"curves-{job.id}")
    elif "epochs" not in job.spec.params["settings"]:
        st.caption("This model is fitted in one go: there are no epochs to draw.")
    elif job.status.state in status.ACTIVE:
        with st.container(border=True, height=240, horizontal_alignment="center", vertical_alignment="center"):
            st.caption("Its curves are drawn here, a point an epoch. None has ended yet.", text_alignment="center")
    else:
        st.caption("It ended before its first epoch did.")


def _actions(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if job.state == status.DONE and job.spec.kind == spec.TRAIN:
            st.page_link(routes.RESULTS, label="See the result", icon=":material/leaderboard:", query_params={state.RUN: job.id})
            if "epochs" in job.spec.params["settings"]:
                _train_on(job)
        elif job.state == status.DONE and job.spec.kind == spec.LEAKAGE:
            data = {state.DATA: job.spec.params["name"]}
            st.page_link(routes.LEAKAGE, label="See the gap", icon=":material/compare_arrows:", query_params=data)
        elif job.state == status.DONE and job.spec.kind == spec.EVALUATE:
            run = {state.RUN: job.spec.params["run"], "details": "Beyond"}
            st.page_link(routes.RESULTS, label="See what was found", icon=":material/travel_explore:", query_params=run)
        elif job.state == status.DONE:
            data = {state.DATA: job.spec.params["name"]}
            st.page_link(routes.DATASET, label="See the cells", icon=":material/grid_view:", query_params=data)
        if study := job.spec.study:
            st.page_link(routes.STUDIES, label="Its study", icon=":material/grid_view:", query_params={state.STUDY: study})
        if job.status.state in status.ACTIVE:
            stopping = job.paths.cancel.exists()
            if st.button("Stopping" if stopping else "Cancel", icon=":material/stop:", disabled=stopping, key=f"cancel-{job.id}"):
                store.ask_to_cancel(job.paths)
                st.rerun(scope="app")
        elif job.state != status.DONE and st.button(
            "Resume", icon=":material/resume:", key=f"resume-{job.id}", help="Goes on from its last checkpoint."
        ):
            store.resume(job.paths)
            control.ensure(artifacts)
            st.rerun(scope="app")
        if job.status.state in status.ENDED:
            with st.popover("Delete", icon=":material/delete:", key=f"delete-{job.id}"):
                st.markdown(
                    "The run goes with its model and its figures." if job.spec.kind == spec.TRAIN else "Only the record of the work goes."
                )
                if st.button("Delete it", key=f"sure-{job.id}", type="primary"):
                    store.delete(job.paths)
                    state.forget(state.RUN)
                    st.rerun(scope="app")


def _train_on(job: Job) -> None:
    """More epochs, as a run of its own."""
    done = job.spec.params["settings"]["epochs"]
    with st.popover("Train on", icon=":material/more_time:", key=f"train-on-{job.id}"):
        epochs = st.number_input("Epochs in all", done + 1, 1000, min(done * 2, 1000), key=f"epochs-{job.id}")
        st.caption("A new run takes up where this one ended. This one stays as it is.")
        if st.button("Train on", type="primary", key=f"go-on-{job.id}"):
            plan, _ = submit.repeated(artifacts, job.id, {"epochs": epochs})
            state.select(state.RUN, submit.continued(artifacts, job.id, plan).id)
            control.ensure(artifacts)
            st.rerun(scope="app")


def _facts(job: Job) -> None:
    facts = []
    if job.seconds is not None:
        facts.append(f"At work for {widgets.minutes(job.seconds)}")
    if job.beat:
        facts.append(f"{job.beat.memory_mb:,.0f} MB of memory")
    st.caption(" · ".join([f"Submitted {widgets.when(job)}", *facts]))
    table = widgets.settings(job)
    st.dataframe(table, hide_index=True, height=min(38 + 35 * len(table), 320), alt="The settings of this run")


def _watched(job: Job) -> None:
    """The chosen job, read anew at each look."""
    now = store.read(job.paths)
    if now.status.state in status.ENDED and job.status.state not in status.ENDED:
        st.rerun(scope="app")
    _detail(now)


with widgets.plain_errors():
    widgets.page("Jobs")
    control.ensure_if_needed(artifacts)
    jobs = store.jobs(artifacts)
    active = [job for job in jobs if job.status.state in status.ACTIVE]
    ended = [job for job in reversed(jobs) if job.status.state in status.ENDED]
    if not jobs:
        if widgets.empty("Here you will see your trainings at work. There are none yet.", "Train a model"):
            st.switch_page(routes.TRAIN)
    else:
        chosen = state.selected(state.RUN, [job.id for job in (*active, *ended)])
        if active:
            widgets.part(lambda: _queue([job.id for job in active], chosen), every=EVERY)
        else:
            st.caption("Nothing runs and nothing waits.")
        if ended:
            with st.expander(f"{widgets.counted(len(ended), 'job')} ended", expanded=not active, key="ended"):
                _ended(ended, chosen)
        job = next(job for job in jobs if job.id == chosen)
        widgets.part(lambda: _watched(job), every=EVERY if job in active else None)
