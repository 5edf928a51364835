"""What was deleted, and the way back."""

from __future__ import annotations

import streamlit as st

from allcore.jobs import acts
from allcore.runs import trash
from pages.ui import cached, person, state, widgets

_SHOWN = 10


def undo() -> None:
    """The last deletion of this person, until it is undone or put away."""
    deleted = state.get(state.DELETED)
    if not deleted:
        return
    job_id, title = deleted
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="undo-bar"):
        st.markdown(f":material/delete: {widgets.plain(title)} was deleted.", width="stretch")
        if st.button("Undo", icon=":material/undo:", key="undo"):
            state.put(state.DELETED, None)
            _back(job_id)
        if st.button("Close", key="undo-away", type="tertiary"):
            state.put(state.DELETED, None)
            st.rerun()


def drawn() -> None:
    """The trash, the latest first; nothing where it is empty."""
    me, kept = person.here(), trash.listed(cached.artifacts())
    if not kept:
        return
    with st.popover(f"Trash ({len(kept)})", icon=":material/delete:", key=f"trash-{len(kept)}"):
        for one in kept[:_SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(widgets.plain(one.id), width="stretch")
                if me.may_change(one.owner) and st.button("Bring back", key=f"back-{one.id}", type="tertiary"):
                    _back(one.id)
        if len(kept) > _SHOWN:
            st.caption(f"And {len(kept) - _SHOWN} older ones, which `jobs trash` lists.")
        st.caption(f"What is here goes for good {trash.days():.0f} days after it was deleted.")
        if st.button("Empty it now", key="purge"):
            acts.purge(cached.artifacts(), by=me)
            state.put(state.DELETED, None)
            st.rerun()


def _back(job_id: str) -> None:
    acts.restore(cached.artifacts(), job_id, by=person.here())
    state.select(state.RUN, job_id)
    st.rerun()
