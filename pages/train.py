"""Which model, on what, with which settings, and what will it cost?"""

from dataclasses import dataclass

import streamlit as st

from allcore.base.errors import BadInput
from allcore.data.records import DatasetCard
from allcore.data.splits import Certificate
from allcore.jobs import control, estimate, machine, submit
from allcore.jobs.estimate import Estimate
from allcore.models import presets, registry
from allcore.models.spec import Knob, ModelCard, Preset
from allcore.reports import paper
from allcore.runs import store
from allcore.runs.spec import TrainSpec
from pages.ui import cached, person, routes, state, widgets

artifacts = cached.artifacts()
ACROSS = 5
FAMILIES = {"cnn": "network", "classical": "classifier"}


@dataclass(frozen=True)
class Planned:
    """One model's training, as it would be queued."""

    plan: TrainSpec
    certificate: Certificate
    guess: Estimate


def _how() -> Preset:
    """The preset."""
    names = {preset.id: preset for preset in registry.cards()[0].presets}
    preset_id = st.pills(
        "How",
        list(names),
        format_func=lambda id_: names[id_].name,
        default=presets.DEFAULT,
        key="preset",
        required=True,
        wrap=True,
        bind="query-params",
    )
    st.caption(names[preset_id].about)
    return names[preset_id]


def _models(data: DatasetCard, preset: str, seed: int) -> list[ModelCard]:
    """The grid of cards; what is chosen."""
    chosen = []
    kept = state.get("models", [registry.cards()[0].id])
    for index, card in enumerate(registry.cards()):
        if index % ACROSS == 0:
            row = st.columns(ACROSS, gap="small")  # a row each, so that the cards of a row are equally high
        with row[index % ACROSS], st.container(border=True, height="stretch", gap="xsmall", key=f"card-{card.id}"):
            if st.checkbox(card.name, value=card.id in kept, key=f"choose-{card.id}", help=card.about):
                chosen.append(card)
            st.caption("  \n".join([_kind(card), _cost(data, card, preset, seed), *_paper(card)]))
    state.put("models", [card.id for card in chosen])
    return chosen


def _kind(card: ModelCard) -> str:
    return f"{card.parameters / 1e6:.2g} million parameters" if card.parameters else FAMILIES[card.family]


def _paper(card: ModelCard) -> list[str]:
    """What the paper reports of a model, which stood on a split by image."""
    told = paper.read()
    stated = {**{one.model: one.stated_accuracy for one in told.networks}, **told.classifiers}.get(card.id)
    return [f"paper: accuracy {stated:.1f} %"] if stated else []


def _cost(data: DatasetCard, card: ModelCard, preset: str, seed: int) -> str:
    """What a model takes by its preset, on this machine if it was seen here."""
    try:
        guess = _planned(data, card, preset, seed, {}).guess
    except BadInput:  # said once, below
        return "can't be trained so"
    took = f"epoch {widgets.minutes(guess.epoch_seconds)}" if guess.epoch_seconds else f"done in {widgets.minutes(guess.seconds)}"
    return f"{took}, {'measured' if guess.measured else 'a guess'}"


def _planned(
    data: DatasetCard, card: ModelCard, preset: str, seed: int, changed: dict[str, object], *, calibrate: float | None = None
) -> Planned:
    """Raises BadInput."""
    plan, certificate = cached.planned(data, model=card.id, preset=preset, seed=seed, changed=changed, calibrate=calibrate)
    return Planned(plan, certificate, estimate.estimated(plan, certificate, runs, machine=speed))


def _knob(knob: Knob, value: object, key: str) -> object:
    """The widget of one setting. Raises BadInput for what can't be."""
    help_ = f"{knob.help} Allowed: {knob.allowed()}."
    if knob.kind is bool:
        return st.toggle(knob.label, value=value, help=help_, key=key)
    if knob.choices:
        return st.selectbox(knob.label, knob.choices, index=knob.choices.index(value), help=help_, key=key)
    if knob.kind is str:
        return st.text_input(knob.label, value, help=help_, key=key)
    if knob.kind is int:
        return st.number_input(knob.label, int(knob.low), int(knob.high), value, help=help_, key=key)
    # Text, since a spinner can't show 0.0001 and 0.1 alike; the card itself judges what is typed.
    typed = st.text_input(knob.label, f"{value:g}", help=help_, key=key)
    try:
        return knob.parsed(typed)
    except BadInput:
        st.markdown(f":red[:material/error: {knob.label} needs a number from {knob.low:g} to {knob.high:g}, not '{widgets.plain(typed)}'.]")
        raise


