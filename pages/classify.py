"""What is this?"""

import streamlit as st

from allcore.base.errors import NotFound
from allcore.data import images, records, smears
from allcore.inference.uploads import Refused, Upload
from allcore.metrics import text
from allcore.runs.store import Job
from pages.ui import answer, batch, board, cached, field, intake, mending, routes, state, widgets

artifacts = cached.artifacts()
EXAMPLE, DRAWN_FIELD = "example", "drawn field.png"


def _model(runs: list[Job]) -> Job:
    by_id = {job.id: job for job in board.best_first(runs)}

    def label(id_: str) -> str:
        figure = text.show(cached.headline(by_id[id_]).scores.intervals["balanced_accuracy"])
        return f"{widgets.run_name(by_id[id_])} · balanced accuracy {figure}"

    now = state.selected(state.RUN, list(by_id))
    now = st.selectbox("Model", list(by_id), index=list(by_id).index(now), format_func=label)
    state.select(state.RUN, now)
    return by_id[now]


def _examples(job: Job) -> list[Upload]:
    """Three cells of the run's test side, as files, and a drawn field where they are drawn; none where the data set or files have gone."""
    paths = artifacts.dataset(job.spec.params["data"])
    try:
        data = records.read_card(paths)
    except NotFound:
        return []
    if data.fingerprint != job.spec.params["data_fingerprint"]:  # another data set of the same name
        return []
    test = cached.test_predictions(job)
    wanted = [*test.groupby("label")["image_id"].first(), test["image_id"].iloc[len(test) // 2]]
    files = [records.image_root(paths, data) / image_id for image_id in dict.fromkeys(wanted)]
    found = [Upload(file.name, file.read_bytes()) for file in files if file.is_file()][:3]
    return [*found, Upload(DRAWN_FIELD, smears.example())] if found and data.synthetic else found


def _try_one(examples: list[Upload]) -> None:
    """Example cells to choose from."""
    st.caption("Or try a cell that it has never seen")
    with st.container(horizontal=True):
        for number, example in enumerate(examples, 1):
            with st.container(width=80):
                st.image(images.prepared(example.content, 96), width="stretch", alt=f"Example {number}")
                label = "Field" if example.name == DRAWN_FIELD else f"Cell {number}"
                if st.button(label, key=f"example-{number}", width="stretch"):
                    state.put(EXAMPLE, number)


def _answer(job: Job, sent: list[Upload]) -> None:
    if intake.is_batch(sent):
        batch.show(job, sent, _opened)
        answer.caution(job)
        return
    field.show(job, sent[0])


def _opened(job: Job, one: Upload | Refused, kind: str, place: str, corrected: mending.Told) -> None:
    """One file of a batch, as if it had come alone, and had been said to be of that kind."""
    st.divider()
    if isinstance(one, Refused):
        st.error(widgets.plain(f"{one.name}: {one.error}"), icon=":material/error:")
        return
    field.show(job, one, kind, place=place, corrected=corrected)


with widgets.plain_errors():
    widgets.page("Classify", "Drop one picture of a cell, or many. Nothing is kept.")
    done = widgets.finished()
    if not done:
        if widgets.empty("A picture needs a trained model to judge it, and there is none yet.", "Train one in the first lesson"):
            st.switch_page(routes.LESSON)
    else:
        job = _model(done)
        examples = _examples(job)
        left, right = st.columns([5, 3], gap="large") if examples else (st.container(), None)
        with left:
            sent = intake.sent()
        if examples:
            with right:
                _try_one(examples)
        if not sent and state.get(EXAMPLE, 0) in range(1, len(examples) + 1):
            sent = [examples[state.get(EXAMPLE) - 1]]
        if sent:
            _answer(job, sent)
