"""What is here, and what do I do next?"""

import streamlit as st

from allcore.data.records import DatasetCard
from allcore.jobs import control, demo
from allcore.metrics import text
from allcore.runs import spec, status, store
from allcore.runs.store import Job
from pages.ui import cached, routes, state, widgets

artifacts = cached.artifacts()
EVERY = 2.5
_NAMED = 4


def _doors(cards: list[DatasetCard], done: list[Job]) -> None:
    teach, research, classify = st.columns(3, gap="medium")
    with teach, st.container(border=True, height="stretch", key="door-teach"):
        st.header("Teach", anchor=False)
        st.markdown(
            "The first lesson: look at cells, train a network, read its result, let it judge a cell it has never seen. About two minutes."
        )
        if st.button("Start the first lesson", type="primary", icon=":material/school:", width="stretch"):
            state.put(state.LESSON_ASKED, True)
            st.switch_page(routes.LESSON)
    with research, st.container(border=True, height="stretch", key="door-research"):
        st.header("Research", anchor=False)
        st.markdown("Bring your own images, train several models at once, and compare them on patients that none of them has seen.")
        with st.container(gap="xsmall"):
            st.page_link(routes.DATASET, label="Look at the data", icon=":material/grid_view:")
            if cards:
                st.page_link(routes.TRAIN, label="Train models", icon=":material/model_training:")
            if done:
                st.page_link(routes.RESULTS, label="Compare results", icon=":material/leaderboard:")
        if not cards:
            st.caption("Training opens once there is a data set.")
    with classify, st.container(border=True, height="stretch", key="door-classify"):
        st.header("Classify", anchor=False)
        st.markdown("Drop a picture of a cell and see what a trained model says of it, and how sure it may be.")
        if done:
            st.page_link(routes.CLASSIFY, label="Classify a picture", icon=":material/image_search:")
        else:
            st.caption("Opens once a model has been trained.")


def _lab(cards: list[DatasetCard], done: list[Job], at_start: list[str]) -> None:
    """One line each: data, work, best result."""
    now = store.active(artifacts)
    if [job.id for job in now] != at_start:
        st.rerun(scope="app")
    with st.container(border=True, key="lab", gap="xsmall"):
        _data_line(cards, now)
        if not now:
            st.markdown("**At work** · nothing runs")
        for job in now[:3]:
            what = (
                f"{widgets.model_name(job)} on {widgets.data_name(job)}"
                if job.spec.kind == spec.TRAIN
                else f"data set {job.spec.params['name']}"
            )
            st.progress(job.share, text=f"At work · {what}: {widgets.doing(job)}")
        if len(now) > 3:
            st.caption(f"and {len(now) - 3} more, see Jobs")
        best = max((job for job in done if cached.headline(job).trusted), key=lambda job: cached.headline(job).rank, default=None)
        if best:
            figure = text.show(cached.headline(best).scores.intervals["balanced_accuracy"])
            where = f"{widgets.model_name(best)} on {widgets.data_name(best)}"
            st.markdown(f"**Best on unseen patients** · {where}: balanced accuracy {figure}")
        else:
            st.markdown("**Best on unseen patients** · no result yet")


def _data_line(cards: list[DatasetCard], now: list[Job]) -> None:
    if cards:
        named = [f"{widgets.dataset_label(card)}: {widgets.counted(card.images, 'image')}" for card in cards[:_NAMED]]
        more = [f"{len(cards) - _NAMED} more"] if len(cards) > _NAMED else []
        st.markdown(" · ".join(["**Data**", *named, *more]))
    elif any(job.spec.kind == spec.PHANTOM for job in now):
        st.markdown("**Data** · the demo cells are being drawn")
    else:
        st.markdown("**Data** · none yet")
        if st.button("Draw the demo cells", icon=":material/draw:"):
            demo.queue(artifacts)
            control.ensure(artifacts)
            st.rerun(scope="app")


with widgets.plain_errors():
    control.ensure_if_needed(artifacts)
    widgets.page(
        "Tell leukemic from healthy cells",
        "A laboratory for one question: does this white blood cell come from acute lymphoblastic leukemia? "
        "Train models on microscope images, see how far their figures can be trusted, and let them judge a picture.",
    )
    cards, done = widgets.datasets(), widgets.finished()
    active = [job.id for job in store.jobs(artifacts) if job.status.state in status.ACTIVE]
    _doors(cards, done)
    widgets.part(lambda: _lab(cards, done, active), every=EVERY if active else None)
