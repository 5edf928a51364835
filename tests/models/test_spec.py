"""How a card reads what a user sets."""

from __future__ import annotations

import pytest

from allcore.base.errors import BadInput, NotFound
from allcore.data.splits import SplitSpec
from allcore.models import registry
from allcore.models.spec import CLASSICAL, Knob, ModelCard, Preset

COUNT = Knob("count", "Count", int, 3, "How many.", 1, 10)
RATE = Knob("rate", "Rate", float, 0.1, "How fast.", 0.0, 1.0)
SWITCH = Knob("switch", "Switch", bool, True, "Whether.")
KIND = Knob("kind", "Kind", str, "a", "Which.", choices=("a", "b"))
CARD = ModelCard(
    id="made",
    name="Made",
    family=CLASSICAL,
    about="Made for a test.",
    images_per_second=1.0,
    knobs=(COUNT, RATE, SWITCH, KIND),
    presets=(Preset("one", "One", "The first.", SplitSpec("image"), {"count": 5}),),
)


@pytest.mark.parametrize(
    ("knob", "given", "parsed"),
    [
        (COUNT, "7", 7),
        (COUNT, 7.0, 7),
        (COUNT, " 7 ", 7),
        (RATE, "1e-1", 0.1),
        (RATE, 1, 1.0),
        (SWITCH, "no", False),
        (SWITCH, "TRUE", True),
        (SWITCH, "0", False),
        (SWITCH, False, False),
        (KIND, "b", "b"),
    ],
)
def test_text_and_values_are_read_alike(knob: Knob, given: object, parsed: object):
    found = knob.parsed(given)
    assert found == parsed
    assert type(found) is knob.kind


@pytest.mark.parametrize("given", ["7.5", "0", "11", "1_000_000", "", "seven", None, [], {}])
def test_what_does_not_fit_is_refused(given: object):
    with pytest.raises(BadInput, match=r"count can't be .*Allowed: 1 to 10\."):
        COUNT.parsed(given)


def test_settings_are_defaults_then_the_presets_then_the_users():
    preset = CARD.preset("one")
    assert CARD.settings(preset, {}) == {"count": 5, "rate": 0.1, "switch": True, "kind": "a"}
    assert CARD.settings(preset, {"count": "6", "kind": "b"}) == {"count": 6, "rate": 0.1, "switch": True, "kind": "b"}


def test_names_that_are_not_there_are_told_with_those_that_are():
    with pytest.raises(BadInput, match="no preset 'two'") as caught:
        CARD.preset("two")
    assert "one" in caught.value.hint
    with pytest.raises(NotFound, match="no model 'made'") as caught:
        registry.card("made")
    assert "random_forest" in caught.value.hint
