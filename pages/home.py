"""What is here, and what do I do next?"""

import streamlit as st

from allcore.jobs import control, demo
from allcore.metrics import text
from allcore.runs import status, store
from pages.ui import cached, routes, widgets

artifacts = cached.artifacts()
with widgets.plain_errors():
    control.ensure_if_needed(artifacts)
    cards = widgets.datasets()
    jobs = store.jobs(artifacts)
    done = [job for job in jobs if job.spec.kind == "train" and job.state == status.DONE]

    st.title("Tell leukemic from healthy cells", anchor=False)
    st.markdown(
        "A laboratory for one question: does this white blood cell come from acute lymphoblastic leukemia? "
        "Train models on microscope images, see how far their figures can be trusted, and let them judge a picture."
    )
    doors = st.columns(3, gap="medium")
    with doors[0], st.container(border=True, height="stretch", key="door-teach"):
        st.subheader("Teach", anchor=False)
        st.markdown(
            "The first lesson: look at cells, train a network, read its result, let it judge a cell it has never seen. About two minutes."
        )
        if st.button("Start the first lesson", type="primary", icon=":material/school:", width="stretch"):
            st.switch_page(routes.LESSON)
    with doors[1], st.container(border=True, height="stretch", key="door-research"):
        st.subheader("Research", anchor=False)
        st.markdown("Bring your own images, train several models at once, and compare them on patients that none of them has seen.")
        st.page_link(routes.DATASET, label="Look at the data", icon=":material/grid_view:")
        st.page_link(routes.TRAIN, label="Train models", icon=":material/model_training:", disabled=not cards)
        st.page_link(routes.RESULTS, label="Compare results", icon=":material/leaderboard:", disabled=not done)
    with doors[2], st.container(border=True, height="stretch", key="door-classify"):
        st.subheader("Classify", anchor=False)
        st.markdown("Drop a picture of a cell and see what a trained model says of it, and how sure it may be.")
        st.page_link(routes.CLASSIFY, label="Classify a picture", icon=":material/image_search:", disabled=not done)
        if not done:
            st.caption("Opens once a model has been trained.")

    active = [job for job in jobs if job.status.state in status.ACTIVE]

    @widgets.live(2.5, bool(active))
    def lab() -> None:
        """One line each: data, work, best result."""
        now = store.active(artifacts)
        if len(now) != len(active):
            st.rerun()
        with st.container(border=True, key="lab"):
            if not cards:
                making = next((job for job in now if job.spec.kind == "phantom"), None)
                st.markdown("**Data** · " + ("the demo cells are being drawn" if making else "none yet"))
                if not making and st.button("Draw the demo cells", icon=":material/draw:"):
                    demo.queue(artifacts)
                    control.ensure(artifacts)
                    st.rerun(scope="app")
            else:
                st.markdown("**Data** · " + " · ".join(f"{widgets.dataset_label(card)}: {card.images:,} images" for card in cards[:4]))
            if not now:
                st.markdown("**At work** · nothing runs")
            for job in now[:3]:
                name = widgets.model_name(job) if job.spec.kind == "train" else job.spec.kind
                doing = job.beat.doing if job.beat else widgets.STATES[job.state][0]
                st.progress(job.share, text=f"**At work** · {name}: {doing}")
            best = _best(done)
            if best:
                job, interval = best
                st.markdown(
                    f"**Best on unseen patients** · {widgets.model_name(job)} on {job.spec.params['data']}: balanced accuracy {text.show(interval)}"
                )
            else:
                st.markdown("**Best on unseen patients** · no result yet")

    def _best(runs):
        rated = []
        for job in runs:
            made, scores = cached.certificate(job), cached.scores(job)
            if made and scores and made.overlapping_subjects == 0:
                rated.append((job, scores.intervals["balanced_accuracy"]))
        return max(rated, key=lambda pair: pair[1].estimate, default=None)

    lab()
