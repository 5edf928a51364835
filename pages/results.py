"""How good is it, really?"""

import numpy as np
import pandas as pd
import streamlit as st

from allcore.base import fileio
from allcore.metrics import classification, text
from allcore.metrics.scores import ConstantScores, Scores
from allcore.plots import confusion, curves, probabilities, roc
from allcore.plots.ranking import Ranked, describe_ranking, ranking, ranking_table
from allcore.runs import events, status, store
from allcore.runs.store import Job
from pages.ui import cached, routes, state, widgets

artifacts = cached.artifacts()


def _label(job: Job) -> str:
    return f"{widgets.model_name(job)} · {job.spec.params['data']} · {widgets.when(job)}"


def _board(runs: list[Job]) -> str:
    """The ranking, the constant answer first; the run that is chosen in it."""
    by_id = {job.id: job for job in runs}
    rows = []
    for job in runs:
        scores, made = cached.scores(job), cached.certificate(job)
        rows.append(
            {
                "model": widgets.model_name(job),
                "data": job.spec.params["data"],
                "tested on": "unseen patients"
                if made.overlapping_subjects == 0
                else "patients unknown"
                if made.overlapping_subjects is None
                else "patients it had seen",
                "balanced accuracy": text.show(scores.intervals["balanced_accuracy"]),
                "AUROC": text.show(scores.intervals["auroc"]),
                "sensitivity": text.show(scores.intervals["sensitivity"]),
                "specificity": text.show(scores.intervals["specificity"]),
                "weighted F1": f"{scores.weighted_f1:.3f}",
                "epoch": _epoch(job),
                "total": widgets.minutes(job.seconds),
                "n": scores.n,
                "rank": scores.balanced_accuracy,
                "id": job.id,
            }
        )
    table = pd.DataFrame(rows).sort_values("rank", ascending=False, ignore_index=True)
    floor = ConstantScores.from_dict(runs[-1].metrics["constant"])
    constant = {
        **dict.fromkeys(table.columns, ""),
        "n": None,
        "model": f"always '{floor.predicted}'",
        "tested on": "what no model should fall below",
        "balanced accuracy": text.number(floor.balanced_accuracy),
        "AUROC": text.number(floor.auroc),
        "weighted F1": text.number(floor.weighted_f1),
        "id": "",
    }
    shown = pd.concat([pd.DataFrame([constant]), table], ignore_index=True)
    chosen = st.dataframe(
        shown.drop(columns=["rank", "id"]),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="board",
        height=min(38 + 35 * len(shown), 260),
        alt=describe_ranking(_ranked(runs), measure="balanced accuracy"),
    )
    rows_ = chosen.selection.rows
    clicked = shown["id"].iloc[rows_[0]] if rows_ and rows_[0] < len(shown) else ""
    if clicked:
        state.select(state.RUN, clicked)
    return state.selected(state.RUN, list(table["id"])) if not clicked else by_id[clicked].id


def _epoch(job: Job) -> str:
    seconds = job.metrics["training"]["epoch_seconds"]
    return widgets.minutes(seconds) if seconds else "–"


def _ranked(runs: list[Job]) -> list[Ranked]:
    return [
        Ranked(
            name=_label(job),
            interval=cached.scores(job).intervals["balanced_accuracy"],
            constant=job.metrics["constant"]["balanced_accuracy"],
            apart=cached.certificate(job).overlapping_subjects == 0,
        )
        for job in runs
    ]


def _one(job: Job) -> None:
    scores = cached.scores(job)
    made = cached.certificate(job)
    st.subheader(_label(job), anchor=False)
    widgets.certificate(made)
    if job.metrics and _is_synthetic(job):
        st.caption("Trained and tested on drawn cells: this says nothing about real ones.")
    if len(scores.classes) == 2:
        _at_a_threshold(job, scores)
    else:
        left, right = st.columns(2, gap="large")
        with left:
            widgets.chart(roc.roc(scores), roc.describe_roc(scores), roc.roc_table(scores), key="roc")
        with right:
            _confusion(scores.confusion, scores.classes)
    tabs = st.tabs(["By class", "Training", "Probabilities", "How it was made"])
    with tabs[0]:
        st.dataframe(_by_class(scores), hide_index=True, alt="Precision, recall and F1 of each class")
        st.caption(f"At the most probable class. Log loss {scores.log_loss:.3f}, Brier score {scores.brier:.3f}.")
    with tabs[1]:
        history = events.epochs(events.read(job.paths))
        if history.empty:
            st.caption("This model is fitted in one go: there are no epochs to draw.")
        else:
            widgets.chart(curves.curves(history), curves.describe_curves(history), curves.curves_table(history), key="curves")
            widgets.chart(
                curves.epoch_times(history), curves.describe_epoch_times(history), curves.epoch_times_table(history), key="epoch-times"
            )
    with tabs[2]:
        _histogram(job, scores)
    with tabs[3]:
        _origin(job)


