"""Parts that every page is made of."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from allcore.base.errors import AllcoreError, NotFound
from allcore.data import records
from allcore.data.records import DatasetCard
from allcore.data.splits import Certificate
from allcore.metrics import text
from allcore.models import registry
from allcore.plots import theme
from allcore.runs import status, store
from allcore.runs.store import Job
from pages.ui import cached, routes, state

ICON = Path(__file__).with_name("icon.png")  # a Material icon in its place would be fetched from the web
# Streamlit's own: 6rem of air above, captions fainter than 4.5:1, and the accent as text on a tint of itself (4.2:1 on dark).
_STYLE = f"""<style>
[data-testid="stMainBlockContainer"] {{ padding-top: 4.5rem; padding-bottom: 2rem; max-width: 1280px; }}
[data-testid="stCaptionContainer"] {{ opacity: 1; color: color-mix(in srgb, currentColor 78%, transparent); }}
[data-variant="pills"] p, [data-variant="segmented_control"] p {{ color: light-dark({theme.LIGHT.ink}, {theme.DARK.ink}); }}
</style>"""
SYNTHETIC = "drawn cells"
SIDES = (
    "Train: what the model learns from. Tune: by which an epoch is chosen. Calibrate: kept for thresholds. "
    "Test: what the figures are of; nothing is ever chosen on it."
)

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


def above_style() -> None:
    """To be called within a dialog or a popover: they stand outside the app's own ground, where the colours of `style` can't tell
    light from dark.
    """
    inside = ':is([role="dialog"], [data-testid="stPopoverBody"])'
    st.html(f'<style>{inside} :is([data-variant="pills"], [data-variant="segmented_control"]) p {{ color: {_ground().ink}; }}</style>')


def page(title: str, lead: str = "") -> None:
    """A page's head."""
    if not state.get(state.IN_APP):
        # A page that is the first thing asked of a server is run alone by Streamlit, as it did before there was st.navigation.
        st.navigation(routes.anew())
        st.rerun()
    st.title(title, anchor=False)
    if lead:
        st.markdown(lead)


def foot() -> None:
    """The line under every page."""
    st.space("medium")
    st.caption(text.NOT_FOR_DIAGNOSIS, text_alignment="center")


def empty(message: str, label: str = "", *, icon: str = ":material/arrow_forward:") -> bool:
    """What stands where there is nothing yet: what will come here, and a button to bring it; whether that was clicked."""
    with st.container(border=True, horizontal_alignment="center"):
        st.space("small")
        st.markdown(message, text_alignment="center")
        clicked = bool(label) and st.button(label, type="primary", icon=icon)
        st.space("small")
    return clicked


def plain(text: str) -> str:
    """Text from outside (a file's name, a folder's, an error that quotes them) as Markdown that shows it letter by letter."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|:$~&^])", r"\\\1", text)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Errors made for people are shown; any other is logged and told without its text."""
    try:
        yield
    except AllcoreError as error:
        st.error(plain(error.message) + (f"  \n{plain(error.hint)}" if error.hint else ""), icon=":material/error:")
    except Exception as error:
        if type(error).__module__.startswith("streamlit"):  # reruns and stops are Streamlit's own way of going on
            raise
        logging.getLogger("allcore").exception("A page failed")
        st.error("Something went wrong that should not have. The server's log has the details; reload the page to go on.")


@contextmanager
def passing_errors() -> Iterator[None]:
    """Errors made for people are shown in a note that passes: for what can be tried again at once."""
    try:
        yield
    except AllcoreError as error:
        st.toast(plain(" ".join(filter(None, [error.message, error.hint]))), icon=":material/error:", duration="long")


def part(draw: Callable[[], None], *, every: float | None = None, name: str | None = None) -> None:
    """Draw a part of a page that is drawn again alone: when something in it is clicked, and `every` so many seconds.

    With a `name`, what is clicked elsewhere can have it drawn again too: `st.rerun(name)` in a callback. A part within a part is drawn
    with it, and alone without it.
    """

    @functools.wraps(draw)
    def alone() -> None:
        with plain_errors():  # those of the page are not there when a part is drawn again
            draw()

    st.fragment(alone, run_every=every, key=name)()


def chart(
    figure: go.Figure,
    description: str,
    table: pd.DataFrame,
    *,
    key: str,
    height: int | str = "content",
    on_click: Callable[[], None] | None = None,
    on_area: Callable[[], None] | None = None,
) -> None:
    """A figure, which takes the page's colours, with its text for screen readers and its data as CSV.

    `on_click` is called when a point or bar is clicked, `on_area` when points are picked by lasso or box; `state.points(key)` has them.
    """
    _shown(theme.coloured(figure, _ground()), description, table, key=key, height=height, on_click=on_click, on_area=on_area)


def kept_chart(
    what: tuple,
    make: Callable[[], tuple[go.Figure, str, pd.DataFrame]],
    *,
    key: str,
    height: int | str = "content",
    on_click: Callable[[], None] | None = None,
    on_area: Callable[[], None] | None = None,
) -> None:
    """As `chart`, of the figure, text and table that `make` gives: drawn once for all who look. `what` says all that it depends on."""
    ground = _ground()

    def coloured() -> tuple[go.Figure, str, pd.DataFrame]:
        figure, description, table = make()
        return theme.coloured(figure, ground), description, table

    figure, description, table = cached.once((*what, ground.ink), coloured)
    _shown(figure, description, table, key=key, height=height, on_click=on_click, on_area=on_area)


