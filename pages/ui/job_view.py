"""One job, opened: how it stands, its curves, what it takes of the machine, what can be done with it, and its log."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from allcore.base import fileio
from allcore.jobs import acts, board, control, submit
from allcore.plots import curves as plots
from allcore.plots import usage as machine
from allcore.runs import events, spec, status, trash, usage
from allcore.runs.store import Job
from pages.ui import cached, person, routes, state, widgets

KINDS = {
    spec.PHANTOM: "Drawing cells",
    spec.IMPORT: "Importing images",
    spec.MAP: "Mapping cells",
    spec.CHECK: "Checking",
    spec.LEAKAGE: "Measuring leakage",
    spec.LEAKAGE_NETWORK: "Measuring leakage by a network",
    spec.EVALUATE: "Judging on other data",
    spec.ROBUSTNESS: "Disturbing test images",
    spec.GROWTH: "Drawing a learning curve",
}


def title(job: Job) -> str:
    """`Random forest on demo · c851`, `Checking: demo`"""
    if job.spec.kind == spec.TRAIN:
        return widgets.run_name(job)
    return f"{KINDS.get(job.spec.kind, job.spec.kind)}: {job.spec.params['name']}"


def drawn(job: Job) -> None:
    """All that is known of it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(title(job), anchor=False, width="content")
        widgets.state_badge(job)
    if job.state == status.FAILED:
        _failed(job)
    elif job.state == status.QUEUED and job.paths.finish.exists():
        st.caption("Once it is its turn, it finishes with what it has.")
    elif job.status.reason and job.state in (status.CANCELLED, status.INTERRUPTED):
        st.caption(widgets.plain(job.status.reason))
    _actions(job)
    left, right = st.columns([3, 2], gap="large")
    if job.spec.kind == spec.TRAIN:
        with left:
            made = cached.certificate(job)
            if made:
                widgets.certificate(made)
            _curves(job)
        with right:
            _facts(job)
            table = widgets.settings(job)
            st.dataframe(table, hide_index=True, height=min(38 + 35 * len(table), 320), alt="The settings of this run")
    else:
        with left:
            _facts(job)
    # Drawn again every few seconds: what is folded away is not read.
    for label, key, draw in (("Use of the machine", "use", _use), ("Log and history", "log", _log)):
        fold = st.expander(label, key=f"{key}-of-{job.id}", on_change="rerun")
        if fold.open:
            with fold:
                draw(job)


def _use(job: Job) -> None:
    used = usage.read(job.paths)
    if used.empty:
        st.caption("It is measured every few seconds while the job is at work, and drawn here.")
    else:
        widgets.chart(machine.usage(used), machine.describe_usage(used), used, key=f"usage-{job.id}")


def _log(job: Job) -> None:
    steps = pd.DataFrame(
        [{"time": step.time, "state": step.state, "attempt": step.attempt, "why": step.reason} for step in job.status.history]
    )
    st.dataframe(steps, hide_index=True, alt="Every change of this job's state")
    st.code(fileio.read_tail(job.paths.log, 6000) or "Nothing was printed.", language=None, height=220)


def _failed(job: Job) -> None:
    st.error(widgets.plain(job.status.reason), icon=":material/error:")
    if lines := board.last_lines(job):
        with st.expander("The last lines that it printed"):
            st.code("\n".join(lines), language=None, wrap_lines=True)


def _history(job: Job) -> pd.DataFrame:
    """A row an epoch, as `events.epochs`."""
    return cached.once(("history", job.id, events.stamp(job.paths)), lambda: events.epochs(events.read(job.paths)))


def _curves(job: Job) -> None:
    stamp, history = events.stamp(job.paths), _history(job)
    if not history.empty:

        def drawn() -> tuple[go.Figure, str, pd.DataFrame]:
            return plots.curves(history), plots.describe_curves(history), plots.curves_table(history)

        # Thirty people who watch one training have it drawn once an epoch, and not every few seconds for each.
        widgets.kept_chart(("curves", job.id, stamp), drawn, key=f"curves-{job.id}")
        early = job.metrics["training"].get("finished_on_request", False) if job.metrics else job.paths.finish.exists()
        if watched := plots.watched(history, finished_on_request=early):
            st.caption(watched)
    elif not acts.has_epochs(job.spec):
        st.caption("This model is fitted in one go: there are no epochs to draw.")
    elif job.status.state in status.ACTIVE:
        with st.container(border=True, height=240, horizontal_alignment="center", vertical_alignment="center"):
            st.caption("Its curves are drawn here, a point an epoch. None has ended yet.", text_alignment="center")
    else:
        st.caption("It ended before its first epoch did.")


def _facts(job: Job) -> None:
    facts = [f"Submitted {widgets.when(job)}" + (f" by {widgets.plain(job.owner)}" if job.owner else "")]
    slot = board.Row(job).slot
    if slot:
        facts.append(f"On {slot}")
    if job.seconds is not None:
        facts.append(f"At work for {widgets.minutes(job.seconds)}")
    if job.beat:
        facts.append(f"{job.beat.memory_mb:,.0f} MB of memory")
    st.caption(" · ".join(facts))


