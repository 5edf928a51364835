"""What runs, what waits, what happened?"""

import pandas as pd
import streamlit as st

from allcore.jobs import control
from allcore.runs import spec, status, store
from allcore.runs.store import Job
from pages.ui import bin as trash_bin
from pages.ui import cached, job_view, places, routes, state, waiting, widgets

artifacts = cached.artifacts()
EVERY = 2.5
_ROWS = 6


def _ended(jobs: list[Job], chosen: str | None) -> None:
    """What is over, the latest first; a click on a row opens it."""
    owners = [job.owner for job in jobs]
    table = pd.DataFrame(
        {
            "state": [widgets.STATES[job.state][0] for job in jobs],
            "job": [job_view.title(job) for job in jobs],
            "split by": [job.spec.params["split"]["level"] if job.spec.kind == spec.TRAIN else "" for job in jobs],
            "began": [widgets.when(job) for job in jobs],
            "took": [widgets.minutes(job.seconds) if job.seconds is not None else "" for job in jobs],
            **({"owner": owners} if len(set(owners)) > 1 else {}),
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


def _watched(job: Job) -> None:
    """The chosen job, read anew at each look."""
    now = store.read(job.paths)
    if (now.status.state in status.ENDED) != (job.status.state in status.ENDED):
        st.rerun(scope="app")
    job_view.drawn(now)


with widgets.plain_errors():
    widgets.page("Jobs")
    control.ensure_if_needed(artifacts)
    trash_bin.undo()
    places.cluster(artifacts)
    jobs = store.jobs(artifacts)
    active = [job for job in jobs if job.status.state in status.ACTIVE]
    ended = [job for job in reversed(jobs) if job.status.state in status.ENDED]
    if not jobs:
        if widgets.empty("Here you will see your trainings at work. There are none yet.", "Train a model"):
            st.switch_page(routes.TRAIN)
        trash_bin.drawn()
    else:
        chosen = state.selected(state.RUN, [job.id for job in (*active, *ended)])
        if active:
            widgets.part(lambda: waiting.drawn([job.id for job in active], chosen), every=EVERY)
        else:
            st.caption("Nothing runs and nothing waits.")
        if ended:
            with st.expander(f"{widgets.counted(len(ended), 'job')} ended", expanded=not active, key="ended"):
                _ended(ended, chosen)
                trash_bin.drawn()
        job = next(job for job in jobs if job.id == chosen)
        widgets.part(lambda: _watched(job), every=EVERY if job in active else None)
