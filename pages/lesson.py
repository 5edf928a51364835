"""The first lesson: from a cell to an answer, in words for somebody who knows nothing of leukemia or networks."""

import numpy as np
import streamlit as st

from allcore.data.records import DatasetCard
from allcore.inference.uploads import Classified, Upload
from allcore.jobs import control, demo, submit
from allcore.metrics import classification, text
from allcore.models import presets, registry
from allcore.plots import curves, roc, theme
from allcore.runs import events, spec, status, store
from allcore.runs.store import Job
from pages.ui import cached, person, routes, state, widgets
from pages.ui.gallery import Cell, gallery

artifacts = cached.artifacts()
MINE, CELL = "lesson", "lesson-cell"
"""Kept for this person: the training that they began, the cell that they chose."""


def _begin(card: DatasetCard) -> Job:
    """Queue the lesson's training, or join the one that somebody else has under way. It needs the demo cells."""
    under_way = [job for job in _lessons(card) if job.status.state in status.ACTIVE]
    if under_way:
        run = under_way[-1].id
    else:
        plan, _ = submit.planned(artifacts, data=demo.NAME, model=demo.MODEL, preset=presets.FIRST_LESSON)
        run = submit.training(artifacts, plan, tags=person.tags()).id
    control.ensure(artifacts)
    state.select(state.RUN, run)
    state.put(MINE, run)
    return store.read(artifacts.run(run))


def _lessons(card: DatasetCard) -> list[Job]:
    """All trainings of this lesson on these very cells, oldest first."""
    wanted = {"preset": presets.FIRST_LESSON, "data_fingerprint": card.fingerprint, "model": demo.MODEL}
    return [job for job in store.runs(artifacts) if wanted.items() <= job.spec.params.items()]


def _run(card: DatasetCard) -> Job | None:
    """The lesson's training: the one in the URL or last seen, else one under way, else the last that was finished by anybody."""
    found = _lessons(card)
    by_id = {job.id: job for job in found}
    for run in (st.query_params.get(state.RUN), state.get(state.RUN)):
        if run in by_id:
            return by_id[run]
    under_way = [job for job in found if job.status.state in status.ACTIVE]
    return (under_way or [job for job in found if job.state == status.DONE] or [None])[-1]


def _cells(card: DatasetCard) -> None:
    st.header("1. What you see", anchor=False)
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            "Acute lymphoblastic leukemia, ALL, is a cancer of the blood and the most common cancer in children. The bone marrow makes "
            "too many white blood cells that never ripen. Found early, about nine children in ten are cured.\n\n"
            "To find it, a specialist looks at such cells through a microscope, one by one. A **leukemic** cell tends to be larger, its "
            "nucleus fills it almost whole, with a finer grain and a less even outline. A **healthy** one is smaller and rounder. The "
            "difference is small: look for yourself."
        )
        st.caption(
            "These cells are drawn by a program, after the look of real ones (C-NMC 2019), so that the lesson works at once and nobody's "
            "data is needed."
        )
    with right:
        table = cached.dataset_records(card)
        for name, title in (("leukemia", "Leukemic, with an orange line"), ("healthy", "Healthy, with a blue line")):
            rows = np.random.default_rng(1).permutation(np.flatnonzero((table["label"] == name).to_numpy()))[:20].tolist()
            colour = theme.class_colour(name, card.class_names)
            st.markdown(f"**{title}**")
            cells = [
                Cell(table["image_id"].iloc[row], image, f"patient {table['subject'].iloc[row]}", colour)
                for row, image in zip(rows, cached.thumbnails(card, rows), strict=True)
            ]
            gallery(cells, label=f"{len(rows)} cells: {title}", key=f"lesson-{name}", side=60)


def _training(job: Job) -> None:
    st.header("2. The network learns", anchor=False)
    left, right = st.columns([2, 3], gap="large")
    made = cached.certificate(job)
    with left:
        numbers = round(registry.card(demo.MODEL).parameters, -4)
        rounds = job.spec.params["settings"]["epochs"]
        people = f"of {made.sides['train'].subjects} patients" if made else "of most patients"
        st.markdown(
            f"A neural network is shown the cells {people}, a few at a time, with the right answer. After each few it changes its "
            f"{numbers:,} numbers a little so that it would have been less wrong. One round over all cells is an **epoch**; it does "
            f"{rounds}.\n\n"
            "The other patients are kept away from it. Why? Cells of one patient look alike: they share stain, light and microscope. "
            "Tested on people it knows, a network can look wise by recognising the person."
        )
    with right:
        history = events.epochs(events.read(job.paths))
        if job.state in status.ACTIVE and job.state != status.INTERRUPTED:
            st.progress(job.share, text=widgets.doing(job))
        if job.state == status.FAILED:
            st.error(f"The training failed. {widgets.plain(job.status.reason)}", icon=":material/error:")
        if history.empty:
            st.caption("Here its progress will be drawn, a point an epoch.")
        else:
            widgets.chart(curves.curves(history), curves.describe_curves(history), curves.curves_table(history), key="lesson-curves")


