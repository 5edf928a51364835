"""The images behind a cell of the confusion matrix, the most confident answers first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from allcore.base.errors import NotFound
from allcore.data import records
from allcore.data.records import DatasetCard
from allcore.inference import served
from allcore.metrics import text
from allcore.metrics.scores import Scores
from allcore.plots import theme
from allcore.runs.store import Job
from pages.ui import cached, heat, state, widgets
from pages.ui.gallery import Cell, gallery

CELL = "cell"
_OPENED = "opened-image"
_MOST = 60


def set_by_click(chart: str, scores: Scores) -> bool:
    """To be called back by the confusion matrix; whether a cell of it was clicked."""
    value = state.clicked(chart)
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return False
    state.fill(CELL, _name(scores, int(value[0]), int(value[1])))
    return True


def shown(job: Job, scores: Scores, called: np.ndarray) -> None:
    """A picker of the matrix's cells and the images of the one chosen. `called` (n,) int: classes as answered, in the test side's order."""
    test = cached.test_predictions(job)
    truth = test["label"].map({name: index for index, name in enumerate(scores.classes)}).to_numpy()
    cells = {_name(scores, i, j): (i, j) for i in range(len(scores.classes)) for j in range(len(scores.classes))}
    counts = {name: int(((truth == i) & (called == j)).sum()) for name, (i, j) in cells.items()}
    if state.value(CELL) not in cells:
        errors = [name for name, (i, j) in cells.items() if i != j]
        state.fill(CELL, max(errors, key=counts.get))
    now = st.selectbox("Images that are", list(cells), format_func=lambda name: f"{name} ({counts[name]:,})", key=CELL)
    i, j = cells[now]
    columns = [f"p_{name}" for name in scores.classes]
    mine = test[(truth == i) & (called == j)].assign(confidence=lambda table: table[columns[j]])
    mine = mine.sort_values("confidence", ascending=False, kind="stable")
    if mine.empty:
        st.caption("There is none.")
        return
    card, rows = _found(job, mine["image_id"].head(_MOST))
    if card is None:
        st.caption(f"The pictures of '{widgets.plain(job.spec.params['data'])}' are no longer as they were: here are their names.")
        st.dataframe(mine[["image_id", "subject", *columns]], hide_index=True, alt=f"Images {now}")
        return
    order = "The most confident first" if len(mine) <= _MOST else f"The {_MOST} most confident of {len(mine):,}"
    st.caption(f"{order}. A click shows one large.")
    drawn = mine.head(_MOST)
    images = cached.thumbnails(card, rows)
    opened = gallery(
        [
            Cell(one.image_id, image, _told(one, now, scores, j), theme.class_colour(scores.classes[i], scores.classes))
            for one, image in zip(drawn.itertuples(), images, strict=True)
        ],
        label=f"{widgets.counted(len(drawn), 'image')} {now}",
        key="errors",
        keep=_OPENED,
    )
    ids = drawn["image_id"].tolist()
    if opened in ids:
        place = ids.index(opened)
        _large(card, rows[place], drawn.iloc[place], scores)
        size = served.read_card(job.paths).input_size
        heat.offered(job, np.asarray(cached.pixels(card, size)[rows[place]]), scores.classes[j], key="error")


def _large(card: DatasetCard, row: int, one: pd.Series, scores: Scores) -> None:
    left, right = st.columns([1, 3], gap="large")
    left.image(np.asarray(cached.pixels(card)[row]), width=220, alt=f"Image {one['image_id']}")
    with right:
        st.markdown(f"**{widgets.plain(one['image_id'])}**")
        if one["subject"]:
            st.caption(f"Patient {widgets.plain(str(one['subject']))}")
        for name in scores.classes:
            st.markdown(f"{widgets.plain(name)}: {text.percentage(float(one[f'p_{name}']))}")


def _found(job: Job, image_ids: pd.Series) -> tuple[DatasetCard | None, list[int]]:
    """The data set and the rows of images in it; None where it is gone, or another of the same name."""
    try:
        card = records.read_card(cached.artifacts().dataset(job.spec.params["data"]))
    except NotFound:
        return None, []
    if card.fingerprint != job.spec.params["data_fingerprint"]:
        return None, []
    places = pd.Index(cached.dataset_records(card)["image_id"]).get_indexer(image_ids)
    return (None, []) if (places < 0).any() else (card, places.tolist())


def _name(scores: Scores, truly: int, called: int) -> str:
    return f"truly {scores.classes[truly]}, called {scores.classes[called]}"


def _told(one, cell: str, scores: Scores, called: int) -> str:
    whose = f", patient {one.subject}" if one.subject else ""
    return f"{cell}, {text.percentage(float(one.confidence))} sure of {scores.classes[called]}{whose}"
