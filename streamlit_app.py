"""The laboratory in the browser: `streamlit run streamlit_app.py`, or `make app`."""

import streamlit as st

from pages.ui import cached, routes, state, widgets

st.set_page_config(page_title="allcore", page_icon=str(widgets.ICON), layout="wide", initial_sidebar_state="collapsed")
widgets.style()
state.put(state.IN_APP, True)
page = st.navigation(routes.ALL, position="top")
page.run()
widgets.foot()
cached.warm()