def _settings(card: ModelCard, preset_id: str) -> dict[str, object] | None:
    """What differs from the preset; None where something is out of its range."""
    base = card.settings(card.preset(preset_id), {})
    columns, changed, sound = st.columns(3), {}, True
    for index, knob in enumerate(knob for knob in card.knobs if knob.name != "seed"):
        try:
            with columns[index % 3]:
                value = knob.parsed(_knob(knob, base[knob.name], f"knob-{card.id}-{preset_id}-{knob.name}"))
        except BadInput:  # said beside the field
            sound = False
        else:
            if value != base[knob.name]:
                changed[knob.name] = value
    return changed if sound else None


def _all_settings(models: list[ModelCard], preset: Preset) -> tuple[float | None, dict[str, dict[str, object] | None]]:
    """The share of images that is kept for what is calibrated, None for the preset's; and by model, what differs from the preset."""
    found, share, preset_id = {}, None, preset.id
    with st.expander("More settings", key="more"):
        if not models:
            st.caption("Choose a model first.")
        elif preset.split.calibrate:
            share = _calibrate(preset)
        for card in models:
            if len(models) > 1:
                st.markdown(f"**{card.name}**")
            found[card.id] = _settings(card, preset_id)
            if card.preset(preset_id).changes:
                st.caption(f"Against the paper: {card.preset(preset_id).changes}")
    return share, found


def _calibrate(preset: Preset) -> float | None:
    own = round(100 * preset.split.calibrate)
    percent = st.number_input(
        "Calibrate part, % of all images",
        1,
        60,
        own,
        key=f"calibrate-{preset.id}",
        width=240,
        help="Kept for the temperature, the threshold and the sets of classes. Sets need 20 patients of each class in it.",
    )
    return None if percent == own else percent / 100


def _ready(
    data: DatasetCard, models: list[ModelCard], preset_id: str, seed: int, changed: dict, *, calibrate: float | None
) -> list[Planned]:
    """What can be queued; where something can't be, why not."""
    wrong = [card.name for card in models if changed[card.id] is None]
    if wrong:
        st.markdown(f":red[:material/error: A setting of {', '.join(wrong)} is out of its range: see under More settings.]")
        return []
    if not models:
        st.caption("Choose one model or several.")
        return []
    try:
        return [_planned(data, card, preset_id, seed, changed[card.id], calibrate=calibrate) for card in models]
    except BadInput as error:
        st.markdown(f":red[:material/error: {widgets.plain(error.message)}] {widgets.plain(error.hint)}")
        return []


def _go(ready: list[Planned]) -> None:
    """The one button."""
    seconds = sum(one.guess.seconds for one in ready)
    label = f"Train {widgets.counted(len(ready), 'model')}, about {widgets.minutes(seconds)}" if ready else "Train"
    if st.button(label, type="primary", disabled=not ready, icon=":material/play_arrow:", width="stretch"):
        ids = [submit.training(artifacts, one.plan, tags=person.tags()).id for one in ready]
        control.ensure(artifacts)
        state.put(state.RUN, ids[0])
        st.switch_page(routes.JOBS, query_params={state.RUN: ids[0]})
    if not all(one.guess.measured for one in ready):
        st.caption("Guessed from a short measurement of this processor; after a first run it is known.")


def _form(cards: list[DatasetCard]) -> None:
    left, middle, right = st.columns([4, 6, 2], gap="medium")
    with left:
        data = widgets.dataset_choice(cards, key="train-data")
        if len(cards) == 1:
            st.markdown(f"Data set  \n**{widgets.dataset_label(data)}**")
    with middle:
        preset = _how()
    with right:
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, help="Start of every random choice: weights, order, and the split.")
    models = _models(data, preset.id, seed)
    share, changed = _all_settings(models, preset)
    with st.container(border=True, key="certificate"):
        split, button = st.columns([7, 3], gap="medium", vertical_alignment="center")
        with split:
            ready = _ready(data, models, preset.id, seed, changed, calibrate=share)
            if ready:
                widgets.certificate(ready[0].certificate)
            if len(ready) > 1:
                st.caption(f"All {len(ready)} models share this split, so that their figures can be compared.")
        with button:
            _go(ready)


runs = store.runs(artifacts)
speed = machine.relative(artifacts)
with widgets.plain_errors():
    widgets.page("Train", "Choose models and what they learn from. Training runs in the background: this page may be closed.")
    cards = widgets.datasets()
    if cards:
        _form(cards)
    elif widgets.empty("A model needs images to learn from, and there is no data set yet.", "Get a data set"):
        st.switch_page(routes.DATASET)
