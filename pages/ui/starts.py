"""Random weights or ImageNet's? Runs that differ in nothing else, each pair on the same test images."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from allcore.metrics import compare, text
from allcore.plots import differences
from allcore.reports import starts
from allcore.reports.starts import Measured, Pair
from pages.ui import board, cached, routes, widgets

TITLE = "Random weights or ImageNet's?"
_MOST = 8
"""So many pairs at most are compared: more would be corrected away."""
_BASE = "a random start"


def shown() -> None:
    """Each pair's figures, the paired difference, and what may be concluded; or what to train for it."""
    st.subheader(TITLE, anchor=False)
    st.markdown(
        "The paper trained its networks from random weights and left open whether weights learnt on the photographs of ImageNet do "
        "better. Here it is answered by pairs of runs that differ in nothing but their start."
    )
    every = starts.pairs(widgets.finished())
    if not every:
        _none()
        return
    found = every[:_MOST]
    measured = starts.measured(found, predictions=cached.test_predictions)
    _chart(found, measured)
    st.dataframe(
        pd.DataFrame([_row(pair, one) for pair, figures in zip(found, measured, strict=True) for one in figures]),
        hide_index=True,
        column_config={"frozen": st.column_config.Column(help="Epochs that trained the new layers alone, from ImageNet's weights")},
        alt="Each pair's figures from random weights and from ImageNet's, and their difference",
    )
    for pair, figures in zip(found, measured, strict=True):
        _concluded(pair, figures)
    if len(every) > len(found):
        st.caption(f"The latest {_MOST} of {len(every)} pairs.")
    st.caption(
        "Paired image by image, patients taken whole, each run at the threshold 0.5."
        + (" p-values corrected by Holm for being several." if len(found) > 1 else "")
        + " Another seed draws other first weights, and no interval here knows that: before you conclude on more than these very runs, "
        "train pairs with further seeds."
    )


def _none() -> None:
    names = " or ".join(starts.models())
    st.markdown(
        f"No two finished runs are such a pair: train {names} twice with the same settings, with 'Start from' once at scratch and once at "
        "imagenet, which needs Keras's weights, from its cache or from the file that 'Weights file' names."
    )
    st.code("python -m allcore train --from RUN --set start=imagenet", language=None)
    st.page_link(routes.TRAIN, label="Train such a pair", icon=":material/arrow_forward:")


def _name(pair: Pair) -> str:
    return f"{widgets.model_name(pair.imagenet)} {widgets.short_id(pair.imagenet)}"


def _chart(found: Sequence[Pair], measured: Sequence[tuple[Measured, ...]]) -> None:
    drawn = {
        _name(pair): one.difference
        for pair, figures in zip(found, measured, strict=True)
        for one in figures
        if one.measure == compare.BALANCED
    }
    widgets.chart(
        differences.differences(drawn, base=_BASE),
        differences.describe_differences(drawn, base=_BASE),
        differences.differences_table(drawn),
        key="starts",
    )


def _row(pair: Pair, one: Measured) -> dict[str, str]:
    settings = pair.imagenet.spec.params["settings"]
    p = one.difference.p if one.difference.p_holm is None else one.difference.p_holm
    return {
        "model": widgets.model_name(pair.imagenet),
        "figure": one.measure,
        "random weights": text.show(one.random),
        "ImageNet's": text.show(one.imagenet),
        "difference": text.change(one.difference.interval),
        "p": text.NO_FIGURE if p is None else compare.shown(p),
        "tested on": board.tested_on(pair.imagenet),
        "data": widgets.data_name(pair.imagenet),
        "seed": str(settings["seed"]),
        "frozen": str(settings["frozen_epochs"]),
        "runs": f"{widgets.short_id(pair.random)}, {widgets.short_id(pair.imagenet)}",
    }


def _concluded(pair: Pair, figures: Sequence[Measured]) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            basis = figures[0].difference.interval
            people = f" of {widgets.counted(basis.clusters, 'patient')}" if basis.clusters else ", taken for independent"
            st.markdown(
                f"**{widgets.plain(_name(pair))}** on {widgets.plain(pair.imagenet.spec.params['data'])}: "
                f"{widgets.counted(basis.n, 'test image')}{people}",
                width="content",
            )
            if cached.synthetic(pair.imagenet):
                widgets.drawn_badge()
        for one in figures:
            said = one.difference.verdict("the start from ImageNet", _BASE)
            st.markdown(said[0].upper() + said[1:])
        if not cached.headline(pair.imagenet).trusted:
            st.caption(f":orange[:material/warning:] Tested on: {board.tested_on(pair.imagenet)}. It says nothing of patients never met.")
