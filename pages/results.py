"""How good is it, really?"""

import numpy as np
import pandas as pd
import streamlit as st

from allcore.base import fileio
from allcore.metrics import classification, text
from allcore.metrics.scores import Scores
from allcore.plots import confusion, curves, probabilities, roc
from allcore.runs import events, spec, store
from allcore.runs.store import Job
from pages.ui import board, cached, routes, state, widgets

artifacts = cached.artifacts()
BY_CLASS, TRAINING, PROBABILITIES, COMPARE, ORIGIN = "By class", "Training", "Probabilities", "Compare", "How it was made"


def _data(runs: list[Job]) -> str:
    """The data set whose runs are ranked: figures on different images can't be compared."""
    names = list(dict.fromkeys(job.spec.params["data"] for job in reversed(runs)))
    linked = next((job for job in runs if job.id == st.query_params.get(state.RUN)), None)
    now = linked.spec.params["data"] if linked else state.selected(state.DATA, names)
    if len(names) > 1:
        labels = {job.spec.params["data"]: widgets.data_name(job) for job in runs}
        now = st.selectbox("Data set", names, index=names.index(now), format_func=labels.get, key="results-data")
    state.select(state.DATA, now)
    return now


def _one(job: Job, rivals: list[Job]) -> None:
    scores = cached.scores(job)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(widgets.run_name(job), anchor=False, width="content")
        if cached.synthetic(job):
            widgets.drawn_badge()
    widgets.certificate(cached.certificate(job))
    if len(scores.classes) == 2:
        widgets.part(lambda: _at_a_threshold(job, scores))
    else:
        left, right = st.columns(2, gap="large")
        with left:
            widgets.chart(roc.roc(scores), roc.describe_roc(scores), roc.roc_table(scores), key="roc")
        with right:
            _confusion(scores.confusion, scores.classes)
    widgets.part(lambda: _details(job, scores, rivals))


def _details(job: Job, scores: Scores, rivals: list[Job]) -> None:
    names = [BY_CLASS, TRAINING, PROBABILITIES, *([COMPARE] if len(rivals) > 1 else []), ORIGIN]
    tabs = dict(zip(names, st.tabs(names, key="details", bind="query-params"), strict=True))
    drawn = {
        BY_CLASS: lambda: _by_class(scores),
        TRAINING: lambda: _training(job),
        PROBABILITIES: lambda: _histogram(job, scores),
        COMPARE: lambda: board.comparison(rivals, job),
        ORIGIN: lambda: _origin(job),
    }
    for name, tab in tabs.items():
        if tab.open:
            with tab:
                drawn[name]()


def _at_a_threshold(job: Job, scores: Scores) -> None:
    test = cached.test_predictions(job)
    truth = (test["label"] == scores.positive).to_numpy()
    p = test[f"p_{scores.positive}"].to_numpy()
    left, middle, right = st.columns([5, 3, 5], gap="medium")
    with middle:
        st.space("small")
        threshold = st.slider(
            "Threshold",
            0.0,
            1.0,
            0.5,
            0.01,
            key="threshold",
            bind="query-params",
            help=f"An image is called {scores.positive} when its probability is at least this.",
        )
        point = classification.at_threshold(truth, p, threshold)
        subjects = test["subject"].to_numpy() if scores.subjects else None
        found, false = classification.rates_at(truth, p, threshold, subjects=subjects)
        negative = next(name for name in scores.classes if name != scores.positive)
        st.markdown(text.threshold_sentence(found, false, positive=scores.positive, negative=negative))
        if threshold != 0.5:
            st.caption(":orange[:material/warning:] Chosen by hand on the test side: these figures are optimistic.")
        people = f" of {widgets.counted(scores.subjects, 'patient')}" if scores.subjects else ""
        st.caption(f"{widgets.counted(scores.n, 'test image')}{people}. AUROC {text.show(scores.intervals['auroc'])}.")
        if scores.intervals["auroc"].note:
            st.caption(f"Intervals: {scores.intervals['auroc'].note}.")
    with left:
        widgets.chart(roc.roc(scores, point=point), roc.describe_roc(scores, point=point), roc.roc_table(scores), key="roc")
    with right:
        index = scores.classes.index(scores.positive)
        counts = np.zeros((2, 2), int)
        counts[index, index], counts[index, 1 - index] = point.tp, point.fn
        counts[1 - index, index], counts[1 - index, 1 - index] = point.fp, point.tn
        _confusion(counts.tolist(), scores.classes)


