"""Many pictures: judged as they come, with a way to stop, then a table to sort, filter and take away."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import streamlit as st

from allcore.base.errors import Unreadable
from allcore.inference import kinds, sentence, uploads
from allcore.inference.answers import Adviser
from allcore.inference.fields import Field
from allcore.inference.served import ServedCard
from allcore.inference.uploads import Classified, Counted, Found, Refused, Upload
from allcore.inference.worth import Worth
from allcore.reports import sheet
from allcore.reports.sheet import Row
from allcore.runs.store import Job
from pages.ui import cached, mending, prevalence, state, widgets
from pages.ui.mending import Mended, Told

_BATCH, _FILTER, _TABLE = "batch", "batch-filter", "batch-table"
_SAID, _CLASS = "batch-kind", "batch-class"
_SOON = 0.2
"""Seconds between two looks at the bar."""
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
    corrected: dict[int, tuple[str, Field | None]] = field(default_factory=dict)
    """By the number of a file, what a person has corrected of it: its kind and its field, as they stand in the rows."""
    corrections: int = 0
    """So many in all. Each time the table gets a new key, and so nothing is chosen in it, since lines may have moved."""
    chosen: tuple[int, int, str] | None = None
    """The number of the file that was chosen, how many corrections there were then, and what was shown: after another it is still open."""

    @property
    def name(self) -> str:
        """What tells it from others: a table keeps what was chosen in it as long as it has one key."""
        return hashlib.blake2b(repr(self.key).encode(), digest_size=6).hexdigest()


def show(job: Job, sent: list[Upload], opened: Callable[[Job, Upload | Refused, str, str, Told], None]) -> None:
    """Judge what was sent and show it all; what is chosen in the table is handed to `opened`, with the kind that all were said to be, what
    tells it from the others, and who is to be told what is corrected of it."""
    adviser = cached.adviser(job)
    card = adviser.card
    kind = _kind()
    batch = _current(job, sent, adviser, kind)
    if not (batch.ended or batch.stopped):
        _judge(batch, job, sent, adviser, kind)
    table = sheet.table(batch.rows, adviser)
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
    key = f"{_TABLE}-{batch.name}-{len(batch.rows)}-{batch.corrections}-{wanted}"
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
    worth = prevalence.asked(job, adviser, _asked(card, answers), of=prevalence.BATCH)
    downloads(shown.index, batch.rows, adviser, worth)
    chosen = state.rows(key)
    if chosen and chosen[0] < len(shown):
        batch.chosen = sheet.row_of(batch.rows, int(shown.index[chosen[0]])), batch.corrections, wanted
    elif batch.chosen and (batch.chosen[1] == batch.corrections or batch.chosen[2] != wanted):
        batch.chosen = None
    if batch.chosen:
        number = batch.chosen[0]
        place = f"{batch.name}-{number}"
        opened(job, _upload(batch, sent, number), kind, place, lambda found, mended: _correct(batch, number, found, mended))
    else:
        st.caption("Choose a row to see its picture and all that is said of it. What you correct there is corrected in the table.")


def _correct(batch: _Batch, number: int, found: Found | Refused, mended: Mended) -> None:
    """Put what is now said of a file in its place, and draw the page anew, where a person has corrected it since it was put there."""
    known, now = batch.corrected.get(number), (mended.kind, mended.field)
    if now == ((mended.said, None) if known is None else known):
        return
    batch.corrected[number] = now
    batch.corrections += 1
    batch.rows[number] = Row.of(found, batch.rows[number].picture, cached.as_webp, by_hand=mended.by_hand)
    st.rerun()


def _kind() -> str:
    """What a person says that all of the pictures show."""
    return st.selectbox(
        "The pictures show",
        [kinds.AUTO, *kinds.KINDS],
        format_func=lambda kind: kinds.KINDS.get(kind, "what each is taken for"),
        key=_SAID,
        width=320,
    )


def _asked(card: ServedCard, answers: Sequence[str]) -> str:
    """The class whose predictive values are asked for: the positive one of two, else one that is chosen among those that were called."""
    if len(card.class_names) == 2:
        return card.positive
    called = [name for name in answers if name in card.class_names]
    return st.selectbox("What a call is worth, of class", called or card.class_names, key=_CLASS, width=320)


def _upload(batch: _Batch, sent: list[Upload], number: int) -> Upload | Refused:
    """The file of that number among those that came, those in zips counted."""
    if batch.opened is None or batch.opened[0] != number:
        batch.opened = number, next(islice((one for upload in sent for one in uploads.opened(upload)), number, None))
    one = batch.opened[1]
    return replace(one) if isinstance(one, Upload) else one  # what is decoded of it for this look is not kept with the batch


def shares(class_names: Sequence[str]) -> dict[str, object]:
    """How a table shows probabilities."""
    return {f"p({name})": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1) for name in class_names}


def downloads(shown: Iterable[int], rows: Sequence[Row], adviser: Adviser, worth: Worth | None = None) -> None:
    """A table of those lines of the answers that are shown, and the sheet of all of them."""
    lines = sheet.lines(rows)
    with st.container(horizontal=True):
        _download("Table as CSV", lambda: sheet.as_csv([lines[line] for line in shown], adviser), "answers.csv", "text/csv")
        _download("Sheet as HTML", lambda: sheet.html_page(rows, adviser, worth=worth), "answers.html", "text/html")


def _download(label: str, content: object, name: str, kind: str) -> None:
    st.download_button(label, content, name, kind, on_click="ignore", icon=":material/download:")


def _current(job: Job, sent: list[Upload], adviser: Adviser, kind: str) -> _Batch:
    digests = tuple(f"{one.name} {one.digest}" for one in sent)
    key = (job.id, job.paths.onnx.stat().st_mtime_ns, adviser.threshold, kind, digests)
    batch = state.get(_BATCH)
    if not isinstance(batch, _Batch) or batch.key != key:
        batch = _Batch(key)
        state.put(_BATCH, batch)
        mending.begin_batch()
    return batch


def _judge(batch: _Batch, job: Job, sent: list[Upload], adviser: Adviser, kind: str) -> None:
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
        bar = st.progress(0.0, f"Judged 0 of {whole:,}")
        st.button("Stop", on_click=lambda: setattr(batch, "stopped", True), icon=":material/stop:", type="tertiary")
        found = uploads.answered(cached.shelf().get(job.paths), stream(), adviser=adviser, kind=kind)
        looked = time.monotonic()
        for one in found:
            batch.rows.append(Row.of(one, thumbnails.popleft(), cached.as_webp))
            if time.monotonic() - looked > _SOON:
                looked = time.monotonic()
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
    parts = [f"{called.count(name):,} {widgets.plain(sentence.word(name))}" for name in sorted(set(called))]
    parts += [f"{len(read) - len(called):,} {sheet.NOT_JUDGED}"] if len(called) < len(read) else []
    parts += [f"{empty} with {sheet.NO_CELL}"] if empty else []
    parts += [f"{unread} {_UNREAD}"] if unread else []
    return f"{widgets.counted(len(batch.rows), 'file')}: {', '.join(parts) or 'none judged yet'}"
