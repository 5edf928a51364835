"""What a study varies: values or a range of a knob, as people write them, and combinations of them.

`0.1, 1, 10` names values; `0.001..0.1` a range; `1e-5..1e-2 log` a range in which each power of ten is as likely as the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from allcore.base.errors import BadInput
from allcore.models import registry
from allcore.models.spec import Knob

RANGE, LOG = "..", "log"
_DIGITS = 4
_DRAWS = 10
"""Draws for each combination wanted, after which a space of ranges is taken for exhausted."""


@dataclass(frozen=True)
class Axis:
    """One knob and what it may be: `values`, or from `low` to `high` where there are none."""

    knob: Knob
    values: tuple[Any, ...] = ()
    low: Any = None
    high: Any = None
    log: bool = False

    @property
    def ends(self) -> tuple[Any, Any]:
        """The outermost settings."""
        return (self.values[0], self.values[-1]) if self.values else (self.low, self.high)

    def rounded(self, value: float) -> Any:
        """A drawn number as a setting: four digits are enough to say it, and it stays within the range."""
        near = round(value) if self.knob.kind is int else float(f"{value:.{_DIGITS}g}")
        return min(max(near, self.low), self.high)


def common(models: Sequence[str]) -> tuple[Knob, ...]:
    """Knobs that every one of `models` has, but for the seed. Raises NotFound for an unknown model."""
    cards = [registry.card(model) for model in models]
    shared = set.intersection(*({knob.name for knob in card.knobs} for card in cards)) if cards else set()
    return tuple(knob for knob in (cards[0].knobs if cards else ()) if knob.name in shared and knob.name != "seed")


def axes(models: Sequence[str], vary: Mapping[str, str]) -> tuple[Axis, ...]:
    """Every knob that varies, read. Raises BadInput for what can't be, naming the knob."""
    knobs = {knob.name: knob for knob in common(models)}
    found = []
    for name, text in vary.items():
        if name == "seed":
            raise BadInput("The seed is no setting to vary.", "Ask for several seeds instead.")
        if name not in knobs:
            whose = "Not every one of these models has" if len(models) > 1 else f"{registry.card(models[0]).name} has"
            raise BadInput(f"{whose} {'a' if len(models) > 1 else 'no'} setting '{name}'.", f"To vary: {', '.join(knobs)}.")
        found.append(axis(knobs[name], text))
    return tuple(found)


def axis(knob: Knob, text: str) -> Axis:
    """Read what a person wrote of one knob. Raises BadInput."""
    if RANGE in text:
        return _range(knob, text)
    values = tuple(dict.fromkeys(knob.parsed(one.strip()) for one in text.split(",") if one.strip()))
    if len(values) < 2:
        raise BadInput(
            f"{knob.name} has nothing to vary in '{text.strip()}'.", "Give two values at least, with commas between, or a range."
        )
    return Axis(knob, values)


def suggested(knob: Knob, usual: Any, *, grid_only: bool) -> str:
    """Something to begin with: every choice there is, or numbers around `usual`."""
    if knob.kind is bool:
        return "true, false"
    if knob.choices:
        return ", ".join(knob.choices)
    if knob.kind is str:
        return ""
    if not usual:
        return f"{knob.low:g}, {knob.high:g}" if grid_only else f"{knob.low:g}{RANGE}{knob.high:g}"
    steps, widest = (0.5, 1, 2), (0.1, 10)
    around = [min(max(usual * step, knob.low), knob.high) for step in (steps if grid_only else widest)]
    said = list(dict.fromkeys(f"{round(one) if knob.kind is int else one:g}" for one in around))
    return ", ".join(said) if grid_only else f"{RANGE.join(said)} {LOG}"


def _range(knob: Knob, text: str) -> Axis:
    if knob.kind not in (int, float):
        raise BadInput(f"{knob.name} can't be a range.", f"Give values with commas between: {knob.allowed()}.")
    limits, *scale = text.split()
    low_text, _, high_text = limits.partition(RANGE)
    if scale not in ([], [LOG]) or not low_text or not high_text:
        raise BadInput(f"{knob.name} can't be '{text.strip()}'.", "Write a range as 0.001..0.1, or 0.001..0.1 log.")
    low, high = knob.parsed(low_text), knob.parsed(high_text)
    if low >= high:
        raise BadInput(f"{knob.name} can't run from {low_text} to {high_text}.", "The smaller number stands first.")
    if scale and low <= 0:
        raise BadInput(f"{knob.name} can't be drawn by powers of ten from {low_text}.", "Begin above 0, or leave 'log' out.")
    return Axis(knob, low=low, high=high, log=bool(scale))


def grid(found: Sequence[Axis]) -> list[dict[str, Any]]:
    """Every combination. Raises BadInput for a range, which has no end of them."""
    from sklearn.model_selection import ParameterGrid

    for one in found:
        if not one.values:
            raise BadInput(f"{one.knob.name} is a range, and a grid needs values.", "Give values with commas between, or draw at random.")
    return [dict(sorted(one.items())) for one in ParameterGrid({one.knob.name: list(one.values) for one in found})]


def grid_size(found: Sequence[Axis]) -> int:
    """How many combinations `grid` would give, without making them."""
    size = 1
    for one in found:
        size *= len(one.values)
    return size


def drawn(found: Sequence[Axis], count: int, *, seed: int, taken: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """`count` combinations at random, none twice and none of `taken`; fewer where there are no more."""
    from sklearn.model_selection import ParameterSampler

    space = {one.knob.name: list(one.values) if one.values else _distribution(one) for one in found}
    by_name = {one.knob.name: one for one in found}
    seen = {tuple(sorted(one.items())) for one in taken}
    asked = len(seen) + count
    # Values alone are drawn without replacement; of ranges more are drawn, since rounded numbers may meet.
    finite = all(one.values for one in found)
    draws = min(grid_size(found), asked) if finite else _DRAWS * asked
    new: list[dict[str, Any]] = []
    for one in ParameterSampler(space, draws, random_state=seed):
        said = {name: value if by_name[name].values else by_name[name].rounded(value) for name, value in sorted(one.items())}
        if tuple(said.items()) not in seen and len(new) < count:
            seen.add(tuple(said.items()))
            new.append(said)
    return new


def _distribution(one: Axis) -> Any:
    from scipy import stats

    if one.log:
        return stats.loguniform(one.low, one.high)
    return stats.randint(one.low, one.high + 1) if one.knob.kind is int else stats.uniform(one.low, one.high - one.low)
