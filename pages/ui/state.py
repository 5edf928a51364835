"""The only st.session_state: ids of what is selected, and values of forms. The truth is on disk; this is what a person looks at."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

DATA, RUN, STUDY = "data", "run", "study"
"""Names of the selection, in the session and in the URL."""
COMPARE = "compare"
"""In the URL alone: runs to be compared, with commas between."""
ADDED = "added"
"""The data set that this person is waiting for."""
IN_APP = "in-app"
"""Set once the app, and not a page alone, has been run."""
DELETED = "deleted"
"""Id and title of the job that this person deleted last."""
LESSON_ASKED = "lesson-asked"
"""Set when somebody asks for the first lesson: the page trains only then."""


def selected(name: str, options: Sequence[str]) -> str | None:
    """The selection: the URL's, else what was last chosen, else the first of `options`; always one of them, None where there are none."""
    if not options:
        return None
    for value in (st.query_params.get(name), st.session_state.get(f"kept-{name}")):
        if value in options:
            st.session_state[f"kept-{name}"] = value
            return value
    return options[0]


def select(name: str, value: str | None) -> None:
    """Choose, for this and the other pages, and in the URL."""
    if value is not None:
        st.session_state[f"kept-{name}"] = value
        st.query_params[name] = value


def forget(name: str) -> None:
    """No selection any more: what was selected is gone."""
    st.session_state.pop(f"kept-{name}", None)
    st.query_params.pop(name, None)


def asked_for(name: str, options: Sequence[str]) -> list[str]:
    """Those of `options` that the URL lists under a name."""
    named = st.query_params.get(name, "").split(",")
    return [one for one in options if one in named]


def rows(table: str) -> list[int]:
    """Rows that are chosen in the table of that key, ascending; [] before it was drawn."""
    drawn = st.session_state.get(table)
    return sorted(drawn.selection.rows) if drawn else []


def select_row(name: str, table: str, options: Sequence[str]) -> None:
    """To be called back by the table with the key `table`: select the one of `options` that stands in the row now chosen."""
    rows = st.session_state[table].selection.rows
    if rows:
        select(name, options[rows[0]])


def points(chart: str) -> list[dict]:
    """To be called back by the chart with that key: the points now chosen in it."""
    return st.session_state[chart].selection.points


def box(chart: str) -> tuple[float, float, float, float] | None:
    """To be called back by the chart with that key: the box, or the box about the loop, last drawn in it: left, top, right, bottom."""
    selection = st.session_state[chart].selection
    drawn = [*selection.box, *selection.lasso]
    return (min(drawn[-1]["x"]), min(drawn[-1]["y"]), max(drawn[-1]["x"]), max(drawn[-1]["y"])) if drawn else None


def place(chart: str) -> tuple[float, float] | None:
    """To be called back by the chart with that key: where the point lies that was clicked, None where none was."""
    points = st.session_state[chart].selection.points
    return (points[0]["x"], points[0]["y"]) if points else None


def fill(widget: str, value: object) -> None:
    """Give the widget with that key a value, before it is drawn."""
    st.session_state[widget] = value


def entered(widget: str) -> object:
    """To be called back by the widget with that key: what was entered."""
    return st.session_state[widget]


def triggered(component: str, trigger: str) -> object:
    """To be called back by the component of that key: what it sent with its trigger."""
    return st.session_state[component][trigger]


def clicked(chart: str) -> object | None:
    """To be called back by the chart with the key `chart`: what the point that was clicked carries, None where none was."""
    points = st.session_state[chart].selection.points
    return points[0].get("customdata") if points else None


def value(widget: str) -> object | None:
    """What the widget of that key holds, None before it was drawn."""
    return st.session_state.get(widget)


def get(name: str, default: object = None) -> object:
    """A value kept for this session."""
    return st.session_state.get(f"kept-{name}", default)


def put(name: str, value: object) -> None:
    """Keep a value for this session."""
    st.session_state[f"kept-{name}"] = value


def pop(name: str) -> object:
    """Take a kept value away."""
    return st.session_state.pop(f"kept-{name}", None)
