"""The charts of a report, each with its words and its numbers."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import plotly.graph_objects as go

from allcore.metrics.compare import Difference
from allcore.metrics.patients import Patients
from allcore.metrics.scores import Scores
from allcore.plots import confusion, curves, det, differences, patients, precision_recall, probabilities, ranking, reliability, roc, theme
from allcore.plots.ranking import Ranked
from allcore.reports.evidence import TEST, Evidence


@dataclass(frozen=True)
class Chart:
    """A figure with its text for those who can't see it and its data."""

    key: str
    title: str
    figure: go.Figure
    description: str
    table: pd.DataFrame
    note: str = ""


def of_run(one: Evidence) -> list[Chart]:
    """What a report shows of one run, in its order."""
    made = [_roc(one), _confusion(one), *_of_two(one), *_training(one)]
    return [chart for chart in made if chart is not None]


def of_runs(runs: Sequence[Evidence], found: Mapping[str, Mapping[str, Difference]]) -> list[Chart]:
    """What a report shows of several. `found`: by measure, the differences of the others from the first, by run."""
    rated = [
        Ranked(
            one.name,
            one.scores.intervals["balanced_accuracy"],
            one.constant.balanced_accuracy,
            one.certificate.overlapping_subjects == 0,
        )
        for one in runs
    ]
    named = {one.name: one.scores for one in runs}
    base, measure = runs[0].name, "balanced accuracy"
    charts = [
        Chart(
            "ranking",
            "Balanced accuracy of each run, with its interval",
            ranking.ranking([replace(one, name=literal(one.name)) for one in rated], measure=measure),
            ranking.describe_ranking(rated, measure=measure),
            ranking.ranking_table(rated),
            "At the most probable class.",
        ),
        Chart(
            "roc-runs",
            "ROC curves, laid over each other",
            roc.roc_runs({literal(name): scores for name, scores in named.items()}),
            roc.describe_roc_runs(named),
            roc.roc_runs_table(named),
        ),
    ]
    for name, mine in found.items():
        charts.append(
            Chart(
                f"difference-{name.lower().replace(' ', '-')}",
                f"Difference in {name}",
                differences.differences({literal(run): one for run, one in mine.items()}, base=literal(base)),
                differences.describe_differences(mine, base=base),
                differences.differences_table(mine),
            )
        )
    return charts


def literal(name: str) -> str:
    """A name from outside as Plotly shows it letter by letter: its labels understand some HTML."""
    return html.escape(name, quote=False)


def _drawn(scores: Scores) -> Scores:
    """The same with names as `literal` makes them."""
    return replace(
        scores,
        classes=tuple(literal(name) for name in scores.classes),
        positive=literal(scores.positive),
        by_class=tuple(replace(one, name=literal(one.name)) for one in scores.by_class),
    )


def _roc(one: Evidence) -> Chart:
    point, band = (one.binary.point, one.binary.roc_band) if one.binary else (None, None)
    return Chart(
        "roc",
        "Receiver operating characteristic",
        roc.roc(_drawn(one.scores), point=point, band=band),
        roc.describe_roc(one.scores, point=point),
        roc.roc_table(one.scores),
        "The band holds 95 % at each false positive rate, over patients." if band and band.low and not band.note else "",
    )


def _confusion(one: Evidence) -> Chart:
    figure = confusion.confusion(one.confusion, _drawn(one.scores).classes)
    figure.data[-1].hovertemplate = "%{text}<extra></extra>"  # here a click opens nothing
    where = "At the threshold in use" if one.binary else "At the most probable class"
    optimistic = " Optimistic: that was chosen on these images." if one.binary and one.binary.optimistic else ""
    classes = one.scores.classes
    return Chart(
        "confusion",
        "Confusion matrix",
        figure,
        confusion.describe_confusion(one.confusion, classes),
        confusion.confusion_table(one.confusion, classes),
        f"{where}.{optimistic} A row adds up to 100 %.",
    )


def _of_two(one: Evidence) -> list[Chart | None]:
    if one.binary is None:
        return []
    return [_precision(one), _det(one), _reliability(one), _histogram(one), _patients(one)]


def _precision(one: Evidence) -> Chart | None:
    curve, drawn = one.binary.precision, _drawn(one.scores)
    if curve is None:
        return None
    return Chart(
        "precision-recall",
        "Precision and recall",
        precision_recall.precision_recall(
            curve, colour=theme.class_colour(drawn.positive, drawn.classes), band=one.binary.precision_band, point=one.binary.point
        ),
        precision_recall.describe_precision_recall(curve, point=one.binary.point),
        precision_recall.precision_recall_table(curve),
        "Precision depends on how many images are positive here.",
    )


def _det(one: Evidence) -> Chart | None:
    if one.scores.of(one.scores.positive).roc is None:
        return None
    return Chart(
        "det",
        "Detection error trade-off",
        det.det({one.model_name: _drawn(one.scores)}, point=one.binary.point),
        det.describe_det({one.model_name: one.scores}),
        det.det_table({one.model_name: one.scores}),
    )


def _reliability(one: Evidence) -> Chart:
    kinds, positive = one.binary.reliability, one.scores.positive
    return Chart(
        "reliability",
        "Calibration: what was said, and how often it came true",
        reliability.reliability(kinds, positive=literal(positive)),
        reliability.describe_reliability(kinds, positive=positive),
        reliability.reliability_table(kinds),
        "On the diagonal, what is said comes true. " + " ".join(one.binary.mending),
    )


def _histogram(one: Evidence) -> Chart:
    test, scores = one.predictions_of(TEST), one.scores
    labels = test["label"].map({name: index for index, name in enumerate(scores.classes)}).to_numpy()
    p, drawn = test[f"p_{scores.positive}"].to_numpy(), _drawn(scores)
    return Chart(
        "histogram",
        "Probabilities, by true class",
        probabilities.histogram(labels, p, drawn.classes, positive=drawn.positive, threshold=one.binary.threshold),
        probabilities.describe_histogram(labels, p, scores.classes, positive=scores.positive, threshold=one.binary.threshold),
        probabilities.histogram_table(labels, p, scores.classes),
    )


def _patients(one: Evidence) -> Chart | None:
    found = one.binary.patients
    if found is None:
        return None
    drawn, scores = _drawn(one.scores), one.scores
    return Chart(
        "patients",
        "Patients: the share of each one's cells that were called positive",
        patients.patients(_with_literal_ids(found), drawn.classes, positive=drawn.positive),
        patients.describe_patients(found, positive=scores.positive),
        patients.patients_table(found, positive=scores.positive, negative=one.negative),
        "A point a patient, larger with more cells; a cross: the vote of the cells is wrong.",
    )


def _with_literal_ids(found: Patients) -> Patients:
    return replace(found, patients=tuple(replace(one, id=literal(one.id)) for one in found.patients))


def _training(one: Evidence) -> list[Chart]:
    history = one.history
    if history.empty:
        return []
    kinds: tuple[tuple[str, str, Callable, Callable, Callable], ...] = (
        ("curves", "Training, epoch by epoch", curves.curves, curves.describe_curves, curves.curves_table),
        ("epoch-times", "Time of each epoch", curves.epoch_times, curves.describe_epoch_times, curves.epoch_times_table),
    )
    return [Chart(key, title, draw(history), say(history), tabulate(history)) for key, title, draw, say, tabulate in kinds]
