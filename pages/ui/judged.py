"""Views of one run of two classes at the threshold in use: further curves, calibration, patients."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from allcore.metrics import bands, calibration, intervals, text
from allcore.metrics import patients as of_patients
from allcore.metrics.bands import Band, PrecisionRecall
from allcore.metrics.scores import Scores
from allcore.plots import det, patients, precision_recall, reliability, theme
from allcore.runs.store import Job
from pages.ui import cached, operating, widgets
from pages.ui.operating import Operating


def _key(job: Job, what: str) -> tuple:
    return (what, str(job.paths.folder), job.paths.predictions.stat().st_mtime_ns)


def roc_band(job: Job, scores: Scores) -> Band:
    """The ROC curve's band, computed once a run."""

    def made() -> Band:
        truth, p, subjects = operating.side(job, scores, "test")
        return bands.roc_band(truth, p, intervals.cluster_codes(subjects))

    return cached.once(_key(job, "roc-band"), made)


def precision_of(job: Job, scores: Scores) -> PrecisionRecall | None:
    """The precision-recall curve, computed once a run."""

    def made() -> PrecisionRecall | None:
        truth, p, subjects = operating.side(job, scores, "test")
        return bands.precision_recall(truth, p, intervals.cluster_codes(subjects))

    return cached.once(_key(job, "precision"), made)


def _precision_band(job: Job, scores: Scores) -> Band:
    def made() -> Band:
        truth, p, subjects = operating.side(job, scores, "test")
        return bands.precision_band(truth, p, intervals.cluster_codes(subjects))

    return cached.once(_key(job, "precision-band"), made)


def curves(job: Job, scores: Scores, now: Operating) -> None:
    """Precision-recall and detection error trade-off."""
    left, right = st.columns(2, gap="large")
    with left:
        curve = precision_of(job, scores)
        widgets.chart(
            precision_recall.precision_recall(
                curve, colour=theme.class_colour(scores.positive, scores.classes), band=_precision_band(job, scores), point=now.point
            ),
            precision_recall.describe_precision_recall(curve, point=now.point),
            precision_recall.precision_recall_table(curve),
            key="precision-recall",
            on_click=lambda: operating.set_by_click("precision-recall"),
        )
    with right:
        runs = {widgets.model_name(job): scores}
        widgets.chart(
            det.det(runs, point=now.point),
            det.describe_det(runs),
            det.det_table(runs),
            key="det",
            on_click=lambda: operating.set_by_click("det"),
        )
    st.caption("A click on a curve moves the threshold. Precision depends on how many images are positive here; the other figures do not.")


def calibrated(job: Job, scores: Scores) -> None:
    """Reliability on the test side: as the model says it, and mended on the calibrate part."""
    kinds, said = calibration.mended(*(operating.side(job, scores, name) for name in ("test", "calibrate")))
    widgets.chart(
        reliability.reliability(kinds, positive=scores.positive),
        reliability.describe_reliability(kinds, positive=scores.positive),
        reliability.reliability_table(kinds),
        key="reliability",
    )
    st.caption("On the diagonal, what is said comes true. " + " ".join(said))


def by_patient(scores: Scores, now: Operating) -> None:
    """What the run says of whole patients."""
    if now.subjects is None:
        st.caption("The patients are not known, so nothing can be said of them.")
        return
    found = of_patients.evaluate(now.truth, now.p, subjects=now.subjects, threshold=now.threshold)
    negative = next(name for name in scores.classes if name != scores.positive)
    right = text.percent(found.by_vote)
    st.markdown(
        f"A patient called by the vote of their cells is called rightly in {right} of {widgets.counted(len(found.patients), 'patient')}, "
        f"by the mean probability in {text.percent(found.by_mean)}. AUROC of the mean over patients {text.show(found.auroc)}."
    )
    table = patients.patients_table(found, positive=scores.positive, negative=negative)
    left, side = st.columns([3, 2], gap="large")
    with left:
        widgets.chart(
            patients.patients(found, scores.classes, positive=scores.positive),
            patients.describe_patients(found, positive=scores.positive),
            table,
            key="by-patient",
        )
        st.caption("A point a patient, larger with more cells; a cross: the vote is wrong.")
    with side:
        shown = pd.DataFrame(table[["patient", "truly", "cells", "right", "by_vote", "stable_at"]])
        st.dataframe(
            shown,
            hide_index=True,
            height=250,
            column_config={
                "right": st.column_config.ProgressColumn("cells right", format="%.2f", min_value=0, max_value=1),
                "by_vote": "vote",
                "stable_at": st.column_config.Column("stable at", help="So many cells, and their vote is that of all in 95 of 100 draws"),
            },
            alt="Patients, the worst first",
        )
        st.caption(
            f"The worst first. Nine in ten patients have a stable call from {found.stable_at:.0f} cells on."
            + (f" {widgets.counted(found.mixed, 'patient')} had cells of both classes." if found.mixed else "")
        )
