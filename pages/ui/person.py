"""Who looks at the page, and the door where a server asks people to sign in: Streamlit's own OIDC (docs/deploy.md)."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from allcore.base import people
from allcore.base.people import Person
from allcore.runs.spec import Tags
from pages.ui import cached, widgets


def must_sign_in() -> bool:
    """Whether this server asks for a sign-in that this person has not done yet."""
    return cached.people_sign_in() and not st.user.get(cached.SIGNED_IN)


def here() -> Person:
    """This person. Where nobody signs in, it is whoever works on the server."""
    if not cached.people_sign_in():
        return people.local()
    return Person(_name(st.user), signed_in=True)


def tags() -> Tags:
    """What a job of this person carries."""
    return Tags(owner=here().name)


def _name(claims: Mapping[str, object]) -> str:
    """The e-mail address, else the provider's own id: an address that nobody has verified could be another's."""
    if claims.get("email") and claims.get("email_verified") is not False:
        return str(claims["email"])
    return str(claims.get("sub", ""))


def door() -> None:
    """What stands before the laboratory: a button a provider."""
    st.title("allcore", anchor=False)
    st.markdown("Sign in to train models here. It is asked so that nobody stops or deletes what another has begun.")
    named = [name for name, value in st.secrets["auth"].items() if isinstance(value, Mapping)]
    with st.container(horizontal=True), widgets.plain_errors():
        for name in named or [None]:
            label = f"Sign in with {name.capitalize()}" if name else "Sign in"
            st.button(label, type="primary", icon=":material/login:", key=f"sign-in-{name}", on_click=st.login, args=[name])


def foot() -> None:
    """Who is signed in, and the way out; nothing where nobody is."""
    if cached.people_sign_in() and not must_sign_in():
        with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
            st.caption(f"Signed in as {widgets.plain(here().name)}", width="content")
            st.button("Sign out", type="tertiary", key="sign-out", on_click=st.logout)
