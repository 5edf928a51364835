"""The answer card of one picture: the sentence first, then what it rests on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pandas as pd
import streamlit as st

from allcore.base.errors import AllcoreError, NotFound
from allcore.data import images, records
from allcore.inference import answers, guard, kinds, neighbours, sentence, served
from allcore.inference.answers import Adviser
from allcore.inference.uploads import Classified, Upload
from allcore.metrics import text
from allcore.plots import probabilities as plots
from allcore.runs import store
from allcore.runs.store import Job
from pages.ui import cached, heat, prevalence, widgets

OTHERS = "answer-others"
MOST_OTHERS = 3
DISTANCE = "distance by its limit"
TOPICS = {"outline": "Outline", "scale": "Size", "stain": "Colours", "quality": "Light and sharpness", "embedding": "As the model sees it"}


def shown(job: Job, upload: Upload, one: Classified, cut: Callable[[Job], Upload] | None = None) -> None:
    """The whole card of one picture and what the run says of it. `cut`: where the picture is a cell cut out of another, the same for any
    run, placed as its own training cells are."""
    adviser = cached.adviser(job)
    refused = one.judged is False
    left, right = st.columns([1, 3], gap="large")
    with left:
        st.image(images.resized(upload.decoded.pixels, 320), width=240, alt=f"The picture {one.name}")
        st.caption(widgets.plain(one.name))
    with right:
        st.header(widgets.plain(sentence.headline(adviser, one)), anchor=False)
        for said in sentence.details(adviser, one):
            st.markdown(widgets.plain(said))
        told = not refused or st.toggle("Show the probabilities all the same", key=f"answer-anyway-{upload.digest[:16]}")
        if told:
            _probabilities(adviser, one)
        if not refused:
            prevalence.asked(job, adviser, one.label)
        _reading(job)
        st.caption(text.NOT_FOR_DIAGNOSIS)
    if told:
        heat.offered(job, upload.read(adviser.card.input_size).pixels, one.label, key="answer")
    _guard(adviser, one)
    _neighbours(job, adviser, upload)
    _others(job, adviser, one, cut or (lambda run: upload))


def caution(job: Job) -> None:
    """What holds for every answer of a run: how its probabilities are to be read, and what it was trained on."""
    _reading(job)
    adviser = cached.adviser(job)
    if adviser.no_sets:
        st.caption(widgets.plain(adviser.no_sets))
    st.caption(text.NOT_FOR_DIAGNOSIS)
    if adviser.card.synthetic:
        st.caption(":violet[:material/draw:] Trained on drawn cells: what it says of a real one means nothing.")


def _reading(job: Job) -> None:
    adviser = cached.adviser(job)
    card, chosen, warm = adviser.card, adviser.chosen, adviser.calibrated.temperature
    if chosen:
        where = "by hand on the test side" if chosen.optimistic else "on the calibrate part"
        said = f"{sentence.word(card.positive).capitalize()} from a probability of {adviser.threshold:.3g}"
        own = f", {chosen.threshold:.3g} before calibration" if warm else ""
        st.caption(widgets.plain(f"{said}{own}: a threshold chosen {where} on Results."))
    if warm:
        whose = "" if warm.patients is None else f" of {widgets.counted(warm.patients, 'patient')}"
        st.caption(
            f"Probabilities are calibrated by a temperature of {warm.value:.3g}, from {widgets.counted(warm.images, 'image')}{whose}."
        )
    else:
        st.caption(widgets.plain(adviser.no_calibration))


def _probabilities(adviser: Adviser, one: Classified) -> None:
    names = adviser.card.class_names
    values = [one.probabilities[name] for name in names]
    threshold = None if len(names) != 2 else 0.5 if adviser.threshold is None else adviser.threshold
    options = {"positive": adviser.card.positive, "threshold": threshold}
    table = plots.probabilities_table(values, names).assign(uncalibrated=[one.raw_probabilities[name] for name in names])
    widgets.chart(
        plots.probabilities(values, names, **options), plots.describe_probabilities(values, names, **options), table, key="answer"
    )


def _guard(adviser: Adviser, one: Classified) -> None:
    if adviser.guard is None or one.scores is None:
        return
    passed = all(score <= 1 for score in one.scores.values())
    with st.expander("Is this like what the model has seen?" + (" Yes" if passed else " No"), expanded=not passed, key="answer-guard"):
        rows = [
            {
                "": TOPICS[topic],
                "distance by its limit": min(one.scores[topic], 99.0),
                "verdict": "like" if one.scores[topic] <= 1 else "unlike",
            }
            for topic in guard.TOPICS
        ]
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            column_config={
                "distance by its limit": st.column_config.NumberColumn(format="%.2f", help="Up to 1 it is like the training cells")
            },
            alt="The guard's distances by their limits",
        )
        st.caption(widgets.plain(adviser.guard.origin.note))


def _neighbours(job: Job, adviser: Adviser, upload: Upload) -> None:
    if adviser.guard is None:
        return
    st.subheader("The nearest training cells", anchor=False)
    try:
        found = cached.neighbours(job, upload)
        data = records.read_card(cached.artifacts().dataset(job.spec.params["data"]))
    except NotFound as error:
        st.caption(widgets.plain(error.message))
        return
    st.caption(widgets.plain(neighbours.told(found)) + " Near in the model's eyes; a neighbour is no proof.")
    with st.container(horizontal=True):
        for near, picture in zip(found, cached.thumbnails(data, [near.row for near in found]), strict=True):
            with st.container(width=112, gap="small"):
                st.image(picture, width="stretch", alt=f"A training cell of class {near.label}")
                st.markdown(f"**{widgets.plain(sentence.word(near.label))}**")
                st.caption(f"patient {widgets.plain(near.subject)}" if near.subject else "patient unknown")


def _others(job: Job, adviser: Adviser, one: Classified, picture: Callable[[Job], Upload]) -> None:
    """Other models of the same classes on this picture."""
    runs = {other.id: other for other in _alike(adviser.card.class_names) if other.id != job.id}
    if not runs:
        return
    st.subheader("What other models say", anchor=False)
    picked = st.multiselect(
        f"Compare with up to {MOST_OTHERS} more",
        list(runs),
        format_func=lambda id_: widgets.run_name(runs[id_]),
        max_selections=MOST_OTHERS,
        key=OTHERS,
        placeholder="Choose models",
    )
    if not picked:
        return
    all_of_them = [(job, one)]
    for id_ in picked:
        (found,) = cached.answers(runs[id_], [picture(runs[id_])], kind=kinds.CELL)  # as it is: what was cut out is cut out
        if isinstance(found, Classified):
            all_of_them.append((runs[id_], found))
    st.markdown(widgets.plain(answers.agreement([said for _, said in all_of_them])))
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "model": widgets.run_name(run),
                    "answer": "not judged" if said.judged is False else said.label,
                    **{f"p({name})": said.probabilities[name] if said.judged is not False else None for name in adviser.card.class_names},
                    "set": "–" if said.set is None or said.judged is False else ", ".join(said.set) or "empty",
                    "trained on": "drawn cells" if cached.synthetic(run) else run.spec.params["data"],
                }
                for run, said in all_of_them
            ]
        ),
        hide_index=True,
        column_config={
            f"p({name})": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1) for name in adviser.card.class_names
        },
        alt="Several models on this picture",
    )


def _alike(class_names: tuple[str, ...]) -> list[Job]:
    """Finished runs whose models answer with the same classes in the same order, the newest first."""
    found = []
    for job in reversed(store.runs(cached.artifacts())):
        with suppress(AllcoreError, FileNotFoundError):  # not finished, damaged, or deleted under our eyes
            if cached.headline(job) and served.read_card(job.paths).class_names == class_names:
                found.append(job)
    return found
