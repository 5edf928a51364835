"""Runs of one data set in a table: filtered, sorted, each with what it was tested on."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from allcore.base.errors import AllcoreError
from allcore.metrics import text
from allcore.plots.ranking import Ranked, describe_ranking
from allcore.runs import study
from allcore.runs.store import Job
from pages.ui import cached, state, studied, widgets

MEASURE = "balanced accuracy"
_DESCRIBED = 12
"""So many runs at most are read out; the table has them all."""
_ROWS = 5
"""Rows of the table that are seen without scrolling in it."""
_LEVELS = {"image": "by image", "patient": "by patient", "official": "official"}
_SINCE = {"any time": None, "the last day": timedelta(days=1), "the last week": timedelta(weeks=1), "the last 30 days": timedelta(days=30)}


def _figure(name: str) -> Callable[[Job], float]:
    def value(job: Job) -> float:
        found = cached.headline(job).scores.intervals.get(name)
        return -1.0 if found is None or found.estimate is None else found.estimate

    return value


def _least(value: Callable[[Job], float | None]) -> Callable[[Job], float]:
    """The smallest first; what has no such figure last."""

    def key(job: Job) -> float:
        found = value(job)
        return float("-inf") if found is None else -found

    return key


_TRUST = "trust, then balanced accuracy"
_ORDERS: dict[str, Callable[[Job], object]] = {
    _TRUST: lambda job: cached.headline(job).rank,
    MEASURE: _figure("balanced_accuracy"),
    "AUROC": _figure("auroc"),
    "weighted F1": lambda job: cached.headline(job).scores.weighted_f1,
    "sensitivity": _figure("sensitivity"),
    "specificity": _figure("specificity"),
    "time an epoch": _least(lambda job: cached.headline(job).epoch_seconds),
    "total time": _least(lambda job: job.seconds),
    "size": _least(lambda job: cached.headline(job).model_bytes),
    "the latest": lambda job: job.spec.created,
}


def best_first(runs: Sequence[Job]) -> list[Job]:
    """Runs tested on unseen patients above all others, then by balanced accuracy."""
    return sorted(runs, key=_ORDERS[_TRUST], reverse=True)


def wanted(runs: Sequence[Job]) -> list[Job]:
    """Runs in the order, and of the kinds, that this person asks for; never none."""
    if len(runs) < 2:
        return list(runs)
    sides = test_sides(runs)
    with st.popover("Filter and sort", icon=":material/tune:"):
        widgets.above_style()
        order = st.selectbox("Sort by", list(_ORDERS), key="board-order")
        levels = _pills("Split", list(_LEVELS), [job.spec.params["split"]["level"] for job in runs], _LEVELS.get)
        names = {job.spec.params["model"]: widgets.model_name(job) for job in runs}
        models = _pills("Model", list(names), list(names), names.get)
        studies = _studies([job.spec.study for job in runs])
        tested = _pills("Test side", list(dict.fromkeys(sides.values())), list(sides.values()), str)
        since = _SINCE[st.selectbox("Begun in", list(_SINCE), key="board-since")]
    found = [
        job
        for job in runs
        if (not levels or job.spec.params["split"]["level"] in levels)
        and (not models or job.spec.params["model"] in models)
        and (not studies or job.spec.study in studies)
        and (not tested or sides[job.id] in tested)
        and (since is None or datetime.fromisoformat(job.spec.created) >= datetime.now(UTC) - since)
    ]
    if not found:
        st.caption("No run is of this kind: all are shown.")
    return sorted(found or runs, key=_ORDERS[order], reverse=True)


def _pills(label: str, options: list[str], present: Sequence[str], named: Callable[[str], str]) -> list[str]:
    """What of several is wanted, [] for all; no picker where there is nothing to choose."""
    there = [one for one in options if one in set(present)]
    return st.pills(label, there, selection_mode="multi", format_func=named, key=f"board-{label}-{len(there)}") if len(there) > 1 else []


def _studies(present: Sequence[str]) -> list[str]:
    """Ids of the studies whose runs are wanted, '' for runs of none; [] for all. A list, since pills of many names fill the screen."""
    there = sorted(set(present), key=lambda id_: (not id_, id_))
    if len(there) < 2:
        return []
    names = {id_: _study_name(id_) for id_ in there}
    return st.multiselect("Study", there, format_func=names.get, placeholder="All", key=f"board-Study-{len(there)}")


def _study_name(id_: str) -> str:
    if not id_:
        return "In no study"
    try:
        return studied.label(study.read(cached.artifacts().study(id_)))
    except (AllcoreError, KeyError, TypeError):  # deleted or damaged; its runs still belong together
        return id_


def test_sides(runs: Sequence[Job]) -> dict[str, str]:
    """A letter for each run: equal letters, equal test images. In the order in which the runs began."""
    letters: dict[str, str] = {}
    for job in sorted(runs, key=lambda job: (job.spec.created, job.id)):
        letters.setdefault(cached.headline(job).test_side, _letter(len(letters)))
    return {job.id: letters[cached.headline(job).test_side] for job in runs}


def _letter(place: int) -> str:
    return chr(65 + place) if place < 26 else _letter(place // 26 - 1) + chr(65 + place % 26)


def table(runs: Sequence[Job], chosen: Job, sides: dict[str, str]) -> None:
    """A row a run, in the order of `runs`, below the constant answer; a click on one selects it for this page."""
    several = len({sides[job.id] for job in runs}) > 1
    shown = pd.DataFrame([_constant(chosen, sides, several), *(_row(job, sides, several) for job in runs)])
    # Another list of runs is another table: a row's number must not come to mean another run.
    key = f"board-{zlib.crc32(' '.join(job.id for job in runs).encode()):08x}"
    st.dataframe(
        shown,
        hide_index=True,
        key=key,
        on_select=lambda: state.select_row(state.RUN, key, ["", *(job.id for job in runs)]),
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [1 + [job.id for job in runs].index(chosen.id)]}},
        height=38 + 35 * min(len(shown), _ROWS),
        column_config={
            "epoch": st.column_config.Column(help="Time of one epoch"),
            "total": st.column_config.Column(help="Time at work"),
            "weights": st.column_config.Column(help="Weights of a network, nodes or coefficients of a classifier"),
            "size": st.column_config.Column(help="The model as ONNX"),
            "test side": st.column_config.Column(help="Equal letters: tested on the same images"),
        },
        alt=describe_ranking(ranked(runs[:_DESCRIBED]), measure=MEASURE),
    )
    notes = []
    if several:
        number = len({sides[job.id] for job in runs})
        notes.append(f"{number} different test sides: compare figures of the same letter only.")
    leaky = sum(1 for job in runs if cached.headline(job).certificate.overlapping_subjects)
    if leaky:
        notes.append(f":orange[{widgets.counted(leaky, 'leaky run')}]: tested on patients that training knew.")
    if notes:
        st.caption(" ".join(notes))


def tested_on(job: Job) -> str:
    """Whether a run's test patients are new to it: `unseen patients`"""
    overlapping = cached.headline(job).certificate.overlapping_subjects
    return {None: "patients unknown", 0: "unseen patients"}.get(overlapping, "leaky: patients it knows")


