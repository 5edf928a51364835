"""`allcore models`: what can be trained."""

from __future__ import annotations

import os
from typing import Any

import click

from allcore.cli import output
from allcore.models import presets, registry
from allcore.models.spec import CNN


@click.group("models")
def group() -> None:
    """List the models and what can be set."""


@group.command("list")
@output.json_option
def list_(as_json: bool) -> None:
    """List all models."""
    cards = registry.cards()
    if as_json:
        output.document({"models": [{"id": card.id, "name": card.name, "family": card.family, "about": card.about} for card in cards]})
    else:
        output.table(("model", "name", "what it is"), [(card.id, card.name, card.about) for card in cards])


@group.command("show")
@click.argument("model")
@output.json_option
def show(model: str, as_json: bool) -> None:
    """Show a MODEL's card: settings with their ranges, presets, and what the paper left open."""
    card = registry.card(model)
    if as_json:
        output.document({**card.to_dict(), "layers": _layers(model) if card.family == CNN else []})
        return
    click.echo(f"{card.name}: {card.about}\n\nSettings")
    output.table(("name", "default", "allowed", "what it does"), [(k.name, k.default, k.allowed(), k.help) for k in card.knobs])
    click.echo("\nPresets")
    output.table(("id", "what it is for"), [(preset.id, preset.about) for preset in card.presets])
    for title, lines in (("What the paper leaves open", card.choices), ("What it can't do", card.cannot)):
        if lines:
            click.echo(f"\n{title}")
            for line in lines:
                click.echo(f"- {line}")


def _layers(model: str) -> list[dict[str, Any]]:
    """The layers of a network for two classes at 70 pixels, built for the purpose, which takes seconds."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    module = registry.module(model)
    built = module.build(module.CARD.settings(module.CARD.preset(presets.PAPER), {}), classes=2, seed=0)
    return [
        {
            "name": layer.name,
            "kind": type(layer).__name__,
            "output": list(layer.output.shape[1:]),
            "parameters": layer.count_params(),
        }
        for layer in built.layers
    ]
