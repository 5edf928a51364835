"""The form of a study: what is tried, on what, how often; what that comes to is said before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from allcore.base.errors import BadInput
from allcore.data import splits
from allcore.data.records import DatasetCard
from allcore.jobs import control as runner
from allcore.jobs import estimate, machine
from allcore.jobs.studies import control, design, space
from allcore.jobs.studies.design import Design, Wanted
from allcore.models import presets, registry
from allcore.models.spec import CLASSICAL, Knob
from allcore.runs import store, study
from allcore.runs.study import GRID, GUIDED, PLAIN, RANDOM
from pages.ui import cached, person, state, widgets

SEARCHES = {PLAIN: "None", GRID: "Grid", RANDOM: "Random", GUIDED: "Guided"}
ABOUT = {
    PLAIN: "Settings as the preset has them: models, seeds or folds side by side.",
    GRID: "Every combination of the values named.",
    RANDOM: "Combinations drawn at random from values or ranges.",
    GUIDED: "Optuna asks for each next combination by what came before it, and gives up networks that fall behind.",
}
_VALUES = "Values with commas between (0.1, 1, 10)"
_RANGES = f"{_VALUES}, a range (0.001..0.1), or one by powers of ten (0.001..0.1 log)"


def form(cards: list[DatasetCard]) -> None:
    """Draw it; its button starts the study."""
    wanted = _wanted(cards)
    data = next(card for card in cards if card.id == wanted.data)
    made = None
    try:
        if wanted.search == PLAIN or wanted.vary:
            made = cached.once(("study", str(cached.artifacts().root), data.fingerprint, repr(wanted)), lambda: _designed(wanted))
    except BadInput as error:
        st.markdown(f":red[:material/error: {widgets.plain(error.message)}] {widgets.plain(error.hint)}")
    with st.container(border=True, key="study-certificate"):
        told, button = st.columns([7, 3], gap="medium", vertical_alignment="center")
        with told:
            if made:
                widgets.certificate(made.certificate)
                st.caption(_counted(made))
            else:
                st.caption(
                    "Nothing is queued before all of it can be run." if wanted.vary or wanted.search == PLAIN else "Choose what to vary."
                )
        with button:
            label = f"Start {widgets.counted(made.runs, 'run')}, about {widgets.minutes(_seconds(made))}" if made else "Start"
            if st.button(label, type="primary", disabled=made is None, icon=":material/play_arrow:", width="stretch", key="start-study"):
                _start(wanted)


def _designed(wanted: Wanted) -> Design:
    return design.designed(cached.artifacts(), wanted)


def _start(wanted: Wanted) -> None:
    artifacts = cached.artifacts()
    paths = control.started(artifacts, _designed(wanted))  # designed anew: a study that was shown has an id already
    runner.ensure(artifacts)
    state.select(state.STUDY, paths.id)
    st.rerun(scope="app")


def _wanted(cards: list[DatasetCard]) -> Wanted:
    left, middle, right = st.columns([4, 5, 4], gap="medium", vertical_alignment="top")
    with left:
        data = widgets.dataset_choice(cards, key="study-data")
        if len(cards) == 1:
            st.markdown(f"Data set  \n**{widgets.dataset_label(data)}**")
    ways = {preset.id: preset.name for preset in registry.cards()[0].presets}
    with middle:
        preset = st.selectbox("Preset", list(ways), index=list(ways).index(presets.DEFAULT), format_func=ways.get, key="study-preset")
    with right:
        name = st.text_input("Name", "", max_chars=60, placeholder="optional", key="study-name")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.segmented_control(
            "Search", list(SEARCHES), default=PLAIN, required=True, format_func=SEARCHES.get, key="study-search", help=_explained()
        )
        st.caption(ABOUT[search], width="content")
    models = _models(search)
    numbers = _numbers(search, data)
    knobs = space.common(models) if models else ()
    first, second = st.columns(2, gap="large")
    vary: dict[str, str] = {}
    if search != PLAIN:
        with first:
            vary = _texts("Vary", knobs, models, preset, search=search)
    with first if search == PLAIN else second:
        fixed = _texts("Set for all runs", [knob for knob in knobs if knob.name not in vary], models, preset, search="")
    return Wanted(
        data=data.id, models=models, preset=preset, search=search, vary=vary, fixed=fixed, name=name, owner=person.here().name, **numbers
    )


def _explained() -> str:
    return "  \n".join(f"{SEARCHES[one]}: {about}" for one, about in ABOUT.items())


def _models(search: str) -> tuple[str, ...]:
    names = {card.id: card.name for card in registry.cards()}
    classifiers = [card.id for card in registry.cards() if card.family == CLASSICAL]
    if search == GUIDED:
        one = st.pills("Model", list(names), default=classifiers[0], required=True, format_func=names.get, wrap=True, key="study-model")
        return (one,)
    chosen = st.pills(
        "Models",
        list(names),
        selection_mode="multi",
        default=classifiers if search == PLAIN else classifiers[:1],
        format_func=names.get,
        wrap=True,
        key=f"study-models-{search == PLAIN}",
    )
    return tuple(chosen)


def _numbers(search: str, data: DatasetCard) -> dict[str, Any]:
    """Trials, folds, seeds and objective, as the search has them."""
    found: dict[str, Any] = {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if search in (RANDOM, GUIDED):
            found["trials"] = st.number_input("Trials", 1, design.MOST_RUNS, 12, width=130, key="study-trials")
        if search == GUIDED:
            found["parallel"] = st.number_input("At once", 1, design.MOST_AT_ONCE, 1, width=130, key="study-parallel")
            found["prune"] = st.toggle(
                "Prune", True, help="Give up a network that falls behind the median of those before it.", key="study-prune"
            )
        else:
            folds = st.number_input("Folds", 0, splits.MOST_FOLDS, 0, width=130, help="0: one test side for all.", key="study-folds")
            found["folds"] = 0 if folds < 2 else folds
            count = st.number_input("Seeds", 1, 20, 1, width=130, help="3: each combination with the seeds 0, 1 and 2.", key="study-seeds")
            found["seeds"] = tuple(range(count))
        levels = {"": "as the preset", **{level: f"by {level}" if level != "official" else level for level in splits.LEVELS}}
        found["split"] = st.selectbox("Split", list(levels), format_func=levels.get, width=180, key="study-split")
        found["objective"] = st.selectbox(
            "Compare by",
            list(study.OBJECTIVES),
            format_func=study.OBJECTIVES.get,
            width=220,
            help="Measured on the tune part, never on the test side.",
            key="study-objective",
        )
    return found


def _texts(label: str, knobs: Sequence[Knob], models: tuple[str, ...], preset: str, *, search: str) -> dict[str, str]:
    """Knobs that are picked, and what is written beside each; without a search one value each."""
    by_name = {knob.name: knob for knob in knobs}
    # Other models have other knobs: what was picked of them is picked anew.
    key = f"study-{label}-{search != ''}-{'-'.join(sorted(models))}"
    help_ = (_VALUES if search == GRID else _RANGES) if search else "One value each, in place of the preset's."
    picked = st.multiselect(label, list(by_name), format_func=lambda name: by_name[name].label, key=key, help=help_)
    found = {}
    for name in picked:
        knob = by_name[name]
        usual = registry.card(models[0]).settings(registry.card(models[0]).preset(preset), {})[name]
        start = space.suggested(knob, usual, grid_only=search == GRID) if search else str(usual)
        found[name] = st.text_input(knob.label, start, key=f"{key}-{name}-{search}", help=f"{knob.help} Allowed: {knob.allowed()}.")
    return found


def _counted(made: Design) -> str:
    """`12 runs: 2 models × 3 combinations × 2 seeds`"""
    spec, plan = made.spec, made.plan
    if spec.search == GUIDED:
        return f"Up to {made.runs} runs, {spec.parallel} at once."
    parts = []
    if len(spec.models) > 1:
        parts.append(widgets.counted(len(spec.models), "model"))
    if spec.search != PLAIN:
        parts.append(widgets.counted(plan.budget // len(spec.models), "combination"))
    if len(plan.seeds) > 1:
        parts.append(widgets.counted(len(plan.seeds), "seed"))
    if spec.folds:
        parts.append(widgets.counted(spec.folds, "fold"))
    return f"{widgets.counted(made.runs, 'run')}" + (f": {' × '.join(parts)}." if parts else ".")


def _seconds(made: Design) -> float:
    artifacts = cached.artifacts()
    runs, speed = store.runs(artifacts), machine.relative(artifacts)
    each = [estimate.estimated(one, made.certificate, runs, machine=speed).seconds for one in made.trainings]
    return sum(each) * (made.runs / len(each))
