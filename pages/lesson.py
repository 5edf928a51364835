"""The first lesson: from a cell to an answer, in words for somebody who knows nothing of leukemia or networks."""

import numpy as np
import streamlit as st

from allcore.data.records import DatasetCard
from allcore.inference.uploads import Classified, Upload, classify
from allcore.jobs import control, demo, submit
from allcore.metrics import classification, text
from allcore.models import presets
from allcore.plots import curves, roc, theme
from allcore.runs import events, status, store
from allcore.runs.store import Job
from pages.ui import cached, routes, state, widgets
from pages.ui.gallery import Cell, gallery

artifacts = cached.artifacts()
MODEL = "proposed_cnn"
LESSON = "lesson"


def _begin() -> None:
    """Queue the lesson's training. It needs the demo cells."""
    plan, _ = submit.planned(artifacts, data=demo.NAME, model=MODEL, preset=presets.FIRST_LESSON)
    state.put(LESSON, submit.training(artifacts, plan).id)
    control.ensure(artifacts)


def _run() -> Job | None:
    """The lesson's training: this person's, else the last one that anybody did."""
    done = [
        job
        for job in store.runs(artifacts)
        if job.spec.params["preset"] == presets.FIRST_LESSON and job.spec.params["data"] == demo.NAME and job.spec.params["model"] == MODEL
    ]
    mine = [job for job in done if job.id == state.get(LESSON)]
    finished = [job for job in done if job.state == status.DONE]
    return (mine or finished or [None])[-1]


def _cells(card: DatasetCard) -> None:
    st.header("1. What you see", anchor=False)
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            "Acute lymphoblastic leukemia, ALL, is a cancer of the blood and the most common cancer in children. The bone marrow makes "
            "too many white blood cells that never ripen. Found early, about nine children in ten are cured.\n\n"
            "To find it, a specialist looks at such cells through a microscope, one by one. A **leukemic** cell tends to be larger, its nucleus "
            "fills it almost whole, with a finer grain and a less even outline. A **healthy** one is smaller and rounder. The difference is small: "
            "look for yourself."
        )
        st.caption(
            "These cells are drawn by a program, after the look of real ones (C-NMC 2019), so that the lesson works at once and nobody's data is needed."
        )
    with right:
        table = cached.dataset_records(card)
        rows = np.concatenate([np.flatnonzero((table["label"] == name).to_numpy())[::37][:12] for name in reversed(card.class_names)])
        cells = []
        for row in rows.tolist():
            record = table.iloc[row]
            cells.append(
                Cell(
                    record["image_id"],
                    cached.thumbnail(card, row),
                    f"{record['label']}, patient {record['subject']}",
                    theme.class_colour(record["label"], card.class_names),
                )
            )
        gallery(cells, label="Twelve leukemic cells, then twelve healthy ones", key="lesson-wall")
        st.caption("Orange line: leukemic. Blue line: healthy.")


def _training(job: Job) -> None:
    st.header("2. The network learns", anchor=False)
    left, right = st.columns([2, 3], gap="large")
    made = cached.certificate(job)
    with left:
        people = f"of {made.sides['train'].subjects} patients" if made else "of most patients"
        st.markdown(
            f"A neural network is shown the cells {people}, a few at a time, with the right answer. After each few it changes its "
            "300,000 numbers a little so that it would have been less wrong. One round over all cells is an **epoch**; it does three.\n\n"
            "The other patients are kept away from it. Why? Cells of one patient look alike: they share stain, light and microscope. "
            "Tested on people it knows, a network can look wise by recognising the person."
        )
    with right:
        history = events.epochs(events.read(job.paths))
        if job.state in status.ACTIVE and job.state != status.INTERRUPTED:
            doing = job.beat.doing if job.beat and job.beat.attempt == job.status.attempt else "Waiting for its turn"
            st.progress(job.share, text=doing)
        if job.state == status.FAILED:
            st.error(f"The training failed. {job.status.reason}", icon=":material/error:")
        if history.empty:
            st.caption("Here its progress will be drawn, a point an epoch; the first takes about half a minute.")
        else:
            widgets.chart(curves.curves(history), curves.describe_curves(history), curves.curves_table(history), key="lesson-curves")