def _actions(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        _links(job)
        if not acts.may_change(job, person.here()):
            st.caption(f"Only {widgets.plain(job.owner or 'an administrator')} and administrators may stop or delete it.")
        elif job.status.state in status.ACTIVE:
            _stop(job)
        else:
            _after(job)


def _links(job: Job) -> None:
    """Where its outcome is seen."""
    params = job.spec.params
    if job.state != status.DONE:
        pass
    elif job.spec.kind == spec.TRAIN:
        st.page_link(routes.RESULTS, label="See the result", icon=":material/leaderboard:", query_params={state.RUN: job.id})
    elif job.spec.kind in (spec.LEAKAGE, spec.LEAKAGE_NETWORK):
        st.page_link(routes.LEAKAGE, label="See the gap", icon=":material/compare_arrows:", query_params={state.DATA: params["name"]})
    elif job.spec.kind == spec.GROWTH:
        st.page_link(routes.STUDIES, label="See the curve", icon=":material/trending_up:", query_params={state.DATA: params["name"]})
    elif job.spec.kind in (spec.EVALUATE, spec.ROBUSTNESS):
        run = {state.RUN: params["run"], "details": "Beyond"}
        st.page_link(routes.RESULTS, label="See what was found", icon=":material/travel_explore:", query_params=run)
    else:
        st.page_link(routes.DATASET, label="See the cells", icon=":material/grid_view:", query_params={state.DATA: params["name"]})
    if study := job.spec.study:
        st.page_link(routes.STUDIES, label="Its study", icon=":material/grid_view:", query_params={state.STUDY: study})


def _stop(job: Job) -> None:
    stopping = job.paths.cancel.exists()
    if st.button("Stopping" if stopping else "Cancel", icon=":material/stop:", disabled=stopping, key=f"cancel-{job.id}"):
        _do(lambda: acts.cancel(cached.artifacts(), job.paths, by=person.here()))
    if acts.has_epochs(job.spec) and job.state in (status.STARTING, status.RUNNING) and not stopping:
        _finish(job, "Finish now", "Its epoch is its last: it ends with it and answers with what it has learned.")
    if job.state in status.IN_PROCESS and not stopping:
        about = "It saves where it is, and waits again behind the others."
        if st.button("Let others go first", icon=":material/low_priority:", key=f"requeue-{job.id}", help=about):
            _do(lambda: acts.requeue(cached.artifacts(), job.paths, by=person.here()))


def _after(job: Job) -> None:
    if job.state != status.DONE and st.button(
        "Resume", icon=":material/resume:", key=f"resume-{job.id}", help="Goes on from its last checkpoint."
    ):
        _do(lambda: acts.resume(cached.artifacts(), job.paths, by=person.here()))
    if job.state != status.DONE and acts.has_epochs(job.spec) and not _history(job).empty:
        _finish(job, "Finish with what it has", "It answers with what it has learned so far.")
    if job.state == status.DONE and acts.has_epochs(job.spec):
        _train_on(job)
    with st.popover("Delete", icon=":material/delete:", key=f"delete-{job.id}"):
        what = "The run goes, with its model and its figures" if job.spec.kind == spec.TRAIN else "Only the record of the work goes"
        st.markdown(f"{what}, to the trash. It can be brought back for {trash.days():.0f} days.")
        if st.button("Delete it", key=f"sure-{job.id}", type="primary"):
            acts.delete(job.paths, by=person.here())
            state.forget(state.RUN)
            state.put(state.DELETED, (job.id, title(job)))
            st.rerun(scope="app")


def _finish(job: Job, label: str, about: str) -> None:
    asked = job.status.state in status.ACTIVE and job.paths.finish.exists()
    if st.button("Ends with this epoch" if asked else label, icon=":material/flag:", disabled=asked, key=f"finish-{job.id}", help=about):
        _do(lambda: acts.finish(cached.artifacts(), job.paths, by=person.here()))


def _do(act: Callable[[], object]) -> None:
    act()
    st.rerun(scope="app")


def _train_on(job: Job) -> None:
    """More epochs, as a run of its own."""
    settings = job.spec.params["settings"]
    done = (job.metrics or {}).get("training", {}).get("epochs") or settings["epochs"]
    with st.popover("Train on", icon=":material/more_time:", key=f"train-on-{job.id}"):
        epochs = st.number_input("Epochs in all", done + 1, 1000, min(max(done * 2, settings["epochs"]), 1000), key=f"epochs-{job.id}")
        st.caption("A new run takes up where this one ended. This one stays as it is.")
        if done < settings["epochs"]:
            again = "; the new run has as much patience again" if settings.get("patience") else ""
            st.caption(f"It stopped after {done} of {settings['epochs']} epochs{again}.")
        if settings.get("schedule") == "cosine":
            st.caption("Its learning rate falls to nothing by the last epoch: with more of them it rises again at first.")
        if st.button("Train on", type="primary", key=f"go-on-{job.id}"):
            plan, _ = submit.repeated(cached.artifacts(), job.id, {"epochs": epochs})
            state.select(state.RUN, submit.continued(cached.artifacts(), job.id, plan, tags=person.tags()).id)
            control.ensure(cached.artifacts())
            st.rerun(scope="app")
