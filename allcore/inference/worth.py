"""What a model's calls are worth where so many cells are of a class: predictive values from its test side."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from allcore.base.errors import BadInput
from allcore.base.paths import JobPaths
from allcore.inference.answers import Adviser
from allcore.inference.sentence import word
from allcore.inference.served import ServedCard
from allcore.metrics import classification, text, thresholds
from allcore.metrics.intervals import Interval
from allcore.runs import store


@dataclass(frozen=True)
class Worth:
    """Where a share of `prevalence` of all cells is of class `label`: of cells called so the share that is (`ppv`), and of the others the
    share that is not (`npv`), with limits. `others`: what the others are called, '' where they are of several classes."""

    label: str
    others: str
    prevalence: float
    ppv: Interval
    npv: Interval

    def to_dict(self) -> dict[str, Any]:
        """A JSON document."""
        return {"class": self.label, **{name: value for name, value in asdict(self).items() if name not in ("label", "others")}}

    def sentence(self) -> str:
        """'Where 20 % of cells are leukemic: of those called leukemic, 84 % (71–92) are (PPV); of those called healthy, 97 % ... (NPV).'"""
        label, others = word(self.label), word(self.others)
        right = f"of those called {others}, {text.percent(self.npv)} are" if others else f"of all others, {text.percent(self.npv)} are not"
        return (
            f"Where {100 * self.prevalence:.3g} % of cells are {label}: of those called {label}, {text.percent(self.ppv)} are (PPV); "
            f"{right} (NPV)."
        )


def of_calls(adviser: Adviser, tested: pd.DataFrame, label: str, prevalence: float) -> Worth:
    """`tested`: the run's predictions on its test side; classes are called there as for new pictures. Raises BadInput unless
    0 < prevalence < 1."""
    card = adviser.card
    names = card.class_names
    p = tested[[f"p_{name}" for name in names]].to_numpy()
    if adviser.chosen is None:
        called = p.argmax(axis=1) == names.index(label)
    else:
        positive = p[:, names.index(card.positive)] >= adviser.chosen.threshold
        called = positive if label == card.positive else ~positive
    known = bool((tested["subject"] != "").all())
    found, false = classification.rates_at(
        (tested["label"] == label).to_numpy(), called.astype(float), 0.5, subjects=tested["subject"].to_numpy() if known else None
    )
    others = names[1 - names.index(label)] if len(names) == 2 else ""
    return Worth(label, others, prevalence, *thresholds.predictive_values(found, false, prevalence))


def asked(paths: JobPaths, adviser: Adviser, said: str | None) -> Worth | None:
    """As a person asks for it: a share of the positive class, '0.2', or of a class by name, 'leukemia=0.2'; None where nothing is `said`.

    Raises BadInput.
    """
    if said is None:
        return None
    label, share = _parsed(adviser.card, said)
    return of_calls(adviser, store.predictions(paths).query("side == 'test'"), label, share)


def _parsed(card: ServedCard, said: str) -> tuple[str, float]:
    hint = f"Say a share such as {card.positive}=0.2, of one of these: {', '.join(card.class_names)}."
    label, equals, share = said.rpartition("=")
    if not equals:
        if len(card.class_names) > 2:
            raise BadInput(f"The prevalence '{said}' does not say of which class.", hint)
        label = card.positive
    if label not in card.class_names:
        raise BadInput(f"The run knows no class '{label}'.", hint)
    try:
        return label, float(share)
    except ValueError:
        raise BadInput(f"The prevalence '{share}' is no number.", hint) from None
