"""What a study says, in figures and in sentences that can be read aloud."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from allcore.base.errors import NotFound
from allcore.inference import served
from allcore.jobs.studies.overview import AT_WORK, Best, Candidate, Entry, Overview
from allcore.metrics import pooled, text
from allcore.metrics.pooled import Spread
from allcore.metrics.scores import Scores
from allcore.models import registry
from allcore.plots.study import Tried, said
from allcore.runs import store, study
from allcore.runs.study import PLAIN

MEASURE = "balanced_accuracy"
"""What is told of the test side."""


def test_scores(entry: Entry) -> Scores:
    """What an entry that is done is worth: its run's test side, or those of all folds as one (without curves for a single run).

    Raises BadInput where its runs are no folds of one data set.
    """
    if len(entry.standings) == 1 and not entry.standings[0].job.spec.params["split"]["folds"]:
        return entry.standings[0].summary.scores
    cards = [served.read_card(one.job.paths) for one in entry.standings]
    tables = [store.predictions(one.job.paths) for one in entry.standings]
    return pooled.scores([table[table["side"] == "test"] for table in tables], classes=cards[0].class_names, positive=cards[0].positive)


def folds_spread(entry: Entry) -> Spread | None:
    """How far the folds' own test figures lie apart; None without figures."""
    return _spread([one.summary.scores.intervals[MEASURE].estimate if one.summary else None for one in entry.standings])


def seeds_spread(candidate: Candidate) -> Spread | None:
    """How far the test figures of a combination's seeds lie apart, each seed's the mean over its folds; None without figures."""
    return _spread([found.mean if (found := folds_spread(entry)) else None for entry in candidate.entries])


def _spread(values: Sequence[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    return pooled.spread(known) if known else None


def model_name(model: str) -> str:
    """As people call it."""
    try:
        return registry.card(model).name
    except NotFound:  # of another version of this software
        return model


def named(seen: Overview, one: Candidate) -> str:
    """A combination in words: `Random forest, trees 100`"""
    return f"{model_name(one.model)}, {said(one.changed)}" if one.changed or seen.spec.search != PLAIN else model_name(one.model)


def tried(seen: Overview) -> list[Tried]:
    """Every combination for the charts, numbered in the order asked for."""
    several = len(seen.spec.models) > 1
    return [
        Tried(place, {**({"model": one.model} if several else {}), **one.changed}, one.value)
        for place, one in enumerate(seen.candidates, 1)
    ]


@dataclass(frozen=True)
class Row:
    """One entry that is done, as a table has it."""

    name: str
    seed: int
    tune: float | None
    test: Scores
    spread: Spread | None
    """Of its folds; None without folds."""


def rows(seen: Overview, *, scores: Callable[[Entry], Scores] = test_scores, most: int | None = None) -> list[Row]:
    """Entries that are done, by the objective, `most` at most; `scores` may remember what it gave."""
    sign = seen.spec.sign
    done = [(one, entry) for one in seen.candidates for entry in one.entries if entry.done]
    done.sort(key=lambda pair: -sign * (pair[1].value or 0.0))
    return [
        Row(named(seen, one), entry.seed, entry.value, scores(entry), folds_spread(entry) if seen.spec.folds else None)
        for one, entry in done[:most]
    ]


def verdict(seen: Overview, *, scores: Callable[[Entry], Scores] = test_scores) -> list[str]:
    """Sentences on the best so far; `scores` may remember what it gave."""
    best = seen.best
    if best is None:
        if any(entry.done for one in seen.candidates for entry in one.entries) and all(one.tuned is None for one in seen.standings):
            return ["The preset keeps no tune part, so nothing is chosen here: the runs stand side by side."]
        return ["No combination has a figure yet." if seen.state == AT_WORK else "No combination came to a figure."]
    return [_chosen(seen, best), _tested(seen, best, scores(best.entry)), *_spreads(seen, best)]


def _chosen(seen: Overview, best: Best) -> str:
    objective = study.OBJECTIVES[seen.spec.objective]
    single = best.entry.standings[0].tuned if len(best.entry.standings) == 1 else None
    figure = text.show(single) if single else f"{text.number(best.entry.value)}, the mean of {len(best.entry.standings)} folds"
    people = f"; {single.note}" if single and single.note else ""
    which = f"Best of {best.tried} so far" if seen.state == AT_WORK else f"Best of {best.tried}"
    seed = f", seed {best.entry.seed}" if len(seen.plan.seeds) > 1 else ""
    if best.tried == 1:
        which = "The only one with a figure" if len(seen.candidates) > 1 else "One combination"
    return f"{which}, by {objective} on the tune part: {named(seen, best.candidate)}{seed} with {figure}{people}."


def _tested(seen: Overview, best: Best, found: Scores) -> str:
    interval = found.intervals[MEASURE]
    people = f" of {interval.clusters} patients" if interval.clusters else ""
    figure = f"balanced accuracy {text.show(interval)} on {found.n:,} images{people}" + (f", {interval.note}" if interval.note else "")
    if seen.spec.folds:
        first = f"Out of fold, every image judged by the model that was not trained on it: {figure}."
        if best.optimistic:
            return f"{first} A little optimistic: the choice among {best.tried} used tune parts that other folds are tested on."
        return first
    if best.tried > 1:
        return f"On its test side, which had no part in the choice among {best.tried}: {figure}."
    return f"On its test side: {figure}."


def _spreads(seen: Overview, best: Best) -> list[str]:
    found = []
    if seen.spec.folds and (spread := folds_spread(best.entry)):
        found.append(f"Spread of {spread.words('folds')} (no interval: their training sides overlap).")
    if len(best.candidate.entries) > 1 and (spread := seeds_spread(best.candidate)) and spread.n > 1:
        found.append(f"Spread of {spread.words('seeds')} on the test side (no interval: the same images each time).")
    return found
