"""Differences of two runs: against published examples, naive computation, and what must not be concluded."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, t

from allcore.base.errors import BadInput
from allcore.metrics import compare, intervals

# DeLong et al. (1988), ovarian cancer: albumin, total protein, K-G score, population; as tabulated by SAS/STAT, example 'Comparing
# Receiver Operating Characteristic Curves', with the areas, standard errors and contrasts that it prints.
_OVARY = """
3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0 1.6 5.6 5 1 3.8 5.7 5 1 3.7 6.7 6 1 3.2 5.4 4 1
3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1 4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4 6 1 4.2 7.6 4 0 4.0 6.6 6 0 3.5 5.8 6 1 3.8 6.8 7 1 3.0 4.7 8 0
4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1 4.3 6.5 4 1 3.2 5.1 5 1 2.6 4.7 6 1 3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1
3.3 6.3 7 1 4.2 7.7 6 1 3.5 6.2 5 1 2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1 3.3 5.7 6 1 3.7 6.9 5 1 3.6 6.6 5 1
"""
_ALBUMIN, _PROTEIN, _SCORE, _POPULATION = np.array(_OVARY.split(), float).reshape(-1, 4).T
_TRUTH = _POPULATION == 1


@pytest.mark.parametrize(("test", "area", "error"), [(_ALBUMIN, 0.7366, 0.0927), (-_SCORE, 0.7258, 0.1028), (_PROTEIN, 0.6478, 0.1000)])
def test_delongs_own_example(test: np.ndarray, area: float, error: float) -> None:
    found, variance = intervals.auroc_variance(_TRUTH, test, np.arange(43))
    assert (found, math.sqrt(variance)) == pytest.approx((area, error), abs=5e-5)


@pytest.mark.parametrize(("test", "difference", "error", "p"), [(_ALBUMIN, 0.0108, 0.0953, 0.9102), (_PROTEIN, -0.0780, 0.1046, 0.4559)])
def test_delongs_own_contrasts(test: np.ndarray, difference: float, error: float, p: float) -> None:
    """SAS prints a normal p; ours takes t with the degrees of the smaller group, so the standard error is what is compared."""
    found = compare.auroc(_TRUTH, test, -_SCORE, None)
    one = found.interval
    wins = [intervals.placements(each[_TRUTH], each[~_TRUTH]) for each in (test, -_SCORE)]
    units = np.arange(43)
    _, degrees = intervals.placement_variance(wins[0][0] - wins[1][0], wins[0][1] - wins[1][1], units[_TRUTH], units[~_TRUTH])
    spread = (one.high - one.estimate) / t.ppf(0.975, degrees)
    assert (one.estimate, spread) == pytest.approx((difference, error), abs=1e-4)
    assert 2 * norm.sf(abs(one.estimate) / spread) == pytest.approx(p, abs=1e-3)
    assert found.p > p
    assert one.note == intervals.INDEPENDENT


def test_mcnemar_and_holm_as_published() -> None:
    assert compare.mcnemar(9, 2) == pytest.approx(0.06543, abs=1e-5)  # Fay (2010), R Journal 2:53
    assert compare.mcnemar(0, 0) == 1
    assert compare.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert compare.holm([None, 0.02, 0.6, 0.7]) == (None, pytest.approx(0.06), 1.0, 1.0)


def _case(seed: int, patients: int = 14, per: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(patients), per)
    truth = who < patients // 2
    own = random.normal(size=patients)[who]
    return truth, *(1 / (1 + np.exp(-(truth * 1.5 - 0.75 + own + random.normal(size=len(who))))) for _ in range(2)), who


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_the_variance_of_a_difference_is_that_of_both_less_twice_their_covariance(seed: int) -> None:
    """Against the jackknife over patients, which knows nothing of DeLong: equal to first order, so loosely."""
    truth, first, second, who = _case(seed, patients=40, per=5)
    one = compare.auroc(truth, first, second, who).interval

    def area(keep: np.ndarray, scores: np.ndarray) -> float:
        return float(intervals.placements(scores[keep & truth], scores[keep & ~truth])[0].mean())

    left_out = np.array([area(who != out, first) - area(who != out, second) for out in range(40)])
    jackknife = 39 / 40 * ((left_out - left_out.mean()) ** 2).sum()
    wins = [intervals.placements(each[truth], each[~truth]) for each in (first, second)]
    variance, degrees = intervals.placement_variance(wins[0][0] - wins[1][0], wins[0][1] - wins[1][1], who[truth], who[~truth])
    assert variance == pytest.approx(jackknife, rel=0.2)
    assert one.high - one.estimate == pytest.approx(t.ppf(0.975, degrees) * math.sqrt(variance))


def test_pairing_makes_a_difference_narrower_than_the_runs_own_intervals() -> None:
    truth, first, _, who = _case(3)
    second = np.clip(first + np.random.default_rng(1).normal(0, 0.02, len(first)), 0, 1)
    found = compare.auroc(truth, first, second, who).interval
    alone = intervals.auroc(truth, first, who)
    assert found.high - found.low < 0.2 * (alone.high - alone.low)


def test_exchanging_the_runs_turns_every_difference_round() -> None:
    truth, first, second, who = _case(4)
    forth = compare.paired(truth, first, second, thresholds=(0.5, 0.4), subjects=who.astype(str))
    back = compare.paired(truth, second, first, thresholds=(0.4, 0.5), subjects=who.astype(str))
    assert [one.measure for one in forth] == ["AUROC", "balanced accuracy", "sensitivity", "specificity", "accuracy"]
    for one, other in zip(forth, back, strict=True):
        assert (one.interval.estimate, one.interval.low, one.p) == pytest.approx((-other.interval.estimate, -other.interval.high, other.p))
        assert one.interval.estimate == pytest.approx(one.first - one.second)


def test_a_run_against_itself_shows_no_difference() -> None:
    truth, first, _, who = _case(5)
    for subjects in (who.astype(str), None):
        for one in compare.paired(truth, first, first, thresholds=(0.5, 0.5), subjects=subjects):
            assert (one.interval.estimate, one.interval.low, one.interval.high, one.p) == (0, 0, 0, 1)
            assert "No difference" in one.verdict("A", "B")


def test_under_five_patients_there_is_no_conclusion() -> None:
    truth, first, second, who = _case(6, patients=8)
    for one in compare.paired(truth, first, second, thresholds=(0.5, 0.5), subjects=who.astype(str)):
        assert (one.interval.low, one.p, one.interval.note) == (None, None, intervals.TOO_FEW_PATIENTS)
        assert one.verdict("A", "B").startswith("No conclusion")


def test_without_patients_shares_take_mcnemars_test() -> None:
    truth, first, second, _ = _case(7)
    found = {one.measure: one for one in compare.paired(truth, first, second, thresholds=(0.5, 0.5), subjects=None)}
    right = [(one >= 0.5) == truth for one in (first, second)]
    assert found["accuracy"].p == compare.mcnemar(int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum()))
    assert all(one.interval.note == intervals.INDEPENDENT for one in found.values())


def test_a_false_alarm_is_as_rare_as_promised() -> None:
    """Two runs of equal worth: at most about one in twenty is called different."""
    wrong = sum(compare.auroc(*_case(seed, patients=26)).p < 0.05 for seed in range(300)) / 300
    assert wrong < 0.09


def test_a_better_run_is_named() -> None:
    truth, first, _, who = _case(8, patients=40)
    worse = np.random.default_rng(0).random(len(truth))
    found = compare.auroc(truth, first, worse, who)
    assert found.p < 0.001
    assert found.verdict("A", "B").startswith("A has the higher AUROC than B")
    assert compare.auroc(truth, worse, first, who).verdict("B", "A").startswith("A has the higher AUROC than B")


def test_other_images_are_refused() -> None:
    truth, first, second, who = _case(9)
    with pytest.raises(BadInput, match="not tested on the same images"):
        compare.paired(truth, first, second[:-1], thresholds=(0.5, 0.5), subjects=who)


@pytest.mark.parametrize(("p", "words"), list(zip((0.0001, 0.0049, 0.03, None), ("<0.001", "0.005", "0.03", "not known"), strict=True)))
def test_p_as_people_read_it(p: float | None, words: str) -> None:
    assert compare.shown(p) == words
    assert all(len(one) < 10 for one in itertools.chain([words]))


def test_two_independent_figures_differ_by_limits_recovered_from_their_own() -> None:
    """Newcombe (1998), Statistics in Medicine 17:873, method 10 (Wilson limits), his example 56/70 against 48/80: 0.0524 to 0.3339."""
    first, second = (intervals.share(np.arange(n) < hits, None) for hits, n in ((56, 70), (48, 80)))
    found = compare.independent(first, second)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert (found.n, found.clusters, found.note) == (150, None, intervals.INDEPENDENT)
    nothing = compare.independent(first, intervals.Interval(0.5, n=3, note=intervals.TOO_FEW_PATIENTS))
    assert (nothing.low, nothing.note) == (None, intervals.TOO_FEW_PATIENTS)


def _trained_anew(seed: int, *, patients: int = 20, repeats: int = 12, per: int = 6) -> tuple[np.ndarray, ...]:
    """Labels, answers of two models of equal worth, patients and repeats: each repeat's pair has luck of its own."""
    random = np.random.default_rng(seed)
    who, turn = (one.ravel() for one in np.meshgrid(np.repeat(np.arange(patients), per), np.arange(repeats)))
    luck = random.normal(0, 0.08, (2, repeats))
    own = random.normal(0, 0.08, (2, patients))
    first, second = (random.random(len(who)) < np.clip(0.75 + luck[at][turn] + own[at][who], 0, 1) for at in range(2))
    return (who < patients // 2).astype(int), first, second, who, turn


def test_models_trained_anew_are_clustered_by_repeat_too() -> None:
    """Patients alone call models of equal worth different far more often than one time in twenty; both ways do not."""
    alone = both = 0
    for seed in range(200):
        labels, first, second, who, turn = _trained_anew(seed)
        alone += compare.balanced_accuracy(labels, first, second, who).p < 0.05
        both += compare.balanced_accuracy(labels, first, second, who, repeats=turn).p < 0.05
    assert both / 200 < 0.08 < alone / 200


def test_the_variance_of_both_ways_is_the_sum_less_what_is_counted_twice() -> None:
    """Cameron, Gelbach & Miller (2011), equation 2.13, by the sums of residuals themselves."""
    labels, first, second, who, turn = _trained_anew(3)
    change, counts = first.astype(float) - second, np.bincount(labels)
    residual = (change - np.array([change[labels == one].mean() for one in (0, 1)])[labels]) / counts[labels] / 2

    def clustered(codes: np.ndarray) -> float:
        """Clusters lie each in one class: half of them in either."""
        sums = np.bincount(codes, residual)
        k = len(sums) / 2
        return k / (k - 1) * float((sums**2).sum())

    by_turn = np.bincount(turn, residual)
    expected = clustered(who) + 12 / 11 * float((by_turn**2).sum()) - clustered(np.unique(who * 12 + turn, return_inverse=True)[1])
    one = compare.balanced_accuracy(labels, first, second, who, repeats=turn).interval
    reach = one.high - one.estimate
    freedoms = np.arange(2, 40)
    assert np.abs(reach - t.ppf(0.975, freedoms) * math.sqrt(expected)).min() == pytest.approx(0, abs=0.02 * reach)
    assert "Cameron" in one.method
    once = compare.balanced_accuracy(labels, first, second, who, repeats=np.zeros_like(turn))
    assert once == compare.balanced_accuracy(labels, first, second, who)
