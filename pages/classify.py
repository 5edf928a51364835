"""What is this?"""

import streamlit as st

from allcore.base.errors import NotFound
from allcore.data import images, records
from allcore.inference import served
from allcore.inference.served import ServedCard
from allcore.inference.uploads import Classified, Upload
from allcore.metrics import text
from allcore.metrics.thresholds import Chosen
from allcore.plots import probabilities as plots
from allcore.runs import threshold as kept
from allcore.runs.store import Job
from pages.ui import batch, board, cached, intake, routes, state, widgets

artifacts = cached.artifacts()
EXAMPLE = "example"


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
    """Three cells of the run's test side, as files; none where its data set or their files have gone."""
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
    return [Upload(file.name, file.read_bytes()) for file in files if file.is_file()][:3]


def _try_one(examples: list[Upload]) -> None:
    """Example cells to choose from."""
    st.caption("Or try a cell that it has never seen")
    with st.container(horizontal=True):
        for number, example in enumerate(examples, 1):
            with st.container(width=96):
                st.image(images.prepared(example.content, 96), width="stretch", alt=f"Example cell {number}")
                if st.button(f"Cell {number}", key=f"example-{number}", width="stretch"):
                    state.put(EXAMPLE, number)


def _sentence(card: ServedCard, one: Classified, chosen: Chosen | None) -> str:
    share = one.probabilities[one.label]
    if chosen and share < max(one.probabilities.values()):
        # The threshold, not the larger probability, decided.
        p = one.probabilities[card.positive]
        than = "is not below" if one.label == card.positive else "is below"
        return (
            f"This model calls the cell {widgets.class_word(one.label)}: {text.percentage(p)} for "
            f"{widgets.class_word(card.positive)} {than} the threshold of {text.percentage(chosen.threshold)}."
        )
    sure = "clearly" if share >= 0.9 else "probably" if share >= 0.7 else "barely more likely than not"
    return f"This model calls the cell {widgets.class_word(one.label)}, {sure}: {text.percentage(share)}."


def _single(card: ServedCard, upload: Upload, one: Classified, chosen: Chosen | None) -> None:
    left, right = st.columns([1, 3], gap="large")
    with left:
        st.image(images.resized(images.decoded(upload.content).pixels, 320), width=240, alt=f"The picture {one.name}")
        st.caption(widgets.plain(one.name))
    with right:
        st.header(_sentence(card, one, chosen), anchor=False)
        values = [one.probabilities[name] for name in card.class_names]
        options = {"positive": card.positive, "threshold": (chosen.threshold if chosen else 0.5) if len(card.class_names) == 2 else None}
        widgets.chart(
            plots.probabilities(values, card.class_names, **options),
            plots.describe_probabilities(values, card.class_names, **options),
            plots.probabilities_table(values, card.class_names),
            key="answer",
        )
        _caution(card, chosen)


def _caution(card: ServedCard, chosen: Chosen | None) -> None:
    if chosen:
        where = "by hand on the test side" if chosen.optimistic else "on the calibrate part"
        said = f"{widgets.class_word(card.positive).capitalize()} from a probability of {chosen.threshold:.3g}"
        st.caption(f"{said}, a threshold chosen {where} on Results.")
    if card.synthetic:
        st.caption(":violet[:material/draw:] Trained on drawn cells: what it says of a real one means nothing.")
    st.caption("The model answers for any picture, also for one that shows no cell.")


def _answer(card: ServedCard, job: Job, sent: list[Upload]) -> None:
    chosen = kept.read(job.paths) if len(card.class_names) == 2 else None
    if intake.is_batch(sent):
        batch.show(job, card, sent, chosen)
        _caution(card, chosen)
        return
    with st.spinner("Judging the picture"):
        found = cached.answers(job, sent, chosen.threshold if chosen else None)
    if isinstance(found[0], Classified):
        _single(card, sent[0], found[0], chosen)
    else:
        st.error(widgets.plain(f"{found[0].name}: {found[0].error}"), icon=":material/error:")


with widgets.plain_errors():
    widgets.page("Classify", "Drop one picture of a cell, or many. Nothing is kept.")
    done = widgets.finished()
    if not done:
        if widgets.empty("A picture needs a trained model to judge it, and there is none yet.", "Train one in the first lesson"):
            st.switch_page(routes.LESSON)
    else:
        job = _model(done)
        card = served.read_card(job.paths)
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
            _answer(card, job, sent)