def _is_synthetic(job: Job) -> bool:
    return bool(fileio.read_json_cached(job.paths.model_card)["synthetic"])


def _at_a_threshold(job: Job, scores: Scores) -> None:
    table = cached.predictions(job)
    test = table[table["side"] == "test"]
    truth = (test["label"] == scores.positive).to_numpy()
    p = test[f"p_{scores.positive}"].to_numpy()
    left, middle, right = st.columns([5, 3, 5], gap="medium")
    with middle:
        st.space("medium")
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
        people = f" of {scores.subjects} patients" if scores.subjects else ""
        st.caption(f"{scores.n:,} test images{people}. AUROC {text.show(scores.intervals['auroc'])}.")
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


def _by_class(scores: Scores) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "class": one.name,
                "images": one.support,
                "patients": one.subjects,
                "precision": text.number(one.precision),
                "recall": text.number(one.recall),
                "F1": text.number(one.f1),
                "AUROC": text.number(one.auroc),
            }
            for one in scores.by_class
        ]
    )


def _histogram(job: Job, scores: Scores) -> None:
    table = cached.predictions(job)
    test = table[table["side"] == "test"]
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
        lambda: table.to_csv(index=False),
        f"{job.id}-predictions.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )


def _origin(job: Job) -> None:
    parity = job.metrics["onnx_parity"]
    training = job.metrics["training"]
    size = training["model_bytes"] / 1e6
    st.caption(
        f"{training['parameters']:,} {'weights' if training['epochs'] else 'nodes'}, {size:.1f} MB as ONNX. The graph that answers agrees with the trained "
        f"model on {parity['class_agreement']:.1%} of {parity['images']:,} test images, largest difference {parity['largest_difference']:.0e}."
    )
    left, right = st.columns(2)
    params = {"preset": job.spec.params["preset"], **job.spec.params["settings"]}
    left.dataframe(
        pd.DataFrame({"setting": list(params), "value": [str(value) for value in params.values()]}), hide_index=True, alt="Settings"
    )
    environment = fileio.read_json_cached(job.paths.environment)
    facts = {**{name: environment[name] for name in ("python", "system", "processor", "cores", "memory_gb")}, **environment["packages"]}
    right.dataframe(
        pd.DataFrame({"with": list(facts), "version": [str(value) for value in facts.values()]}),
        hide_index=True,
        alt="Versions and machine",
    )
    st.download_button("The model (ONNX)", job.paths.onnx.read_bytes, f"{job.id}.onnx", on_click="ignore", icon=":material/download:")


with widgets.plain_errors():
    widgets.page("Results")
    done = [job for job in store.runs(artifacts) if job.state == status.DONE and job.metrics]
    if not done:
        widgets.empty(
            "Here you will see how good each model is on cells of patients it has never met. No run has finished yet.",
            page=routes.TRAIN,
            label="Train a model",
        )
        partial = [job for job in store.active(artifacts) if job.spec.kind == "train"]
        if partial:
            st.page_link(routes.JOBS, label=f"{widgets.counted(len(partial), 'training')} at work", icon=":material/progress_activity:")
    else:
        chosen = _board(done)
        if len(done) > 1:
            with st.expander("Compare"):
                rated = _ranked(done)
                widgets.chart(
                    ranking(rated, measure="balanced accuracy"),
                    describe_ranking(rated, measure="balanced accuracy"),
                    ranking_table(rated),
                    key="ranking",
                )
                picked = st.multiselect(
                    "Overlay ROC curves",
                    [job.id for job in done],
                    default=[chosen],
                    format_func=lambda id_: _label(next(job for job in done if job.id == id_)),
                    max_selections=5,
                )
                overlaid = {_label(job): cached.scores(job) for job in done if job.id in picked}
                if overlaid:
                    widgets.chart(roc.roc_runs(overlaid), roc.describe_roc_runs(overlaid), roc.roc_runs_table(overlaid), key="roc-runs")
        _one(next(job for job in done if job.id == chosen))
        st.page_link(
            routes.CLASSIFY, label="Let this model judge a picture", icon=":material/arrow_forward:", query_params={state.RUN: chosen}
        )
