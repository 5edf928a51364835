"""The laboratory in the browser: `streamlit run streamlit_app.py`, or `make app`."""

import streamlit as st

from allcore.inference import receiving
from pages.ui import cached, person, routes, state, widgets

st.set_page_config(page_title="allcore", page_icon=str(widgets.ICON), layout="wide", initial_sidebar_state="collapsed")
widgets.style()
receiving.keep_in_memory()
state.put(state.IN_APP, True)
if person.must_sign_in():
    page = st.navigation([st.Page(person.door, title="allcore")], position="hidden")
else:
    page = st.navigation(routes.anew(), position="top")
page.run()
widgets.foot()
person.foot()
cached.warm()