def _shown(
    figure: go.Figure,
    description: str,
    table: pd.DataFrame,
    *,
    key: str,
    height: int | str,
    on_click: Callable[[], None] | None,
    on_area: Callable[[], None] | None,
) -> None:
    buttons = [["select2d", "lasso2d"], ["zoom2d", "pan2d", "resetScale2d"], ["toImage"]] if on_area else [["toImage"]]
    selecting = {"on_select": on_area, "selection_mode": ("box", "lasso")} if on_area else {}
    if on_click:
        selecting = {"on_select": on_click, "selection_mode": "points"}
    with st.container(gap=None):
        st.plotly_chart(
            figure,
            theme=None,  # Streamlit's own writes axes too faintly on white
            key=key,
            height=height,
            alt=description,
            config={
                "displaylogo": False,
                "modeBarButtons": buttons,
                "toImageButtonOptions": {"format": "svg", "filename": key},
                "scrollZoom": False,
            },
            **selecting,
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


def _ground() -> theme.Ground:
    return theme.DARK if st.context.theme.type == "dark" else theme.LIGHT


def when(job: Job) -> str:
    """The minute in which a job was submitted, in the server's time: `Nov 23, 00:32`"""
    return datetime.fromisoformat(job.spec.created).astimezone().strftime("%b %d, %H:%M")


def state_badge(job: Job) -> None:
    """A job's state in a word and a colour."""
    word, colour = STATES[job.state]
    st.badge(word, color=colour)


def drawn_badge() -> None:
    """Says that cells, or what learnt from them, are synthetic."""
    st.badge(SYNTHETIC, icon=":material/draw:", color="violet", help="Synthetic: it says nothing about real cells.")


def model_name(job: Job) -> str:
    """A run's model as people call it."""
    try:
        return registry.card(job.spec.params["model"]).name
    except NotFound:  # of another version of this software
        return job.spec.params["model"]


def data_name(job: Job) -> str:
    """The data set of a run: `demo (drawn cells)`"""
    return f"{job.spec.params['data']} ({SYNTHETIC})" if cached.synthetic(job) else job.spec.params["data"]


def short_id(job: Job) -> str:
    """The end of a job's id, by which two runs of the same kind are told apart: `c851`"""
    return job.id[-4:]


def run_name(job: Job) -> str:
    """`Random forest on demo · c851`"""
    return f"{model_name(job)} on {job.spec.params['data']} · {short_id(job)}"


def finished() -> list[Job]:
    """Runs that can show a result, oldest first."""
    found = []
    for job in store.runs(cached.artifacts()):
        with suppress(AllcoreError, FileNotFoundError):  # damaged, or deleted under our eyes: it must not take the others with it
            if job.state == status.DONE and cached.headline(job):
                found.append(job)
    return found


def doing(job: Job) -> str:
    """What a job is at: its process's own words, else why it stands."""
    if job.beat and job.beat.attempt == job.status.attempt:
        return job.beat.doing
    return job.status.reason or "Waiting for its turn"


def watched(job: Job) -> None:
    """How far a job is, to be drawn again and again; once it has ended, the whole page is drawn anew."""
    now = store.read(job.paths)
    if now.status.state in status.ENDED:
        st.rerun(scope="app")
    st.progress(now.share, text=doing(now))


def verdict(made: Certificate) -> None:
    """A split in one sentence."""
    trusted = made.overlapping_subjects == 0
    icon, colour = (":material/verified:", "green") if trusted else (":material/warning:", "orange")
    st.markdown(f":{colour}[{icon}] {made.verdict()}")


def certificate(made: Certificate) -> None:
    """A split's certificate in small."""
    verdict(made)
    sides = []
    for name, side in made.sides.items():
        people = "" if side.subjects is None else f", {counted(side.subjects, 'patient')}"
        sides.append(f"**{name.capitalize()}** {counted(side.images, 'image')}{people}".replace(" ", "\u00a0"))
    st.caption(" · ".join(sides), help=SIDES)


def settings(job: Job) -> pd.DataFrame:
    """How a run was asked for: its preset, split and every knob, as the form calls them."""
    params = job.spec.params
    presets, labels = {}, {}
    with suppress(NotFound):  # a model of another version of this software
        card = registry.card(params["model"])
        presets = {preset.id: preset.name for preset in card.presets}
        labels = {knob.name: knob.label for knob in card.knobs}
    told = {"Preset": presets.get(params["preset"], params["preset"]), "Split by": params["split"]["level"]}
    for name, value in params["settings"].items():
        told[labels.get(name, name)] = ("off", "on")[value] if isinstance(value, bool) else str(value)
    return pd.DataFrame({"setting": list(told), "value": list(told.values())})


def dataset_choice(cards: Sequence[DatasetCard], *, key: str) -> DatasetCard:
    """The data set that this person looks at, with a picker where there are several."""
    by_id = {card.id: card for card in cards}
    now = state.selected(state.DATA, list(by_id))
    if len(cards) > 1:
        key = f"{key}-{len(cards)}"  # with one more, or one less, the choice is made anew
        now = st.selectbox(
            "Data set", list(by_id), index=list(by_id).index(now), format_func=lambda id_: dataset_label(by_id[id_]), key=key
        )
    state.select(state.DATA, now)
    return by_id[now]


def dataset_label(card: DatasetCard) -> str:
    """`demo (drawn cells)`"""
    return f"{card.id} ({SYNTHETIC})" if card.synthetic else card.id


def datasets() -> list[DatasetCard]:
    """All data sets."""
    return records.all_cards(cached.artifacts())


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
