"""What the checks found in a data set: the view on the Dataset page, and its head's few lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import streamlit as st

from allcore.checks import nuisance, report
from allcore.checks.report import Finding, Report
from allcore.data.records import DatasetCard
from allcore.jobs import control, submit
from allcore.metrics.intervals import Interval
from allcore.plots import checks as plots
from allcore.plots import theme
from allcore.runs import spec, status, store
from allcore.runs.store import Job
from pages.ui import cached, person, widgets
from pages.ui.gallery import Cell, gallery

MARKS = {
    report.SERIOUS: (":material/error:", "red", "serious"),
    report.WARNING: (":material/warning:", "orange", "look at this"),
    report.NOTE: (":material/info:", "blue", "to know"),
    report.GOOD: (":material/check_circle:", "green", "in order"),
}


def view(card: DatasetCard) -> None:
    """All findings, the worst first, each with pictures and what to do; a button where nothing was checked."""
    at_work = _at_work(card)
    if at_work:
        control.ensure_if_needed(cached.artifacts())
        widgets.part(lambda: _progress(card, at_work.id), every=1.5)
    found = report.read(cached.artifacts().dataset(card.id))
    if not found:
        if not at_work:
            _failure(card)
            what = "Here you will see what can deceive in these images: copies, wrong labels, stains or files that give the classes away."
            if widgets.empty(what, "Check this data set", icon=":material/fact_check:"):
                _queue(card)
        return
    _summary(card, found, again=not at_work)
    for number, one in enumerate(found.of(report.SERIOUS, report.WARNING, report.NOTE)):
        with st.container(border=True):
            _finding(card, one, key=f"finding-{number}")
    good = found.of(report.GOOD)
    if good:
        with st.expander(f"In order: {widgets.counted(len(good), 'check')}", icon=":material/check_circle:"):
            for one in good:
                st.markdown(f"**{widgets.plain(one.title)}**  \n{widgets.plain(one.meaning)}")
    with st.expander("What could not be known", icon=":material/help:"):
        st.markdown("\n".join(f"- {widgets.plain(sentence)}" for sentence in found.unknown))
    _charts(found)


def worst(card: DatasetCard, most: int = 4) -> tuple[tuple[str, str], ...]:
    """(severity, line) of the worst findings, for the head of a page; none where the data set was not checked."""
    found = report.read(cached.artifacts().dataset(card.id))
    return report.worst(found, most) if found else ()


def about_images(card: DatasetCard) -> tuple[Finding, ...]:
    """Findings that name images, the worst first; none where the data set was not checked."""
    found = report.read(cached.artifacts().dataset(card.id))
    return tuple(one for one in found.findings if one.images) if found else ()


def _at_work(card: DatasetCard) -> Job | None:
    jobs = store.active(cached.artifacts())
    return next((job for job in jobs if job.spec.kind == spec.CHECK and job.spec.params["name"] == card.id), None)


def _progress(card: DatasetCard, at_start: str) -> None:
    now = _at_work(card)
    if not now or now.id != at_start:
        st.rerun(scope="app")
    text, button = st.columns([6, 1], vertical_alignment="center")
    text.progress(now.share, text=f"Checking {card.id}: {widgets.doing(now)}")
    if button.button("Cancel", key=f"cancel-{now.id}", type="tertiary"):
        store.ask_to_cancel(now.paths)


def _failure(card: DatasetCard) -> None:
    """Why the last checks came to no end."""
    mine = [job for job in store.jobs(cached.artifacts()) if job.spec.kind == spec.CHECK and job.spec.params["name"] == card.id]
    if mine and mine[-1].state == status.FAILED:
        st.error(f"The last check failed. {widgets.plain(mine[-1].status.reason)}", icon=":material/error:")


def _queue(card: DatasetCard) -> None:
    submit.checking(cached.artifacts(), card.id, tags=person.tags())
    control.ensure(cached.artifacts())
    st.rerun(scope="app")


def _summary(card: DatasetCard, found: Report, *, again: bool) -> None:
    moment = datetime.fromisoformat(found.created).astimezone().strftime("%b %d, %H:%M")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        counts = {kind: len(found.of(kind)) for kind in report.SEVERITIES}
        words = [f"{count} {MARKS[kind][2]}" for kind, count in counts.items() if count]
        st.markdown(f"**{' · '.join(words)}**", width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.caption(f"{found.images:,} images, {moment}, {widgets.minutes(found.seconds)}", width="content")
            if again and st.button("Check again", type="tertiary", icon=":material/refresh:"):
                _queue(card)


def _finding(card: DatasetCard, one: Finding, *, key: str) -> None:
    icon, colour, _ = MARKS[one.severity]
    st.markdown(f":{colour}[{icon}] **{widgets.plain(one.title)}**")
    st.markdown(widgets.plain(one.meaning))
    if one.action:
        st.markdown(f":material/arrow_forward: {widgets.plain(one.action)}")
    if one.images:
        _pictures(card, one, key=key)


def _pictures(card: DatasetCard, one: Finding, *, key: str) -> None:
    """Up to twelve pictures; the one that is clicked is named beneath."""
    table = cached.dataset_records(card)
    place = {image_id: row for row, image_id in enumerate(table["image_id"])}
    shown = [image_id for image_id in one.images if image_id in place]
    cells = []
    for image_id, image in zip(shown, cached.thumbnails(card, [place[image_id] for image_id in shown]), strict=True):
        record = table.iloc[place[image_id]]
        who = f", patient {record['subject']}" if record["subject"] else ""
        where = f", {record['phase']}" if record["phase"] else ""
        where += f", fold {record['fold']}" if record["fold"] >= 0 else ""
        colour = theme.class_colour(record["label"], card.class_names) if record["label"] else theme.GREY
        text = f"{record['label'] or 'no label'}{who}{where}: {image_id.rsplit('/', 1)[-1]}"
        cells.append(Cell(image_id, image, text, colour))
    chosen = gallery(cells, label=one.title, key=f"{key}-{card.id}", keep=f"{key}-{card.id}", side=84)
    named = next((cell.text for cell in cells if cell.id == chosen), "")
    st.caption(widgets.plain(named) if named else "Click a picture for its name, class and patient.")


def _charts(found: Report) -> None:
    """What tells classes and patients apart, in figures."""
    by_check = {one.check: one.numbers for one in found.findings}
    signs, biology = _intervals(by_check.get("nuisance", {})), _intervals(by_check.get("morphology", {}))
    if signs or biology:
        st.markdown("**What tells the classes apart**")
        chart = plots.probes(signs, biology, alarm=nuisance.ALARM)
        words = plots.describe_probes(signs, biology, alarm=nuisance.ALARM)
        widgets.chart(chart, words, plots.probes_table(signs, biology), key="probes")
    known = by_check.get("identity", {}).get("by_class")
    if known:
        st.markdown("**What tells the patients apart**")
        shares = {name: (one["share"], one["expected"]) for name, one in known.items()}
        widgets.chart(plots.neighbours(shares), plots.describe_neighbours(shares), plots.neighbours_table(shares), key="neighbours")


def _intervals(numbers: Mapping[str, dict]) -> dict[str, Interval]:
    return {name: Interval.from_dict(one) for name, one in numbers.items()}