def _confusion(counts, classes) -> None:
    widgets.chart(
        confusion.confusion(counts, classes),
        confusion.describe_confusion(counts, classes),
        confusion.confusion_table(counts, classes),
        key="confusion",
    )


def _by_class(scores: Scores) -> None:
    table = [
        {
            "class": one.name,
            "images": one.support,
            **({"patients": one.subjects} if scores.subjects else {}),
            "precision": text.number(one.precision),
            "recall": text.number(one.recall),
            "F1": text.number(one.f1),
            "AUROC": text.number(one.auroc),
        }
        for one in scores.by_class
    ]
    st.dataframe(pd.DataFrame(table), hide_index=True, alt="Precision, recall and F1 of each class")
    st.caption(f"At the most probable class. Log loss {scores.log_loss:.3f}, Brier score {scores.brier:.3f}.")


def _training(job: Job) -> None:
    history = events.epochs(events.read(job.paths))
    if history.empty:
        st.caption("This model is fitted in one go: there are no epochs to draw.")
        return
    left, right = st.columns(2, gap="large")
    with left:
        widgets.chart(curves.curves(history), curves.describe_curves(history), curves.curves_table(history), key="curves")
    with right:
        widgets.chart(
            curves.epoch_times(history), curves.describe_epoch_times(history), curves.epoch_times_table(history), key="epoch-times"
        )


def _histogram(job: Job, scores: Scores) -> None:
    test = cached.test_predictions(job)
    labels = test["label"].map({name: index for index, name in enumerate(scores.classes)}).to_numpy()
    p = test[f"p_{scores.positive}"].to_numpy()
    options = {"positive": scores.positive, "threshold": 0.5 if len(scores.classes) == 2 else None}
    widgets.chart(
        probabilities.histogram(labels, p, scores.classes, **options),
        probabilities.describe_histogram(labels, p, scores.classes, **options),
        probabilities.histogram_table(labels, p, scores.classes),
        key="histogram",
    )
    st.download_button(
        "All predictions",
        lambda: store.predictions(job.paths).to_csv(index=False),
        f"{job.id}-predictions.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
        help="Of the tune, calibrate and test sides, as CSV",
    )


def _origin(job: Job) -> None:
    parity, training = job.metrics["onnx_parity"], job.metrics["training"]
    size, unit = f"{training['model_bytes'] / 1e6:.1f} MB", "weights" if training["epochs"] else "nodes"
    st.caption(
        f"{training['parameters']:,} {unit}, {size} as ONNX. The graph that answers agrees with the trained model on "
        f"{parity['class_agreement']:.1%} of {widgets.counted(parity['images'], 'test image')}, largest difference "
        f"{parity['largest_difference']:.0e}."
    )
    left, right = st.columns(2)
    left.dataframe(widgets.settings(job), hide_index=True, alt="Settings")
    environment = fileio.read_json_cached(job.paths.environment)
    facts = {**{name: environment[name] for name in ("python", "system", "processor", "cores", "memory_gb")}, **environment["packages"]}
    right.dataframe(
        pd.DataFrame({"with": list(facts), "version": [str(value) for value in facts.values()]}),
        hide_index=True,
        alt="Versions and machine",
    )
    st.download_button("The model (ONNX)", job.paths.onnx.read_bytes, f"{job.id}.onnx", on_click="ignore", icon=":material/download:")


def _nothing() -> None:
    message = "Here you will see how good each model is on cells of patients it has never met. No run has finished yet."
    at_work = [job for job in store.active(artifacts) if job.spec.kind == spec.TRAIN]
    if at_work:
        if widgets.empty(message, f"See {widgets.counted(len(at_work), 'training')} at work"):
            st.switch_page(routes.JOBS)
    elif widgets.empty(message, "Train a model"):
        st.switch_page(routes.TRAIN)


with widgets.plain_errors():
    head, picker = st.columns([3, 2], vertical_alignment="bottom")
    with head:
        widgets.page("Results")
    done = widgets.finished()
    if not done:
        _nothing()
    else:
        with picker:
            data = _data(done)
        rivals = board.best_first([job for job in done if job.spec.params["data"] == data])
        by_id = {job.id: job for job in rivals}
        chosen = by_id[state.selected(state.RUN, list(by_id))]
        state.select(state.RUN, chosen.id)
        board.table(rivals, chosen)
        _one(chosen, rivals)
        st.page_link(
            routes.CLASSIFY, label="Let this model judge a picture", icon=":material/arrow_forward:", query_params={state.RUN: chosen.id}
        )
