"""Several runs against each other: ranked, their curves laid over each other, their differences paired image by image."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from allcore.metrics import compare, intervals
from allcore.metrics.compare import Difference
from allcore.plots import cost, det, differences, precision_recall, roc
from allcore.plots.ranking import describe_ranking, ranking, ranking_table
from allcore.reports import comparison as compared
from allcore.runs import threshold as kept
from allcore.runs.store import Job
from pages.ui import board, cached, judged, state, widgets

_DRAWN = 12
"""So many runs at most stand in the ranking's picture."""
_OVERLAID = 8
_RANKING = "Ranking"
_COSTS = {
    "Time": ("seconds of training", lambda headline: headline.seconds),
    "Epoch": ("seconds an epoch", lambda headline: headline.epoch_seconds),
    "Weights": ("weights or nodes", lambda headline: headline.parameters),
    "Size": ("bytes as ONNX", lambda headline: headline.model_bytes),
}
"""What a run cost, to be set against what it reaches."""
_ROC, _PRECISION, _DET = "ROC", "Precision-recall", "Error trade-off"


def comparison(runs: Sequence[Job], chosen: Job, sides: dict[str, str]) -> None:
    """The best runs and the chosen one with their intervals; of up to eight that are picked the curves and the differences."""
    by_id = {job.id: job for job in runs}
    picked = st.multiselect(
        "Compare",
        list(by_id),
        default=state.asked_for(state.COMPARE, list(by_id))[:_OVERLAID] or list(dict.fromkeys([chosen.id, runs[0].id])),
        format_func=lambda id_: widgets.run_name(by_id[id_]),
        max_selections=_OVERLAID,
    )
    left, right = st.columns(2, gap="large")
    with left:
        kind = st.segmented_control("Picture", [_RANKING, *_COSTS], default=_RANKING, required=True, key="compared-by")
        _ranking(runs, chosen, kind)
    with right:
        _curves([by_id[id_] for id_ in picked])
    _differences(chosen, [by_id[id_] for id_ in picked if id_ != chosen.id], sides)


def _short(job: Job) -> str:
    return f"{widgets.model_name(job)} {widgets.short_id(job)}"


def _ranking(runs: Sequence[Job], chosen: Job, kind: str) -> None:
    drawn = [job for place, job in enumerate(runs) if place < _DRAWN or job.id == chosen.id]
    rated = board.ranked(drawn)
    if kind == _RANKING:
        widgets.chart(
            ranking(rated, measure=board.MEASURE), describe_ranking(rated, measure=board.MEASURE), ranking_table(rated), key="ranking"
        )
    else:
        unit, of = _COSTS[kind]
        paid = [(one, of(cached.headline(job))) for one, job in zip(rated, drawn, strict=True)]
        how = {"unit": unit, "measure": board.MEASURE}
        widgets.chart(
            cost.cost_runs(paid, **how), cost.describe_cost_runs(paid, **how), cost.cost_runs_table(paid, unit=unit), key="cost-runs"
        )
    if len(drawn) < len(runs):
        st.caption(f"The best {_DRAWN} of {len(runs)} runs" + (", and the chosen one." if len(drawn) > _DRAWN else "."))


def _curves(picked: Sequence[Job]) -> None:
    if not picked:
        return
    scores = {_short(job): cached.scores(job) for job in picked}
    binary = all(len(one.classes) == 2 for one in scores.values())
    kind = st.segmented_control("Curves", [_ROC, _PRECISION, _DET], default=_ROC, required=True, key="curves-of") if binary else _ROC
    if kind == _PRECISION:
        found = {_short(job): judged.precision_of(job, scores[_short(job)]) for job in picked}
        widgets.chart(
            precision_recall.precision_recall_runs(found),
            precision_recall.describe_precision_recall_runs(found),
            precision_recall.precision_recall_runs_table(found),
            key="precision-runs",
        )
    elif kind == _DET:
        widgets.chart(det.det(scores), det.describe_det(scores), det.det_table(scores), key="det-runs")
    else:
        widgets.chart(roc.roc_runs(scores), roc.describe_roc_runs(scores), roc.roc_runs_table(scores), key="roc-runs")


def _differences(chosen: Job, others: Sequence[Job], sides: dict[str, str]) -> None:
    """Each of the others less the chosen run, on the very same images; p corrected for being several."""
    if not others:
        return
    alike = [job for job in others if sides[job.id] == sides[chosen.id]]
    apart = [job for job in others if job not in alike]
    if apart:
        names = ", ".join(_short(job) for job in apart)
        st.caption(f":orange[:material/warning:] Tested on other images than {_short(chosen)}, so no difference is computed: {names}.")
    if not alike:
        return
    every = {_short(job): _paired(job, chosen) for job in alike}
    measures = list(next(iter(every.values())))
    measure = st.selectbox("Difference in", measures, key=f"difference-{len(measures)}")
    found = dict(zip(every, compare.corrected([one[measure] for one in every.values()]), strict=True))
    base = _short(chosen)
    widgets.chart(
        differences.differences(found, base=base),
        differences.describe_differences(found, base=base),
        differences.differences_table(found),
        key="differences",
    )
    for name, one in found.items():
        st.markdown(one.verdict(name, base))
    basis = next(iter(found.values())).interval
    st.caption(
        f"Paired on the same {widgets.counted(basis.n, 'test image')}"
        + (f" of {widgets.counted(basis.clusters, 'patient')}" if basis.clusters else f", {intervals.INDEPENDENT}")
        + ", each run at the threshold that new pictures are judged by."
        + (" p-values corrected by Holm for being several." if len(found) > 1 else "")
    )


def _paired(first: Job, second: Job) -> dict[str, Difference]:
    thresholds = tuple(stored.threshold if (stored := kept.read(job.paths)) else 0.5 for job in (first, second))
    tables = [cached.test_predictions(job) for job in (first, second)]
    return compared.paired(cached.scores(first), *tables, thresholds=thresholds)
