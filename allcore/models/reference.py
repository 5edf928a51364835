"""`python -m allcore.models.reference > docs/models.md`: every model's documentation, from its card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allcore.models import registry
from allcore.models.spec import ModelCard

_HEAD = """# The models

Every model is one file and one card; forms, the command line, tests and this page are made from the card.
This file is made by `python -m allcore.models.reference > docs/models.md`.
"""


def rendered() -> str:
    """The whole page, Markdown."""
    overview = _table(
        ("model", "id", "what it is"), [(f"[{card.name}](#{_anchor(card)})", f"`{card.id}`", card.about) for card in registry.cards()]
    )
    return "\n".join([_HEAD, overview, *(_section(card) for card in registry.cards())])


def _section(card: ModelCard) -> str:
    speed = f"About {card.images_per_second:,.0f} images a second in training at 70 pixels, on two cores of an ordinary processor."
    settings = _table(
        ("setting", "default", "allowed", "what it does"),
        [(f"`{knob.name}`", f"`{_shown(knob.default)}`", knob.allowed(), knob.help) for knob in card.knobs],
    )
    ways = _table(
        ("preset", "split", "sets", "what it is for"),
        [
            (
                f"`{preset.id}`",
                preset.split.level,
                ", ".join(f"`{name}={_shown(value)}`" for name, value in preset.settings.items()) or "the defaults",
                preset.about,
            )
            for preset in card.presets
        ],
    )
    changes = _list("What a preset changes of the paper's protocol", [f"`{one.id}`: {one.changes}" for one in card.presets if one.changes])
    choices = _list("What the paper leaves open, and what was chosen", card.choices)
    cannot = _list("What it can't do", card.cannot)
    return "\n".join(
        [f"## {card.name}\n\n{card.about} {speed}\n", f"### Settings\n\n{settings}", f"### Presets\n\n{ways}{changes}{choices}{cannot}"]
    )


def _anchor(card: ModelCard) -> str:
    return card.name.lower().replace(" ", "-")


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _list(title: str, lines: Sequence[str]) -> str:
    return f"\n### {title}\n\n" + "\n".join(f"- {line}" for line in lines) + "\n" if lines else ""


if __name__ == "__main__":
    print(rendered(), end="")
