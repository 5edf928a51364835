"""Parts that every page is made of."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from allcore.base.errors import AllcoreError
from allcore.data import records
from allcore.data.records import DatasetCard
from allcore.data.splits import Certificate
from allcore.models import registry
from allcore.runs import status
from allcore.runs.store import Job
from pages.ui import cached, state

ICON = Path(__file__).with_name("icon.png")  # a Material icon in its place would be fetched from the web
_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 4.5rem; padding-bottom: 2rem; max-width: 1280px; }
[data-testid="stCaptionContainer"] { opacity: 1; color: color-mix(in srgb, currentColor 78%, transparent); }
</style>"""
FOOT = "For teaching and research, not for diagnosis."
SYNTHETIC = "drawn cells"

STATES = {
    status.QUEUED: ("waiting", "gray"),
    status.STARTING: ("starting", "blue"),
    status.RUNNING: ("running", "blue"),
    status.FINISHING: ("finishing", "blue"),
    status.DONE: ("done", "green"),
    status.FAILED: ("failed", "red"),
    status.CANCELLED: ("cancelled", "gray"),
    status.INTERRUPTED: ("interrupted", "orange"),
}


def style() -> None:
    """What the theme can't say: less air above, and small print that is still read."""
    st.html(_STYLE)


def page(title: str, lead: str = "") -> None:
    """A page's head."""
    st.title(title, anchor=False)
    if lead:
        st.markdown(lead)


def foot() -> None:
    """The line under every page."""
    st.space("medium")
    st.caption(FOOT, text_alignment="center")


def empty(message: str, *, page: str | None = None, label: str = "", icon: str = "") -> None:
    """What stands where there is nothing yet: what will come here, and the way to it."""
    with st.container(border=True, horizontal_alignment="center", key=f"empty-{abs(hash(message))}"):
        st.space("small")
        st.markdown(message, text_alignment="center")
        if page:
            st.page_link(page, label=label, icon=icon or None)
        st.space("small")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Errors made for people are shown; any other is logged and told without its text."""
    try:
        yield
    except AllcoreError as error:
        st.error(f"{error.message}  \n{error.hint}" if error.hint else error.message, icon=":material/error:")
    except Exception as error:
        if type(error).__module__.startswith("streamlit"):  # reruns and stops are Streamlit's own way of going on
            raise
        logging.getLogger("allcore").exception("A page failed")
        st.error("Something went wrong that should not have. The server's log has the details; reload the page to go on.")


def chart(figure: go.Figure, description: str, table: pd.DataFrame, *, key: str, height: int | str = "content") -> None:
    """A figure with its text for screen readers and its data as CSV."""
    st.plotly_chart(
        figure,
        key=key,
        height=height,
        alt=description,
        config={
            "displaylogo": False,
            "modeBarButtons": [["toImage"]],
            "toImageButtonOptions": {"format": "svg", "filename": key},
        },
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.download_button(
            "Data",
            lambda: table.to_csv(index=False),
            file_name=f"{key}.csv",
            mime="text/csv",
            key=f"csv-{key}",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
            help="The numbers of this chart, as CSV",
        )


def when(job: Job) -> str:
    """The minute in which a job was submitted, in the server's time: `Nov 23, 00:32`"""
    return datetime.fromisoformat(job.spec.created).astimezone().strftime("%b %d, %H:%M")


def state_badge(job: Job) -> None:
    """A job's state in a word and a colour."""
    word, colour = STATES[job.state]
    st.badge(word, color=colour)


def model_name(job: Job) -> str:
    """A run's model as people call it."""
    return registry.card(job.spec.params["model"]).name


def certificate(made: Certificate) -> None:
    """A split's certificate in small."""
    trusted = made.overlapping_subjects == 0
    icon, colour = (":material/verified:", "green") if trusted else (":material/warning:", "orange")
    st.markdown(f":{colour}[{icon}] {made.verdict()}")
    cells = []
    for name, side in made.sides.items():
        subjects = f" of {side.subjects} patients" if side.subjects is not None else ""
        cells.append(f"{name} {side.images:,}{subjects}")
    st.caption(" · ".join(cells))


def dataset_choice(cards: Sequence[DatasetCard], *, key: str) -> DatasetCard:
    """The data set that this person looks at, with a picker where there are several."""
    by_id = {card.id: card for card in cards}
    now = state.selected(state.DATA, list(by_id))
    if len(cards) > 1:
        now = st.selectbox(
            "Data set", list(by_id), index=list(by_id).index(now), format_func=lambda name: dataset_label(by_id[name]), key=key, width=360
        )
    state.select(state.DATA, now)
    return by_id[now]


def dataset_label(card: DatasetCard) -> str:
    """`demo (drawn cells)`"""
    return f"{card.id} ({SYNTHETIC})" if card.synthetic else card.id


def datasets() -> list[DatasetCard]:
    """All data sets."""
    return records.all_cards(cached.artifacts())


def live(seconds: float, while_: bool) -> Callable:
    """A fragment that is drawn again every `seconds`, as long as there is something to watch."""
    return st.fragment(run_every=seconds if while_ else None)


def minutes(seconds: float) -> str:
    """`40 s`, `3 min`, `2.5 h`"""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def counted(number: int, thing: str) -> str:
    """`1 model`, `3 models`"""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")
