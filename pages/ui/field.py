"""One picture: what it is taken for, its cells where it is a field, and the answer for each; all of it can be corrected."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import streamlit as st

from allcore.base.errors import BadInput, Unreadable
from allcore.inference import cutting, fields, kinds, sentence, uploads
from allcore.inference.answers import Adviser
from allcore.inference.fields import Field
from allcore.inference.uploads import Classified, Counted, Refused, Upload
from allcore.metrics import text
from allcore.plots import field as plots
from allcore.reports import sheet
from allcore.reports.sheet import Row
from allcore.runs.store import Job
from pages.ui import answer, batch, cached, mending, prevalence, state, widgets
from pages.ui.mending import Mended, Told

_CELLS, _MODE = "field-cells", "field-mode"
LOOK, CLICK, BOX = "See a cell", "Add by a click", "Add by a box"
_ADDING = {CLICK: plots.CLICK, BOX: plots.BOX}
_HINTS = {
    LOOK: "Click a number to see that cell.",
    CLICK: "Click in the middle of a cell.",
    BOX: "Draw a box about a cell, a little larger.",
}


def show(job: Job, upload: Upload, kind: str = kinds.AUTO, *, place: str = "", corrected: Told | None = None) -> None:
    """Judge one picture and show it all. `kind`: what it was said to show before it is corrected here.

    `place` and `corrected`: of one of a batch's, as `Mended.place`, and who is told what comes of it.
    """
    mended = mending.of(upload, kind, place=place)
    if not place:
        mending.begin(mended)
    with st.spinner("Judging the picture"):
        with suppress(Unreadable):  # which is said below
            _ = upload.decoded
        (found,) = cached.answers(job, [upload], kind=mended.kind)
    if corrected and not isinstance(found, Counted):  # whose cells may be corrected too
        corrected(found, mended)
    if not isinstance(found, Refused) or mended.kind != kinds.AUTO:
        _kind(mended, found)
    if isinstance(found, Refused):
        st.error(widgets.plain(f"{found.name}: {found.error}"), icon=":material/error:")
    elif isinstance(found, Counted):
        widgets.part(lambda: _field(job, upload, found, mended, corrected))
    elif found.cut:
        _single(job, upload, found)
    else:
        answer.shown(job, upload, found)


def _kind(mended: Mended, found: Classified | Counted | Refused) -> None:
    """What the picture is taken for, and a way to say that it is something else."""
    key = f"kind-{mended.key}"
    with st.container(horizontal=True, vertical_alignment="center"):
        if not isinstance(found, Refused):
            kind = kinds.FIELD if isinstance(found, Counted) else found.kind
            st.markdown(f"Taken for **{kinds.KINDS[kind]}**. {widgets.plain(found.kind_reason)}", width="content")
        with st.popover("Correct this", type="tertiary", icon=":material/edit:"):
            st.radio(
                "The picture shows",
                [kinds.AUTO, *kinds.KINDS],
                index=[kinds.AUTO, *kinds.KINDS].index(mended.kind),
                format_func=lambda kind: kinds.KINDS.get(kind, "what it is taken for"),
                key=key,
                on_change=lambda: mending.say(mended, state.value(key)),
            )


def _single(job: Job, upload: Upload, found: Classified) -> None:
    """A single stained cell: where it was found, then the answer for it as it was shown to the model."""
    pixels = upload.decoded.pixels
    height, width = pixels.shape[:2]
    outlined = plots.Outlined(1, found.cut.cell.polygon(), "" if found.judged is False else found.label)
    with st.expander("Where the cell was found", expanded=True, icon=":material/frame_inspect:"):
        widgets.chart(
            plots.field(pixels, [outlined], cached.adviser(job).card.class_names),
            plots.describe_field([outlined]),
            plots.field_table([outlined]),
            key="single",
            height=320,
        )
        st.caption(widgets.plain(found.cut.scale))
    whole = Field(width, height, (found.cut.cell,), None)
    _answer(job, upload, pixels, whole, found)


def _field(job: Job, upload: Upload, found: Counted, before: Mended, corrected: Told | None) -> None:
    mended, adviser = mending.of(upload, before.said, place=before.place), cached.adviser(job)  # as it is when this part is drawn again
    pixels = upload.decoded.pixels
    if mended.field is not None:
        found = uploads.recounted(cached.shelf().get(job.paths), upload.name, pixels, mended.field, adviser)
    if corrected:
        corrected(found, mended)
    numbers = [one.cut.cell.number for one in found.cells]
    chosen = mended.chosen if mended.chosen in numbers else next(iter(numbers), None)
    st.header(sentence.of_field(found.cells), anchor=False)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _picture(job, upload, found, pixels, mended, chosen)
    with right:
        _list(job, adviser, found, mended, alone=not mended.place)
    if mended.complaint:
        st.warning(widgets.plain(mended.complaint), icon=":material/info:")
    for one in found.cells:
        if one.cut.cell.number == chosen:
            st.divider()
            st.caption(f"Cell {chosen}. {widgets.plain(one.cut.scale)}" + " It is cut by the border." * one.cut.cell.at_border)
            _answer(job, upload, pixels, found.field, one)


def _picture(job: Job, upload: Upload, found: Counted, pixels: np.ndarray, mended: Mended, chosen: int | None) -> None:
    classes = cached.adviser(job).card.class_names
    mode = st.segmented_control("In the picture", list(_HINTS), default=LOOK, required=True, key=_MODE)
    st.caption(_HINTS[mode])
    outlined = [
        plots.Outlined(cell.number, cell.polygon(), "" if one.judged is False else one.label, cell.number == chosen)
        for one in found.cells
        for cell in [one.cut.cell]
    ]
    key = f"field-{mended.key}-{mended.steps}-{mended.tries}-{mode}"
    widgets.chart(
        plots.field(pixels, outlined, classes, adding=_ADDING.get(mode, "")),
        plots.describe_field(outlined),
        plots.field_table(outlined),
        key=key,
        on_area=(lambda: _add(pixels, found, mended, box=state.box(key))) if mode == BOX else None,
        on_click=None if mode == BOX else lambda: _clicked(key, pixels, found, mended),
    )
    with st.container(horizontal=True):
        if chosen is not None:
            st.button(f"Delete cell {chosen}", icon=":material/delete:", on_click=lambda: _delete(found, mended, chosen))
        if mended.steps:
            st.button("Start over", icon=":material/undo:", type="tertiary", on_click=lambda: mending.say(mended, mended.kind))


def _list(job: Job, adviser: Adviser, found: Counted, mended: Mended, *, alone: bool) -> None:
    """Its cells, and if it came alone a way to take them away: of many they stand in the table of all."""
    if not found.cells:
        widgets.empty("No white cell was found. If there is one, choose 'Add by a click' and click it.")
        return
    rows = [Row.of(found, None, cached.as_webp, by_hand=mended.by_hand)]
    table = sheet.table(rows, adviser)
    key = f"{_CELLS}-{mended.steps}"
    card = adviser.card
    left_out = [f"p({name})" for name in card.class_names if len(card.class_names) == 2 and name != card.positive]
    st.dataframe(
        table.drop(columns=["file", *left_out]),
        hide_index=True,
        row_height=48,
        placeholder="",
        column_config={"picture": st.column_config.ImageColumn(width="small"), **batch.shares(adviser.card.class_names)},
        on_select=lambda: _choose(mended, next((found.cells[row].cut.cell.number for row in state.rows(key)), None)),
        selection_mode="single-row",
        key=key,
        alt=f"Answers for {len(found.cells)} cells",
    )
    if alone:
        batch.downloads(table.index, rows, adviser, prevalence.said(job, adviser))
    st.caption(text.NOT_FOR_DIAGNOSIS)


def _choose(mended: Mended, number: object) -> None:
    if isinstance(number, int):
        mending.keep(replace(mended, chosen=number, complaint=""))


def _delete(found: Counted, mended: Mended, number: int) -> None:
    less = fields.without(found.field, number)
    mending.keep(mended.with_field(less, chosen=None))


def _clicked(chart: str, pixels: np.ndarray, found: Counted, mended: Mended) -> None:
    """To be called back by the chart: a number or a cell that was clicked is chosen, elsewhere a cell is looked for."""
    number, place = state.clicked(chart), state.place(chart)
    there = None if number is not None or place is None else fields.at(found.field, *place)
    if number is not None or there is not None:
        _choose(mended, there.number if number is None else number)
    elif place is not None and state.value(_MODE) == CLICK:
        _add(pixels, found, mended, place=place)


def _add(
    pixels: np.ndarray,
    found: Counted,
    mended: Mended,
    *,
    box: tuple[float, float, float, float] | None = None,
    place: tuple[float, float] | None = None,
) -> None:
    """The cell in a box, or about a place; nothing where there is neither."""
    try:
        if place is not None:
            more = fields.with_click(found.field, pixels, *place)
        elif box is not None:
            more = fields.with_box(found.field, pixels, box)
        else:
            return
    except BadInput as error:
        mending.keep(replace(mended, complaint=str(error), tries=mended.tries + 1))
        return
    added = more.cells[-1]
    mending.keep(mended.with_field(more, chosen=added.number))


def _answer(job: Job, upload: Upload, pixels: np.ndarray, field: Field, one: Classified) -> None:
    """The card of one cell of a picture."""

    def cut(run: Job) -> Upload:
        return _alone(run, upload, pixels, field, one)

    answer.shown(job, cut(job), one, cut)


def _alone(job: Job, upload: Upload, pixels: np.ndarray, field: Field, one: Classified) -> Upload:
    """One cell of a picture as a file of its own: what was said of it can be looked into as of any other picture."""
    content = cutting.file_of(pixels, field, one.cut.cell, ground=cached.adviser(job).ground)
    return Upload(upload.name, content)
