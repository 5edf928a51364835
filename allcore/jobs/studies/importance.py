"""How much each varied setting mattered: functional analysis of variance over the combinations tried, by Optuna.

Source: Hutter, Hoos & Leyton-Brown (2014), ICML: a forest is fitted to settings and objective; a setting's importance is the share of the
forest's variance that it explains alone. It holds within the values tried, and says nothing of cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from allcore.jobs.studies import guided, space
from allcore.jobs.studies.overview import Overview

if TYPE_CHECKING:
    import optuna

FEWEST = 8
"""Combinations with a figure, below which a forest would only repeat the noise."""


@dataclass(frozen=True)
class Importance:
    """Shares that sum to 1, the largest first; {} where `why` says why there are none. `n`: combinations they rest on."""

    shares: Mapping[str, float]
    n: int
    why: str = ""


def of(seen: Overview) -> Importance:
    """Of all varied settings, and of the model where there are several."""
    names, rated = seen.named, seen.rated
    if len(names) < 2:
        return Importance({}, len(rated), "One thing varies: there is nothing to share the credit with." if names else "No setting varies.")
    if len(rated) < FEWEST:
        return Importance({}, len(rated), f"Too few trials: {len(rated)} combinations have a figure, and {FEWEST} are needed at least.")
    if len({one.value for one in rated}) < 2:
        return Importance({}, len(rated), "Every combination came to the same figure: no setting mattered.")
    from optuna import importance

    found = importance.get_param_importances(_told(seen), evaluator=importance.FanovaImportanceEvaluator(seed=seen.spec.seed))
    shares = sorted(((name, float(share)) for name, share in found.items()), key=lambda one: -one[1])
    return Importance(dict(shares), len(rated))


def _told(seen: Overview) -> optuna.Study:
    """Each combination as a trial of Optuna's; a mean over seeds and folds counts once."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search = optuna.create_study(direction="maximize", storage=optuna.storages.InMemoryStorage())
    known = guided.distributions(space.axes(seen.spec.models, seen.spec.vary))
    if "model" in seen.named:
        known["model"] = optuna.distributions.CategoricalDistribution(seen.spec.models)
    for one in seen.rated:
        params = {**one.changed, **({"model": one.model} if "model" in known else {})}
        search.add_trial(optuna.trial.create_trial(params=params, distributions=known, value=seen.spec.sign * one.value))
    return search