def _result(job: Job) -> None:
    st.header("3. Is it any good?", anchor=False)
    scores, made = cached.scores(job), cached.certificate(job)
    table = cached.predictions(job)
    test = table[table["side"] == "test"]
    truth, p = (test["label"] == scores.positive).to_numpy(), test[f"p_{scores.positive}"].to_numpy()
    found, false = classification.rates_at(truth, p, 0.5, subjects=test["subject"].to_numpy())
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            f"Now it is asked about {made.sides['test'].images} cells of {made.sides['test'].subjects} patients it has **never seen**.\n\n"
            f"It finds {text.percent(found)} of the leukemic cells and calls {text.percent(false)} of the healthy ones leukemic. "
            "The brackets say how far the figure could be off: other patients would give another one.\n\n"
            f"Somebody who always answered 'leukemia' would be right for {job.metrics['constant']['accuracy']:.0%} of these cells, and would be "
            "useless. So accuracy alone says little; look at both kinds of error.\n\n"
            "The curve shows every balance between the two. One could make it more watchful: it would find more leukemic cells, and sound "
            "more false alarms. A coin would give the diagonal; the further the curve bends to the upper left, the better."
        )
    with right:
        point = classification.at_threshold(truth, p, 0.5)
        widgets.chart(roc.roc(scores, point=point), roc.describe_roc(scores, point=point), roc.roc_table(scores), key="lesson-roc")


def _answer(job: Job, card: DatasetCard) -> None:
    st.header("4. Your turn", anchor=False)
    st.markdown("These are cells of patients that the network has never met. What would you say? Choose one, then see what it says.")
    table = cached.dataset_records(card)
    test = cached.predictions(job)
    test = test[test["side"] == "test"].sample(10, random_state=7)
    row_of = {image_id: row for row, image_id in enumerate(table["image_id"])}
    cells = [
        Cell(image_id, cached.thumbnail(card, row_of[image_id]), f"Cell {number}", theme.GREY)
        for number, image_id in enumerate(test["image_id"], 1)
    ]
    clicked = gallery(cells, label="Ten cells of unseen patients", key="lesson-try", chosen=state.get("lesson-cell"))
    if clicked:
        state.put("lesson-cell", clicked)
    chosen = state.get("lesson-cell")
    if chosen in set(test["image_id"]):
        path = artifacts.dataset(card.id).images / chosen
        answer = classify(cached.shelf().get(job.paths), [Upload("cell", path.read_bytes())])[0]
        truth = test.loc[test["image_id"] == chosen, "label"].iloc[0]
        left, right = st.columns([1, 4], vertical_alignment="center")
        left.image(np.asarray(cached.pixels(card)[row_of[chosen]]), width=140, alt="The chosen cell")
        with right:
            if isinstance(answer, Classified):
                right_or_wrong = "It is right" if answer.label == truth else "It is wrong"
                st.markdown(
                    f"The network says **{answer.label}** ({answer.probabilities[answer.label]:.0%}). {right_or_wrong}: this cell was drawn as **{truth}**."
                )
            st.page_link(
                routes.CLASSIFY, label="Let it judge a picture of yours", icon=":material/image_search:", query_params={state.RUN: job.id}
            )
            st.page_link(routes.RESULTS, label="See its result in full", icon=":material/leaderboard:", query_params={state.RUN: job.id})
    st.caption("What you have trained knows drawn cells only. It is a lesson, and never a diagnosis.")


def _until_done(job: Job) -> None:
    """The training, drawn again by itself until it ends."""

    @widgets.live(2.0, True)
    def watch() -> None:
        now = store.read(job.paths)
        if now.status.state in status.ENDED:
            st.rerun(scope="app")
        _training(now)

    watch()


with widgets.plain_errors():
    widgets.page("The first lesson", "From a cell to an answer in about two minutes.")
    card = demo.card(artifacts)
    if card is None:
        demo.queue(artifacts)
        control.ensure(artifacts)

        @widgets.live(1.0, True)
        def drawing() -> None:
            """The demo cells on their way."""
            if demo.card(artifacts) is not None:
                st.rerun(scope="app")
            job = next((job for job in store.active(artifacts) if job.spec.kind == "phantom"), None)
            st.progress(job.share if job else 0.0, text="The cells are being drawn; this happens once and takes some seconds")

        drawing()
    else:
        job = _run()
        if job is None:
            _begin()
            job = _run()
        elif state.get(LESSON) is None and job.state == status.DONE:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption("Somebody has done this lesson here before; below is that training.")
                if st.button("Train again", icon=":material/replay:"):
                    _begin()
                    st.rerun()
        control.ensure_if_needed(artifacts)
        _cells(card)
        if job.status.state in status.ENDED:
            _training(job)
        else:
            _until_done(job)
        if job.state == status.DONE:
            _result(job)
            _answer(job, card)
        elif job.status.state in status.ENDED:
            if st.button("Try again", type="primary"):
                _begin()
                st.rerun()
