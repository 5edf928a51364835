"""Runs of one data set against each other: the ranking as a table, and as pictures."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from allcore.metrics import text
from allcore.plots import roc
from allcore.plots.ranking import Ranked, describe_ranking, ranking, ranking_table
from allcore.runs.store import Job
from pages.ui import cached, state, widgets

MEASURE = "balanced accuracy"
_DRAWN = 12
"""So many runs at most stand in the picture; the table has them all."""
_OVERLAID = 5
_ROWS = 5
"""Rows of the table that are seen without scrolling in it."""


def best_first(runs: Sequence[Job]) -> list[Job]:
    """Runs tested on unseen patients above all others, then by balanced accuracy."""
    return sorted(runs, key=lambda job: cached.headline(job).rank, reverse=True)


def table(runs: Sequence[Job], chosen: Job) -> None:
    """A row a run, in the order of `runs`, below the constant answer; a click on one selects it for this page."""
    shown = pd.DataFrame([_constant(chosen), *(_row(job) for job in runs)])
    # Another list of runs is another table: a row's number must not come to mean another run.
    key = f"board-{len(runs)}-{runs[0].id}-{runs[-1].id}"
    st.dataframe(
        shown,
        hide_index=True,
        key=key,
        on_select=lambda: state.select_row(state.RUN, key, ["", *(job.id for job in runs)]),
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [1 + [job.id for job in runs].index(chosen.id)]}},
        height=38 + 35 * min(len(shown), _ROWS),
        column_config={"epoch": st.column_config.Column(help="Time of one epoch"), "total": st.column_config.Column(help="Time at work")},
        alt=describe_ranking(_ranked(runs[:_DRAWN]), measure=MEASURE),
    )


def comparison(runs: Sequence[Job], chosen: Job) -> None:
    """The best runs and the chosen one with their intervals, and ROC curves laid over each other."""
    drawn = [job for place, job in enumerate(runs) if place < _DRAWN or job.id == chosen.id]
    if len(drawn) < len(runs):
        st.caption(f"The best {_DRAWN} of {len(runs)} runs" + (", and the chosen one." if len(drawn) > _DRAWN else "."))
    left, right = st.columns(2, gap="large")
    with left:
        rated = _ranked(drawn)
        widgets.chart(ranking(rated, measure=MEASURE), describe_ranking(rated, measure=MEASURE), ranking_table(rated), key="ranking")
    with right:
        by_id = {job.id: job for job in runs}
        picked = st.multiselect(
            "ROC curves of",
            list(by_id),
            default=list(dict.fromkeys([chosen.id, runs[0].id])),
            format_func=lambda id_: widgets.run_name(by_id[id_]),
            max_selections=_OVERLAID,
        )
        overlaid = {f"{widgets.model_name(by_id[id_])} {widgets.short_id(by_id[id_])}": cached.scores(by_id[id_]) for id_ in picked}
        if overlaid:
            widgets.chart(roc.roc_runs(overlaid), roc.describe_roc_runs(overlaid), roc.roc_runs_table(overlaid), key="roc-runs")


def _row(job: Job) -> dict[str, str]:
    headline = cached.headline(job)
    scores, overlapping = headline.scores, headline.certificate.overlapping_subjects
    tested_on = {None: "patients unknown", 0: "unseen patients"}.get(overlapping, "patients it knows")
    return {
        "model": widgets.model_name(job),
        MEASURE: text.show(scores.intervals["balanced_accuracy"]),
        "tested on": tested_on,
        "run": widgets.short_id(job),
        "AUROC": text.show(scores.intervals["auroc"]),
        "sensitivity": text.show(scores.intervals["sensitivity"]),
        "specificity": text.show(scores.intervals["specificity"]),
        "weighted F1": text.number(scores.weighted_f1),
        "n": f"{scores.n:,}",
        "epoch": widgets.minutes(headline.epoch_seconds) if headline.epoch_seconds else text.NO_FIGURE,
        "total": widgets.minutes(job.seconds) if job.seconds else text.NO_FIGURE,
        "began": widgets.when(job),
    }


def _constant(chosen: Job) -> dict[str, str]:
    """What no model should fall below."""
    floor = cached.headline(chosen).constant
    return {
        **dict.fromkeys(_row(chosen), ""),
        "model": f"always '{floor.predicted}'",
        "tested on": "the floor",
        MEASURE: text.number(floor.balanced_accuracy),
        "AUROC": text.number(floor.auroc),
        "weighted F1": text.number(floor.weighted_f1),
    }


def _ranked(runs: Sequence[Job]) -> list[Ranked]:
    found = []
    for job in runs:
        headline = cached.headline(job)
        found.append(
            Ranked(
                name=f"{widgets.model_name(job)} · {widgets.short_id(job)}",
                interval=headline.scores.intervals["balanced_accuracy"],
                constant=headline.constant.balanced_accuracy,
                apart=headline.trusted,
            )
        )
    return found
