"""How good is it, really?"""

import numpy as np
import pandas as pd
import streamlit as st

from allcore.base import fileio
from allcore.metrics import cycles, fitting, text
from allcore.metrics.scores import ConstantScores, Scores
from allcore.plots import confusion, curves, probabilities, roc
from allcore.runs import events, spec, store
from allcore.runs.store import Job
from pages.ui import answers, beyond, board, cached, judged, operating, pack, routes, state, versus, widgets
from pages.ui.operating import Operating

artifacts = cached.artifacts()
FIGURES, IMAGES, CURVES, PROBABILITIES, PATIENTS = "Figures", "Images", "Curves", "Probabilities", "Patients"
TRAINING, COMPARE, BEYOND, ORIGIN, REPORT, DETAILS = "Training", "Compare", "Beyond", "How it was made", "Report", "details"


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


def _one(job: Job, rivals: list[Job], sides: dict[str, str]) -> None:
    scores = cached.scores(job)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(widgets.run_name(job), anchor=False, width="content")
        if cached.synthetic(job):
            widgets.drawn_badge()
    widgets.certificate(cached.certificate(job))
    # One part: a threshold moves everything in it together.
    widgets.part(lambda: _judged(job, scores, rivals, sides), name=operating.PART)


def _judged(job: Job, scores: Scores, rivals: list[Job], sides: dict[str, str]) -> None:
    if len(scores.classes) == 2:
        now = _at_a_threshold(job, scores)
        index = scores.classes.index(scores.positive)
        called = np.where(now.p >= now.threshold, index, 1 - index)
    else:
        now, called = None, cached.test_predictions(job)[[f"p_{name}" for name in scores.classes]].to_numpy().argmax(axis=1)
        left, right = st.columns(2, gap="large")
        with left:
            widgets.chart(roc.roc(scores), roc.describe_roc(scores), roc.roc_table(scores), key="roc")
        with right:
            _confusion(scores.confusion, scores)
    # A part within: what is clicked in a tab draws none of the above again.
    widgets.part(lambda: _details(job, scores, now, called, rivals, sides), name=DETAILS)


def _details(job: Job, scores: Scores, now: Operating | None, called: np.ndarray, rivals: list[Job], sides: dict[str, str]) -> None:
    drawn = {
        FIGURES: lambda: _figures(scores, cached.headline(job).constant, now),
        IMAGES: lambda: answers.shown(job, scores, called),
        **({CURVES: lambda: judged.curves(job, scores, now)} if now else {}),
        PROBABILITIES: lambda: _probabilities(job, scores, now),
        **({PATIENTS: lambda: judged.by_patient(scores, now)} if now else {}),
        TRAINING: lambda: _training(job),
        **({COMPARE: lambda: versus.comparison(rivals, job, sides)} if len(rivals) > 1 else {}),
        BEYOND: lambda: beyond.shown(job),
        ORIGIN: lambda: _origin(job),
        REPORT: lambda: pack.offered(job, rivals),
    }
    for tab, draw in zip(st.tabs(list(drawn), key=DETAILS, bind="query-params"), drawn.values(), strict=True):
        if tab.open:
            with tab:
                draw()


def _at_a_threshold(job: Job, scores: Scores) -> Operating:
    left, middle, right = st.columns([5, 3, 5], gap="medium")
    with middle:
        now = operating.control(job, scores)
        people = f" of {widgets.counted(scores.subjects, 'patient')}" if scores.subjects else ""
        st.caption(f"{widgets.counted(scores.n, 'test image')}{people}. AUROC {text.show(scores.intervals['auroc'])}.")
        if scores.intervals["auroc"].note:
            st.caption(f"Intervals: {scores.intervals['auroc'].note}.")
    with left:
        widgets.chart(
            roc.roc(scores, point=now.point, band=judged.roc_band(job, scores)),
            roc.describe_roc(scores, point=now.point),
            roc.roc_table(scores),
            key="roc",
            on_click=lambda: operating.set_by_click("roc"),
        )
    with right:
        index = scores.classes.index(scores.positive)
        counts = np.zeros((2, 2), int)
        counts[index, index], counts[index, 1 - index] = now.point.tp, now.point.fn
        counts[1 - index, index], counts[1 - index, 1 - index] = now.point.fp, now.point.tn
        _confusion(counts.tolist(), scores)
    return now


