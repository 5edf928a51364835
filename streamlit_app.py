import streamlit as st

st.title('allcore')
