"""docs/models.md is what the cards say."""

from __future__ import annotations

from pathlib import Path

from allcore.models import reference, registry

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"


def test_the_page_is_in_step_with_the_cards():
    assert PAGE.read_text(encoding="utf-8") == reference.rendered(), "run: python -m allcore.models.reference > docs/models.md"


def test_the_page_leaves_nothing_out():
    page = reference.rendered()
    for card in registry.cards():
        assert card.about in page
        for told in (*card.choices, *card.cannot, *(preset.about for preset in card.presets), *(knob.help for knob in card.knobs)):
            assert told in page