def _confusion(counts, scores: Scores) -> None:
    def opened() -> None:
        if answers.set_by_click("confusion", scores):
            state.fill(DETAILS, IMAGES)

    widgets.chart(
        confusion.confusion(counts, scores.classes),
        confusion.describe_confusion(counts, scores.classes),
        confusion.confusion_table(counts, scores.classes),
        key="confusion",
        on_click=opened,
    )


def _figures(scores: Scores, constant: ConstantScores, now: Operating | None) -> None:
    if now is None:
        _by_class(scores)
        st.caption(widgets.plain(constant.sentence()))
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        share = scores.of(scores.positive).support / scores.n
        prevalence = st.number_input(
            f"Prevalence of {scores.positive}, %",
            0.1,
            99.9,
            round(100 * share, 1),
            1.0,
            key=f"prevalence-{scores.n}-{round(1000 * share)}",
            help=f"{100 * share:.1f} % is this test side's, not the world's: set the one of the place that you think of.",
        )
        table = operating.figures(now, scores, constant, prevalence=prevalence / 100)
        st.dataframe(table, hide_index=True, alt=f"Figures at the threshold {now.threshold:.3f}")
        if now.chosen.optimistic:
            st.caption("Optimistic: the threshold was chosen on these very images.")
    with right:
        _by_class(scores)


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
        st.markdown(fitting.told(job.metrics["training"]))
        return
    left, right = st.columns(2, gap="large")
    with left:
        widgets.chart(curves.curves(history), curves.describe_curves(history), curves.curves_table(history), key="curves")
        if over := cycles.read(history):
            st.caption(over.sentence())
        if watched := curves.watched(history, finished_on_request=job.metrics["training"].get("finished_on_request", False)):
            st.caption(watched)
    with right:
        widgets.chart(
            curves.epoch_times(history), curves.describe_epoch_times(history), curves.epoch_times_table(history), key="epoch-times"
        )


def _probabilities(job: Job, scores: Scores, now: Operating | None) -> None:
    if now is None:
        _histogram(job, scores, None)
        return
    left, right = st.columns(2, gap="large")
    with left:
        _histogram(job, scores, now.threshold)
    with right:
        judged.calibrated(job, scores)


def _histogram(job: Job, scores: Scores, threshold: float | None) -> None:
    test = cached.test_predictions(job)
    labels = test["label"].map({name: index for index, name in enumerate(scores.classes)}).to_numpy()
    p = test[f"p_{scores.positive}"].to_numpy()
    options = {"positive": scores.positive, "threshold": threshold}
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
    size, unit = f"{training['model_bytes'] / 1e6:.1f} MB", training.get("unit") or ("weights" if training["epochs"] else "nodes")
    if early := fitting.ended_early(training, job.spec.params["settings"]):
        st.caption(early)
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
        with picker, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="bottom"):
            data = _data(done)
            rivals = board.wanted(board.best_first([job for job in done if job.spec.params["data"] == data]))
        sides = board.test_sides(rivals)
        by_id = {job.id: job for job in rivals}
        chosen = by_id[state.selected(state.RUN, list(by_id))]
        state.select(state.RUN, chosen.id)
        board.table(rivals, chosen, sides)
        _one(chosen, rivals, sides)
        st.page_link(
            routes.CLASSIFY, label="Let this model judge a picture", icon=":material/arrow_forward:", query_params={state.RUN: chosen.id}
        )