def _result(job: Job) -> None:
    st.header("3. Is it any good?", anchor=False)
    scores, made, floor = cached.scores(job), cached.certificate(job), cached.headline(job).constant
    test = cached.test_predictions(job)
    truth, p = (test["label"] == scores.positive).to_numpy(), test[f"p_{scores.positive}"].to_numpy()
    found, false = classification.rates_at(truth, p, 0.5, subjects=test["subject"].to_numpy())
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            f"Now it is asked about {made.sides['test'].images} cells of {made.sides['test'].subjects} patients it has **never seen**.\n\n"
            f"It finds {text.percent(found)} of the leukemic cells and calls {text.percent(false)} of the healthy ones leukemic. "
            "The brackets say how far the figure could be off: other patients would give another one.\n\n"
            f"Somebody who always answered '{floor.predicted}' would be right for {text.percentage(floor.accuracy)} of these cells, and "
            "would be useless. So accuracy alone says little; look at both kinds of error.\n\n"
            "The curve shows every balance between the two. One could make it more watchful: it would find more leukemic cells, and sound "
            "more false alarms. A coin would give the diagonal; the further the curve bends to the upper left, the better."
        )
    with right:
        point = classification.at_threshold(truth, p, 0.5)
        widgets.chart(roc.roc(scores, point=point), roc.describe_roc(scores, point=point), roc.roc_table(scores), key="lesson-roc")


def _your_turn(job: Job, card: DatasetCard) -> None:
    st.header("4. Your turn", anchor=False)
    st.markdown("These are cells of patients that the network has never met. What would you say? Choose one, then see what it says.")
    table = cached.dataset_records(card)
    test = cached.test_predictions(job)
    test = test.sample(min(10, len(test)), random_state=7)
    row_of = {image_id: row for row, image_id in enumerate(table["image_id"])}
    pictures = cached.thumbnails(card, [row_of[image_id] for image_id in test["image_id"]])
    cells = [
        Cell(image_id, picture, f"Cell {number}", theme.GREY)
        for number, (image_id, picture) in enumerate(zip(test["image_id"], pictures, strict=True), 1)
    ]
    chosen = gallery(cells, label=f"{len(cells)} cells of unseen patients", key="lesson-try", keep=CELL)
    if chosen in set(test["image_id"]):
        _answer(job, chosen, truth=test.loc[test["image_id"] == chosen, "label"].iloc[0])
    st.caption("What you have trained knows drawn cells only. It is a lesson, and never a diagnosis.")


def _answer(job: Job, image_id: str, truth: str) -> None:
    """What the network says of one cell, and what it was drawn as."""
    content = (artifacts.dataset(demo.NAME).images / image_id).read_bytes()
    answer = cached.answers(job, [Upload("cell", content)])[0]
    left, right = st.columns([1, 4], vertical_alignment="center")
    left.image(content, width=140, alt="The chosen cell")
    with right:
        if isinstance(answer, Classified):
            share = text.percentage(answer.probabilities[answer.label])
            verdict = "It is right" if answer.label == truth else "It is wrong"
            st.markdown(f"The network says **{answer.label}** ({share}). {verdict}: this cell was drawn as **{truth}**.")
        run = {state.RUN: job.id}
        with st.container(gap="xsmall"):
            st.page_link(routes.CLASSIFY, label="Let it judge a picture of yours", icon=":material/image_search:", query_params=run)
            st.page_link(routes.RESULTS, label="See its result in full", icon=":material/leaderboard:", query_params=run)


def _watched(job: Job) -> None:
    """The training, read anew at each look, until it ends."""
    now = store.read(job.paths)
    if now.status.state in status.ENDED:
        st.rerun(scope="app")
    _training(now)


def _drawing() -> None:
    """The demo cells on their way."""
    if demo.card(artifacts) is not None:
        st.rerun(scope="app")
    job = next((job for job in store.active(artifacts) if job.spec.kind == spec.PHANTOM), None)
    st.progress(job.share if job else 0.0, text="The cells are being drawn; this happens once and takes some seconds")


def _train(card: DatasetCard, label: str) -> None:
    """The button that begins a training."""
    if st.button(label, type="primary", icon=":material/play_arrow:"):
        _begin(card)
        st.rerun()


def _steps(card: DatasetCard) -> None:
    """The lesson as far as its training has come."""
    job = _run(card)
    if state.pop(state.LESSON_ASKED) and job is None:
        job = _begin(card)
    if job is None:
        _cells(card)
        st.header("2. The network learns", anchor=False)
        st.markdown("A neural network will look at the cells of most patients, and be tested on the others. It takes about a minute.")
        _train(card, "Train the network")
        return
    if job.state == status.DONE and job.id != state.get(MINE):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("This lesson has been done here before; below is that training.", width="content")
            if st.button("Train it anew", icon=":material/replay:"):
                _begin(card)
                st.rerun()
    state.select(state.RUN, job.id)
    control.ensure_if_needed(artifacts)
    _cells(card)
    if job.status.state in status.ACTIVE:
        widgets.part(lambda: _watched(job), every=2.0)
        return
    _training(job)
    if job.state == status.DONE:
        _result(job)
        widgets.part(lambda: _your_turn(job, card))
    else:
        _train(card, "Try again")


with widgets.plain_errors():
    widgets.page("The first lesson", "From a cell to an answer in about two minutes.")
    card = demo.card(artifacts)
    if card is not None:
        _steps(card)
    else:
        demo.queue(artifacts)
        control.ensure(artifacts)
        widgets.part(_drawing, every=1.0)
