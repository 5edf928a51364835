"""Many pictures: judged as they come, with a way to stop, then a table to sort, filter and take away."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import streamlit as st

from allcore.base.errors import Unreadable
from allcore.inference import uploads
from allcore.inference.served import ServedCard
from allcore.inference.uploads import Classified, Refused, Upload
from allcore.metrics.thresholds import Chosen
from allcore.reports import sheet
from allcore.reports.sheet import Row
from allcore.runs.store import Job
from pages.ui import cached, state, widgets

_BATCH, _FILTER = "batch", "batch-filter"
_ALL, _UNANSWERED = "all", "no answer"


@dataclass
class _Batch:
    """What this session has judged of what was sent; a stopped one goes on where it stood."""

    key: tuple
    rows: list[Row] = field(default_factory=list)
    stopped: bool = False
    ended: bool = False


def show(job: Job, card: ServedCard, sent: list[Upload], chosen: Chosen | None) -> None:
    """Judge what was sent and show it all."""
    batch = _current(job, sent, chosen)
    if not (batch.ended or batch.stopped):
        _judge(batch, job, sent, chosen)
    table = sheet.table(batch.rows, card.class_names)
    st.header(_heading(batch), anchor=False)
    if batch.stopped and not batch.ended:
        st.caption("Stopped: the others were not looked at.")
        if st.button("Go on", icon=":material/play_arrow:"):
            batch.stopped = False
            st.rerun()
    answers = [name for name in card.class_names if (table["answer"] == name).any()]
    offered = [_ALL, *answers, *([_UNANSWERED] if (table["answer"] == "").any() else [])]
    wanted = st.segmented_control("Show", offered, default=_ALL, required=True, key=_FILTER) if len(offered) > 2 else _ALL
    shown = table if wanted == _ALL else table[table["answer"] == ("" if wanted == _UNANSWERED else wanted)]
    st.dataframe(
        shown,
        hide_index=True,
        row_height=48,
        placeholder="",
        height=min(40 + 48 * len(shown), 520),
        column_config={
            "picture": st.column_config.ImageColumn(width="small"),
            **{f"p({name})": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1) for name in card.class_names},
        },
        alt=f"Answers for {len(shown)} files",
    )
    with st.container(horizontal=True):
        _download("Table as CSV", lambda: shown.drop(columns="picture").to_csv(index=False), "answers.csv", "text/csv")
        _download("Sheet as HTML", lambda: sheet.html_page(batch.rows, card, chosen), "answers.html", "text/html")


def _download(label: str, content: object, name: str, kind: str) -> None:
    st.download_button(label, content, name, kind, on_click="ignore", icon=":material/download:")


def _current(job: Job, sent: list[Upload], chosen: Chosen | None) -> _Batch:
    digests = tuple(f"{one.name} {hashlib.blake2b(one.content).hexdigest()}" for one in sent)
    key = (job.id, job.paths.onnx.stat().st_mtime_ns, chosen.threshold if chosen else None, digests)
    batch = state.get(_BATCH)
    if not isinstance(batch, _Batch) or batch.key != key:
        batch = _Batch(key)
        state.put(_BATCH, batch)
    return batch


def _judge(batch: _Batch, job: Job, sent: list[Upload], chosen: Chosen | None) -> None:
    """Adds to `batch.rows` until all are judged; a click on Stop ends the script at the next look at the bar."""
    whole = sum(uploads.count(one) for one in sent)
    thumbnails: deque[str | None] = deque()

    def stream() -> Iterator[Upload | Refused]:
        for one in islice((one for upload in sent for one in uploads.opened(upload)), len(batch.rows), None):
            thumbnails.append(_thumbnail(one))
            yield one

    place = st.empty()
    with place.container():
        bar = st.progress(0.0)
        st.button("Stop", on_click=lambda: setattr(batch, "stopped", True), icon=":material/stop:", type="tertiary")
        found = uploads.answers(cached.shelf().get(job.paths), stream(), threshold=chosen.threshold if chosen else None)
        for one in found:
            batch.rows.append(Row(one, thumbnails.popleft()))
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
    answered = [row.found.label for row in batch.rows if isinstance(row.found, Classified)]
    refused = len(batch.rows) - len(answered)
    parts = [f"{answered.count(name)} {widgets.class_word(name)}" for name in sorted(set(answered))]
    parts += [f"{refused} could not be read"] if refused else []
    return f"{widgets.counted(len(batch.rows), 'file')}: {', '.join(parts)}"
