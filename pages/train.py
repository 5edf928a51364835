"""Which model, on what, with which settings, and what will it cost?"""

import streamlit as st

from allcore.data import records
from allcore.jobs import control, estimate, submit
from allcore.models import presets, registry
from allcore.models.spec import Knob, ModelCard
from allcore.runs import store
from pages.ui import cached, routes, state, widgets

artifacts = cached.artifacts()
FAMILIES = {"cnn": "network", "classical": "classifier"}


def _models() -> list[ModelCard]:
    """The grid of cards; what is chosen."""
    chosen = []
    kept = state.get("models", [registry.cards()[0].id])
    with st.container(key="models"):
        grid = st.columns(3)
        for index, card in enumerate(registry.cards()):
            with grid[index % 3], st.container(border=True, height="stretch", key=f"card-{card.id}"):
                if st.checkbox(f"**{card.name}**", value=card.id in kept, key=f"choose-{card.id}"):
                    chosen.append(card)
                st.caption(f"{card.about}")
                st.caption(f"{FAMILIES[card.family]} · {_speed(card)}")
    state.put("models", [card.id for card in chosen])
    return chosen


def _speed(card: ModelCard) -> str:
    measured = estimate.measured_speed(card.id, runs)
    if measured:
        return f"{measured:,.0f} images/s on this machine"
    return f"about {card.images_per_second:,.0f} images/s on two cores; not yet measured here"


def _knob(knob: Knob, value: object, key: str) -> object:
    help_ = f"{knob.help} Allowed: {knob.allowed()}."
    if knob.kind is bool:
        return st.toggle(knob.label, value=value, help=help_, key=key)
    if knob.choices:
        return st.selectbox(knob.label, knob.choices, index=knob.choices.index(value), help=help_, key=key)
    if knob.kind is int:
        return st.number_input(knob.label, int(knob.low), int(knob.high), value, help=help_, key=key)
    # Text, since a spinner can't show 0.0001 and 0.1 alike; the card itself judges what is typed.
    return st.text_input(knob.label, f"{value:g}", help=help_, key=key)


def _settings(card: ModelCard, preset_id: str) -> dict[str, object]:
    """What differs from the preset."""
    preset = card.preset(preset_id)
    base = card.settings(preset, {})
    columns, changed = st.columns(3), {}
    for index, knob in enumerate(knob for knob in card.knobs if knob.name != "seed"):
        with columns[index % 3]:
            value = _knob(knob, base[knob.name], f"knob-{card.id}-{preset_id}-{knob.name}")
        parsed = knob.parsed(value)
        if parsed != base[knob.name]:
            changed[knob.name] = parsed
    return changed


def _form(data: records.DatasetCard) -> None:
    models = _models()
    names = {preset.id: preset for preset in registry.cards()[0].presets}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        preset_id = st.segmented_control(
            "How",
            list(names),
            format_func=lambda id_: names[id_].name,
            default=presets.DEFAULT,
            key="preset",
            required=True,
            bind="query-params",
        )
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, width=140, help="Start of every random choice: weights, order, and the split.")
    st.caption(names[preset_id].about)

    changed: dict[str, dict[str, object]] = {}
    with st.expander("More settings"):
        if not models:
            st.caption("Choose a model first.")
        for card in models:
            if len(models) > 1:
                st.markdown(f"**{card.name}**")
            changed[card.id] = _settings(card, preset_id)
            if card.preset(preset_id).changes:
                st.caption(f"Against the paper: {card.preset(preset_id).changes}")
    plans, seconds, measured = [], 0.0, True
    for card in models:
        plan, certificate = submit.planned(
            artifacts, data=data.id, model=card.id, preset=preset_id, seed=seed, changed=changed.get(card.id)
        )
        guess = estimate.estimated(plan, certificate, runs)
        seconds += guess.seconds
        measured = measured and guess.measured
        plans.append(plan)
    if plans:
        with st.container(border=True, key="certificate"):
            widgets.certificate(certificate)
    what = "Choose a model" if not plans else f"Train {widgets.counted(len(plans), 'model')}, about {widgets.minutes(seconds)}"
    if st.button(what, type="primary", disabled=not plans, icon=":material/play_arrow:"):
        ids = [submit.training(artifacts, plan).id for plan in plans]
        control.ensure(artifacts)
        state.put(state.RUN, ids[0])
        st.switch_page(routes.JOBS, query_params={state.RUN: ids[0]})
    if plans and not measured:
        st.caption("The time is a guess from another two-core processor; after a first run it is measured here.")


runs = store.runs(artifacts)
with widgets.plain_errors():
    widgets.page("Train", "Choose a model and what it learns from. Training runs in the background: this page may be closed.")
    cards = widgets.datasets()
    if cards:
        _form(widgets.dataset_choice(cards, key="train-data"))
    else:
        widgets.empty("A model needs images to learn from, and there is no data set yet.", page=routes.DATASET, label="Get a data set")
