"""Many pictures: judged as they come, with a way to stop, then a table to sort, filter and take away."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import pandas as pd
import streamlit as st

from allcore.base.errors import Unreadable
from allcore.inference import sentence, uploads
from allcore.inference.answers import Adviser
from allcore.inference.uploads import Classified, Counted, Refused, Upload
from allcore.reports import sheet
from allcore.reports.sheet import Row
from allcore.runs.store import Job
from pages.ui import cached, state, widgets

_BATCH, _FILTER, _TABLE = "batch", "batch-filter", "batch-table"
_ALL, _UNREAD = "all", "could not be read"


@dataclass
class _Batch:
    """What this session has judged of what was sent; a stopped one goes on where it stood."""

    key: tuple
    rows: list[Row] = field(default_factory=list)
    stopped: bool = False
    ended: bool = False
    opened: tuple[int, Upload | Refused] | None = None
    """The file that was last looked into, and its number: a zip is not unpacked anew for it whenever something is clicked."""


def show(job: Job, sent: list[Upload], opened: Callable[[Job, Upload | Refused], None]) -> None:
    """Judge what was sent and show it all; what is chosen in the table is handed to `opened`."""
    adviser = cached.adviser(job)
    card = adviser.card
    batch = _current(job, sent, adviser)
    if not (batch.ended or batch.stopped):
        _judge(batch, job, sent, adviser)
    table = sheet.table(batch.rows, card.class_names)
    st.header(_heading(batch), anchor=False)
    if batch.stopped and not batch.ended:
        st.caption("Stopped: the others were not looked at.")
        if st.button("Go on", icon=":material/play_arrow:"):
            batch.stopped = False
            st.rerun()
    if adviser.why_no_guard:
        st.caption(widgets.plain(adviser.why_no_guard))
    answers = [name for name in (*card.class_names, sheet.NOT_JUDGED, sheet.NO_CELL) if (table["answer"] == name).any()]
    offered = [_ALL, *answers, *([_UNREAD] if (table["answer"] == "").any() else [])]
    wanted = st.segmented_control("Show", offered, default=_ALL, required=True, key=_FILTER) if len(offered) > 2 else _ALL
    shown = table if wanted == _ALL else table[table["answer"] == ("" if wanted == _UNREAD else wanted)]
    key = f"{_TABLE}-{len(batch.rows)}-{wanted}"
    st.dataframe(
        shown,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        row_height=48,
        placeholder="",
        height=min(40 + 48 * len(shown), 520),
        column_config={
            "picture": st.column_config.ImageColumn(width="small"),
            **shares(card.class_names),
            **({} if shown["cell"].notna().any() else {"cell": None}),
        },
        alt=f"Answers for {len(shown)} {'cells and files' if shown['cell'].notna().any() else 'files'}",
    )
    downloads(shown, batch.rows, adviser)
    chosen = state.rows(key)
    if chosen:
        number = sheet.row_of(batch.rows, int(shown.index[chosen[0]]))
        opened(job, _upload(batch, sent, number))
        if not isinstance(batch.rows[number].found, Refused):
            st.caption("What is corrected here changes nothing in the table.")
    else:
        st.caption("Choose a row to see its picture and all that is said of it.")


def _upload(batch: _Batch, sent: list[Upload], number: int) -> Upload | Refused:
    """The file of that number among those that came, those in zips counted."""
    if batch.opened is None or batch.opened[0] != number:
        batch.opened = number, next(islice((one for upload in sent for one in uploads.opened(upload)), number, None))
    return batch.opened[1]


def shares(class_names: Sequence[str]) -> dict[str, object]:
    """How a table shows probabilities."""
    return {f"p({name})": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1) for name in class_names}


def downloads(shown: pd.DataFrame, rows: Sequence[Row], adviser: Adviser) -> None:
    """A table of answers, as it is shown, and the sheet of all of them."""
    with st.container(horizontal=True):
        _download("Table as CSV", lambda: shown.drop(columns="picture").to_csv(index=False), "answers.csv", "text/csv")
        _download("Sheet as HTML", lambda: sheet.html_page(rows, adviser), "answers.html", "text/html")


def _download(label: str, content: object, name: str, kind: str) -> None:
    st.download_button(label, content, name, kind, on_click="ignore", icon=":material/download:")


def _current(job: Job, sent: list[Upload], adviser: Adviser) -> _Batch:
    digests = tuple(f"{one.name} {one.digest}" for one in sent)
    key = (job.id, job.paths.onnx.stat().st_mtime_ns, adviser.threshold, digests)
    batch = state.get(_BATCH)
    if not isinstance(batch, _Batch) or batch.key != key:
        batch = _Batch(key)
        state.put(_BATCH, batch)
    return batch


def _judge(batch: _Batch, job: Job, sent: list[Upload], adviser: Adviser) -> None:
    """Adds to `batch.rows` until all are judged; a click on Stop ends the script at the next look at the bar."""
    whole = sum(uploads.count(one) for one in sent)
    uploads.require_few(whole)
    thumbnails: deque[str | None] = deque()

    def stream() -> Iterator[Upload | Refused]:
        for one in islice((one for upload in sent for one in uploads.opened(upload)), len(batch.rows), None):
            thumbnails.append(_thumbnail(one))
            yield one

    place = st.empty()
    with place.container():
        bar = st.progress(0.0)
        st.button("Stop", on_click=lambda: setattr(batch, "stopped", True), icon=":material/stop:", type="tertiary")
        found = uploads.answered(cached.shelf().get(job.paths), stream(), adviser=adviser)
        for one in found:
            batch.rows.append(Row.of(one, thumbnails.popleft(), cached.as_webp))
            if len(batch.rows) % uploads.BATCH == 1:
                bar.progress(min(1.0, len(batch.rows) / max(whole, 1)), f"Judged {len(batch.rows):,} of {whole:,}")
    batch.ended = True
    place.empty()


def _thumbnail(one: Upload | Refused) -> str | None:
    try:
        return cached.upload_thumbnail(one.content) if isinstance(one, Upload) else None
    except Unreadable:
        return None


def _heading(batch: _Batch) -> str:
    read = [line.found for line in sheet.lines(batch.rows) if isinstance(line.found, Classified)]
    called = [one.label for one in read if one.judged is not False]
    unread = sum(isinstance(row.found, Refused) for row in batch.rows)
    empty = sum(isinstance(line.found, Counted) for line in sheet.lines(batch.rows))
    parts = [f"{called.count(name)} {widgets.plain(sentence.word(name))}" for name in sorted(set(called))]
    parts += [f"{len(read) - len(called)} {sheet.NOT_JUDGED}"] if len(called) < len(read) else []
    parts += [f"{empty} with {sheet.NO_CELL}"] if empty else []
    parts += [f"{unread} {_UNREAD}"] if unread else []
    return f"{widgets.counted(len(batch.rows), 'file')}: {', '.join(parts)}"
