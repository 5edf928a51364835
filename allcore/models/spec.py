"""A model's card: what it is, what can be set, and with which presets. Forms, options, docs and tests are all made from it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from allcore.base.errors import BadInput
from allcore.data.splits import SplitSpec

CNN, CLASSICAL = "cnn", "classical"


@dataclass(frozen=True)
class Knob:
    """One setting. `kind` is int, float, bool or str; a number has `low` and `high` (both included), a str may have `choices`."""

    name: str
    label: str
    kind: type
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    def allowed(self) -> str:
        """The range in words."""
        if self.kind is bool:
            return "true or false"
        if self.kind is str and not self.choices:
            return "any text"
        if self.choices:
            return ", ".join(self.choices)
        return f"{self.low} to {self.high}" if self.kind is int else f"{self.low:g} to {self.high:g}"

    def parsed(self, value: Any) -> Any:
        """`value`, which may be text, as this knob's kind. Raises BadInput naming the knob and its range."""
        try:
            parsed = self._converted(value)
        except (TypeError, ValueError):
            parsed = None
        if parsed is None or not self._fits(parsed):
            raise BadInput(f"{self.name} can't be {value!r}.", f"Allowed: {self.allowed()}.")
        return parsed

    def _converted(self, value: Any) -> Any:
        if self.kind is bool:
            if isinstance(value, bool):
                return value
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(str(value).lower())
        if self.kind is int:
            if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
                return None
            return int(value)
        if self.kind is float:
            return None if isinstance(value, bool) else float(value)
        return value if isinstance(value, str) else None

    def _fits(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        if self.kind in (int, float):
            return math.isfinite(value) and self.low <= value <= self.high
        return True


@dataclass(frozen=True)
class Preset:
    """A named way to train: the split, and what differs from the knobs' defaults."""

    id: str
    name: str
    about: str
    split: SplitSpec
    settings: Mapping[str, Any] = field(default_factory=dict)
    changes: str = ""
    """What it changes of the paper's protocol, in words, for those who compare."""


@dataclass(frozen=True)
class ModelCard:
    """All that is said of a model without building it."""

    id: str
    name: str
    family: str
    """CNN or CLASSICAL."""
    about: str
    """One line on what it is."""
    knobs: tuple[Knob, ...]
    presets: tuple[Preset, ...]
    images_per_second: float
    """Training speed at 70 pixels on two cores of an ordinary processor (AMD EPYC), until this machine has its own measure."""
    parameters: int | None = None
    """Trained numbers of a network for two classes at 70 pixels; None where the data decide."""
    multiply_adds: float | None = None
    """Of one image of 70 pixels, forward; None where that is no measure."""
    choices: tuple[str, ...] = ()
    """What the paper leaves open, and what was chosen here and why."""
    cannot: tuple[str, ...] = ()
    """What this model can't do."""

    @property
    def in_paper(self) -> bool:
        return bool(self.choices)

    def preset(self, preset_id: str) -> Preset:
        """Raises BadInput, naming those there are."""
        for preset in self.presets:
            if preset.id == preset_id:
                return preset
        raise BadInput(f"{self.name} has no preset '{preset_id}'.", f"Choose one of: {', '.join(preset.id for preset in self.presets)}.")

    def settings(self, preset: Preset, changed: Mapping[str, Any]) -> dict[str, Any]:
        """Every knob's value: the defaults, the preset's, then what the user changed.

        Raises BadInput for an unknown knob or a value out of range.
        """
        by_name = {knob.name: knob for knob in self.knobs}
        for name in changed:
            if name not in by_name:
                raise BadInput(f"{self.name} has no setting '{name}'.", f"It has: {', '.join(by_name)}.")
        wanted = {**{name: knob.default for name, knob in by_name.items()}, **preset.settings, **changed}
        return {name: by_name[name].parsed(value) for name, value in wanted.items()}

    def form(self, preset_id: str) -> str:
        """A sign of what a training by this preset is, another wherever a later version has other settings or a network of another size.

        Raises BadInput where there is no such preset.
        """
        told = json.dumps([self.parameters, self.settings(self.preset(preset_id), {})], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """The card as JSON can hold it."""
        return {
            "id": self.id,
            "name": self.name,
            "family": self.family,
            "about": self.about,
            "images_per_second": self.images_per_second,
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "choices": list(self.choices),
            "cannot": list(self.cannot),
            "knobs": [
                {**{f.name: getattr(knob, f.name) for f in fields(knob) if f.name != "kind"}, "kind": knob.kind.__name__}
                for knob in self.knobs
            ],
            "presets": [
                {
                    "id": preset.id,
                    "name": preset.name,
                    "about": preset.about,
                    "changes": preset.changes,
                    "split": preset.split.level,
                    "settings": dict(preset.settings),
                }
                for preset in self.presets
            ],
        }