def _row(job: Job, sides: dict[str, str], several: bool) -> dict[str, str]:
    headline = cached.headline(job)
    scores = headline.scores
    f1 = scores.intervals.get("weighted_f1")
    return {
        "model": widgets.model_name(job),
        MEASURE: text.show(scores.intervals["balanced_accuracy"]),
        "tested on": tested_on(job),
        **({"test side": sides[job.id]} if several else {}),
        "run": widgets.short_id(job),
        "AUROC": text.show(scores.intervals["auroc"]),
        "sensitivity": text.show(scores.intervals["sensitivity"]),
        "specificity": text.show(scores.intervals["specificity"]),
        "weighted F1": text.show(f1) if f1 else text.number(scores.weighted_f1),
        "split": _LEVELS.get(headline.certificate.level, headline.certificate.level),
        "n": f"{scores.n:,}",
        "epoch": widgets.minutes(headline.epoch_seconds) if headline.epoch_seconds else text.NO_FIGURE,
        "total": widgets.minutes(job.seconds) if job.seconds else text.NO_FIGURE,
        "weights": f"{headline.parameters:,}",
        "size": f"{headline.model_bytes / 1e6:.1f} MB",
        "began": widgets.when(job),
    }


def _constant(chosen: Job, sides: dict[str, str], several: bool) -> dict[str, str]:
    """What no model should fall below."""
    floor = cached.headline(chosen).constant
    return {
        **dict.fromkeys(_row(chosen, sides, several), ""),
        "model": f"always '{floor.predicted}'",
        "tested on": "the floor",
        **({"test side": sides[chosen.id]} if several else {}),
        MEASURE: text.number(floor.balanced_accuracy),
        "AUROC": text.number(floor.auroc),
        "weighted F1": text.number(floor.weighted_f1),
    }


def ranked(runs: Sequence[Job]) -> list[Ranked]:
    """Runs as the ranking's picture takes them."""
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
