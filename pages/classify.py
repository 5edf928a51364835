"""What is this?"""

import numpy as np
import pandas as pd
import streamlit as st

from allcore.data import images, records
from allcore.inference import served, uploads
from allcore.inference.served import ServedCard
from allcore.inference.uploads import Classified, Refused, Upload
from allcore.metrics import text
from allcore.plots import probabilities as plots
from allcore.runs import status, store
from allcore.runs.store import Job
from pages.ui import cached, routes, state, widgets

artifacts = cached.artifacts()
WORDS = {"leukemia": "leukemic", "healthy": "healthy"}


def _best_first(runs: list[Job]) -> list[Job]:
    """Runs that were tested on unseen patients before others, the better before the worse."""

    def worth(job: Job) -> tuple[bool, float]:
        made = cached.certificate(job)
        return (made is not None and made.overlapping_subjects == 0, cached.scores(job).balanced_accuracy)

    return sorted(runs, key=worth, reverse=True)


def _model(runs: list[Job]) -> Job:
    by_id = {job.id: job for job in _best_first(runs)}
    now = state.selected(state.RUN, list(by_id))
    now = st.selectbox(
        "Model",
        list(by_id),
        index=list(by_id).index(now),
        format_func=lambda id_: (
            f"{widgets.model_name(by_id[id_])} · {by_id[id_].spec.params['data']} · balanced accuracy "
            f"{text.show(cached.scores(by_id[id_]).intervals['balanced_accuracy'])}"
        ),
    )
    state.select(state.RUN, now)
    return by_id[now]


def _examples(job: Job) -> list[Upload]:
    """Three cells of the run's test side, as files."""
    try:
        data = records.read_card(artifacts.dataset(job.spec.params["data"]))
    except Exception:
        return []
    table = cached.dataset_records(data)
    test = cached.predictions(job)
    test = test[test["side"] == "test"]
    root = records.image_root(artifacts.dataset(data.id), data)
    found = []
    for image_id in test.groupby("label")["image_id"].first().tolist() + [test["image_id"].iloc[len(test) // 2]]:
        path = root / image_id
        if image_id in set(table["image_id"]) and path.exists():
            found.append(Upload(path.name, path.read_bytes()))
    return found[:3]


def _sentence(card: ServedCard, one: Classified) -> str:
    share = one.probabilities[one.label]
    sure = "clearly" if share >= 0.9 else "probably" if share >= 0.7 else "barely more likely than not"
    return f"This model calls the cell **{WORDS.get(one.label, one.label)}**, {sure}: {share:.1%}."


def _single(card: ServedCard, upload: Upload, one: Classified) -> None:
    left, right = st.columns([1, 2], gap="large")
    with left:
        st.image(images.resized(images.decoded(upload.content).pixels, 320), width=320, alt=f"The picture {one.name}")
        st.caption(one.name)
    with right:
        st.markdown(f"### {_sentence(card, one)}")
        values = [one.probabilities[name] for name in card.class_names]
        options = {"positive": card.positive, "threshold": 0.5 if len(card.class_names) == 2 else None}
        widgets.chart(
            plots.probabilities(values, card.class_names, **options),
            plots.describe_probabilities(values, card.class_names, **options),
            plots.probabilities_table(values, card.class_names),
            key="answer",
        )
        if card.synthetic:
            st.caption(":violet[:material/draw:] Trained on drawn cells: what it says of a real one means nothing.")
        st.caption(f"{widgets.FOOT} The model answers for any picture, also for one that shows no cell.")


def _many(card: ServedCard, sent: list[Upload], found: list[Classified | Refused]) -> None:
    rows = []
    for upload, one in zip(sent, found, strict=True):
        answered = isinstance(one, Classified)
        rows.append(
            {
                "picture": cached.upload_thumbnail(upload.content) if answered else None,
                "file": one.name,
                "answer": one.label if answered else "",
                **{f"p({name})": one.probabilities[name] if answered else np.nan for name in card.class_names},
                "note": "" if answered else one.error,
            }
        )
    table = pd.DataFrame(rows)
    counts = table.loc[table["answer"] != "", "answer"].value_counts()
    refused = int((table["answer"] == "").sum())
    st.markdown(
        " · ".join(f"**{count}** {name}" for name, count in counts.items()) + (f" · **{refused}** could not be read" if refused else "")
    )
    st.dataframe(
        table,
        hide_index=True,
        row_height=48,
        column_config={
            "picture": st.column_config.ImageColumn(width="small"),
            **{f"p({name})": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1) for name in card.class_names},
        },
        alt=f"Answers for {len(table)} files",
    )
    st.download_button(
        "Table as CSV",
        lambda: table.drop(columns="picture").to_csv(index=False),
        "answers.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )
    if card.synthetic:
        st.caption(":violet[:material/draw:] Trained on drawn cells: what it says of real ones means nothing.")


with widgets.plain_errors():
    widgets.page("Classify", "Drop one picture of a cell, or many. Nothing is kept.")
    done = [job for job in store.runs(artifacts) if job.state == status.DONE and job.metrics]
    if not done:
        widgets.empty(
            "A picture needs a trained model to judge it, and there is none yet.", page=routes.LESSON, label="Train one in the first lesson"
        )
    else:
        job = _model(done)
        card = served.read_card(job.paths)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            files = st.file_uploader(
                f"Pictures (PNG, JPEG, BMP, TIFF or WebP, up to {images.MOST_BYTES // 1_000_000} MB each)",
                accept_multiple_files=True,
                key="uploads",
            )
        examples = _examples(job)
        if not files and examples:
            st.caption("Or try a cell that this model has never seen:")
            with st.container(horizontal=True, key="examples"):
                for index, example in enumerate(examples):
                    with st.container(width=110):
                        st.image(images.prepared(example.content, 96), width=96, alt=f"Example cell {index + 1}")
                        if st.button("Try it", key=f"example-{index}", width=96):
                            state.put("example", example.name)
        sent = [Upload(file.name, file.getvalue()) for file in files]
        if not sent:
            sent = [example for example in examples if example.name == state.get("example")]
        if sent:
            found = uploads.classify(cached.shelf().get(job.paths), sent)
            st.divider()
            if len(sent) == 1 and isinstance(found[0], Classified):
                _single(card, sent[0], found[0])
            elif len(sent) == 1:
                st.error(f"{found[0].name}: {found[0].error}", icon=":material/error:")
            else:
                _many(card, sent, found)
