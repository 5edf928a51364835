"""A split to look at before anything is trained: its certificate as a card, and who stands where."""

from __future__ import annotations

import json

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from allcore.data import splits
from allcore.data.records import DatasetCard
from allcore.data.splits import Certificate, Split, SplitSpec
from allcore.plots import dataset as plots
from pages.ui import cached, widgets

ONE, FOLDS = "one test side", "folds"
_COLUMNS = {"side": st.column_config.Column(help=widgets.SIDES)}


def tab(card: DatasetCard) -> None:
    """Level, folds and seed; the certificate; a bar for each patient."""
    made = cached.split(card, _spec(card))
    certificate = made.certificate
    with st.container(border=True, key="certificate"):
        widgets.verdict(certificate)
        st.dataframe(
            _table(certificate), hide_index=True, column_config=_COLUMNS, alt=f"Images and patients of each side. {certificate.verdict()}"
        )
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(_small_print(certificate), width="content")
            st.download_button(
                "Certificate",
                lambda: json.dumps({"data": card.id, **certificate.to_dict(), "verdict": certificate.verdict()}, indent=2),
                f"{card.id}-{certificate.hash[:12]}.json",
                "application/json",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
                help="This certificate as JSON",
            )
    if card.has_subjects:
        st.caption("A bar for each patient, by the side on which the images stand. A bar of several colours is a patient on several sides.")
        widgets.kept_chart(("sides", card.fingerprint, certificate.hash), lambda: _patients(card, made), key="sides")


def _patients(card: DatasetCard, made: Split) -> tuple[go.Figure, str, pd.DataFrame]:
    used = made.sides != splits.UNUSED
    arguments = (cached.dataset_records(card)["subject"].to_numpy()[used].tolist(), made.sides[used].tolist())
    return plots.sides(*arguments), plots.describe_sides(*arguments), plots.sides_table(*arguments)


def _spec(card: DatasetCard) -> SplitSpec:
    usual = "patient" if card.has_subjects else "image"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = st.pills("Split by", splits.LEVELS, default=usual, key="split", required=True, wrap=True, bind="query-params")
        how = st.segmented_control("Test", [ONE, FOLDS], default=ONE, required=True, key="split-how")
        count = fold = 0
        if how == FOLDS:
            own = level == "official"
            count = max(len(card.folds), 2) if own else st.number_input("Folds", 2, splits.MOST_FOLDS, 5, width=110, key="split-folds")
            fold = st.number_input("Test on fold", 0, count - 1, 0, width=130, key="split-fold")
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, width=120, key="split-seed")
    return SplitSpec(level, seed=seed, folds=count, fold=fold)


def _table(certificate: Certificate) -> pd.DataFrame:
    """A row a side: images and patients, in all and by class."""
    rows = []
    for name, side in certificate.sides.items():
        row = {"side": name, "images": side.images, **{f"{label} images": count for label, count in side.images_by_class.items()}}
        if side.subjects is not None:
            row |= {"patients": side.subjects, **{f"{label} patients": count for label, count in side.subjects_by_class.items()}}
        rows.append(row)
    return pd.DataFrame(rows)


def _small_print(certificate: Certificate) -> str:
    parts = [f"Hash {certificate.hash[:12]}"]
    if certificate.folds:
        parts.append(f"tests on fold {certificate.fold} of 0 to {certificate.folds - 1}")
    parts.append(f"byte for byte on another side too: {widgets.counted(certificate.duplicate_test_images, 'test image')}")
    if certificate.near_duplicate_test_images is None:
        parts.append("nobody has looked for near duplicates")
    else:
        parts.append(f"a near duplicate on another side: {widgets.counted(certificate.near_duplicate_test_images, 'test image')}")
    if certificate.held_together:
        parts.append(f"{widgets.counted(certificate.held_together, 'image')} kept beside their near duplicates")
    if certificate.unused:
        parts.append(f"on no side: {widgets.counted(certificate.unused, 'image')}")
    return " · ".join(parts) + "."
