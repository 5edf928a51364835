"""Intervals over patients: against naive computation, against plain DeLong, at the edges, and by simulation."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, norm
from scipy.stats import t as student

from allcore.metrics import intervals
from allcore.metrics.intervals import Interval


def _patients(seed: int, *, sick: int, well: int, per: int, correlation: float, shift: float):
    random = np.random.default_rng(seed)
    counts = random.poisson(per, sick + well) + 2
    who = np.repeat(np.arange(sick + well), counts)
    truth = who < sick
    noise = math.sqrt(correlation) * random.normal(size=sick + well)[who] + math.sqrt(1 - correlation) * random.normal(size=len(who))
    return truth, truth * shift + noise, who


def _naive_clustered(truth: np.ndarray, scores: np.ndarray, who: np.ndarray) -> tuple[float, float]:
    """Obuchowski (1997) written out over all pairs and patients, in plain Python."""
    sick, well = np.flatnonzero(truth), np.flatnonzero(~truth)
    wins = {(i, j): 1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0 for i in sick for j in well}
    area = sum(wins.values()) / (len(sick) * len(well))
    v10 = {i: sum(wins[i, j] for j in well) / len(well) for i in sick}
    v01 = {j: sum(wins[i, j] for i in sick) / len(sick) for j in well}
    people = sorted(set(who.tolist()))
    rows = []
    for person in people:
        mine = [i for i in sick if who[i] == person]
        others = [j for j in well if who[j] == person]
        rows.append((len(mine), sum(v10[i] for i in mine), len(others), sum(v01[j] for j in others)))
    i10, i01, total = sum(r[0] > 0 for r in rows), sum(r[2] > 0 for r in rows), len(rows)
    m, n = len(sick), len(well)
    s10 = i10 / ((i10 - 1) * m) * sum((v - k * area) ** 2 for k, v, _, _ in rows)
    s01 = i01 / ((i01 - 1) * n) * sum((v - k * area) ** 2 for _, _, k, v in rows)
    s11 = total / (total - 1) * sum((a - k * area) * (b - q * area) for k, a, q, b in rows)
    return area, s10 / m + s01 / n + 2 * s11 / (m * n)


def _bell_mccaffrey(sizes: list[int]) -> float:
    """Degrees of freedom by the eigenvalues of the quadratic form that the variance estimate is, written out as in the paper."""
    n, k = sum(sizes), len(sizes)
    rows = [[(i == j) * 1.0 - sizes[i] / n for j in range(k)] for i in range(k)]  # residuals of the clusters' sums
    scaled = np.array([[rows[i][j] * sizes[j] / math.sqrt(1 - sizes[i] / n) for j in range(k)] for i in range(k)])
    own = np.linalg.eigvalsh(scaled @ scaled.T)
    return float(own.sum() ** 2 / (own**2).sum())


def _degrees_written_out(truth: np.ndarray, scores: np.ndarray, who: np.ndarray) -> float:
    """Satterthwaite's, from the two classes' parts of Obuchowski's variance; for patients of one class each."""
    parts = []
    for side, other, sign in ((truth, ~truth, 1), (~truth, truth, -1)):
        wins = np.array([np.mean(sign * one > sign * scores[other]) for one in scores[side]])
        sums = [(wins - wins.mean())[who[side] == person].sum() for person in np.unique(who[side])]
        k = len(sums)
        sizes = np.unique(who[side], return_counts=True)[1].tolist()
        parts.append((k / (k - 1) * float(np.square(sums).sum()) / len(wins) ** 2, _bell_mccaffrey(sizes)))
    return sum(v for v, _ in parts) ** 2 / sum(v**2 / d for v, d in parts)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=12))
def test_degrees_of_freedom_are_bell_and_mccaffreys(sizes: list[int]) -> None:
    found = intervals.degrees(np.repeat(np.arange(len(sizes)), sizes))
    assert found == pytest.approx(max(1.0, _bell_mccaffrey(sizes)))
    assert intervals.degrees(np.repeat(np.arange(7), 3)) == 6
    assert found <= max(1, len(sizes) - 1) + 1e-9


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)]
)
def test_wilson_as_published(hits: int, n: int, low: float, high: float) -> None:
    """Newcombe (1998), Statistics in Medicine 17:857, table I, method 3."""
    found = intervals.proportion(np.arange(n) < hits, None)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.booleans())
def test_clustered_variance_equals_the_naive_one(seed: int, mixed: bool, tied: bool) -> None:
    random = np.random.default_rng(seed)
    who = random.integers(0, 9, 50)
    truth = random.random(50) < 0.4 if mixed else who < 4
    truth[who == 0], truth[who == 8] = True, False
    truth[(who == 1) & mixed], truth[(who == 7) & mixed] = True, False
    scores = random.normal(size=50) + truth
    scores = scores.round(0) if tied else scores
    if len(np.unique(who[truth])) < 2 or len(np.unique(who[~truth])) < 2:
        return
    assert intervals.auroc_variance(truth, scores, who) == pytest.approx(_naive_clustered(truth, scores, who), abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_one_image_a_patient_is_plain_delong(seed: int) -> None:
    """Not only up to a small-sample factor: the sums are DeLong's sample variances, the cross term is zero."""
    random = np.random.default_rng(seed)
    truth = np.arange(40) < random.integers(5, 35)
    scores = (random.normal(size=40) + truth).round(1)
    kernel = (scores[truth][:, None] > scores[~truth]) + 0.5 * (scores[truth][:, None] == scores[~truth])
    delong = kernel.mean(1).var(ddof=1) / truth.sum() + kernel.mean(0).var(ddof=1) / (~truth).sum()
    area, variance = intervals.auroc_variance(truth, scores, np.arange(40))
    assert area == pytest.approx(kernel.mean(), abs=1e-12)
    assert variance == pytest.approx(delong, rel=1e-9, abs=1e-15)
    alone = intervals.auroc(truth, scores, np.arange(40))
    without = intervals.auroc(truth, scores, None)
    assert (alone.low, alone.high) == (without.low, without.high)
    assert (alone.note or intervals.INDEPENDENT) in without.note
    assert without.clusters is None
    assert alone.clusters == 40


def test_auroc_limits_are_a_t_interval_on_the_logit_scale() -> None:
    truth, scores, who = _patients(1, sick=9, well=14, per=10, correlation=0.3, shift=1.5)
    area, variance = _naive_clustered(truth, scores, who)
    reach = student.ppf(0.975, _degrees_written_out(truth, scores, who)) * math.sqrt(variance) / (area * (1 - area))
    found = intervals.auroc(truth, scores, who)
    assert math.log(found.high / (1 - found.high)) == pytest.approx(math.log(area / (1 - area)) + reach)
    assert math.log(found.low / (1 - found.low)) == pytest.approx(math.log(area / (1 - area)) - reach)
    assert (found.n, found.clusters) == (len(truth), 23)


def test_coverage_over_patients() -> None:
    """13 + 15 patients, intra-patient correlation 0.3: the clustered interval holds its level, plain DeLong falls far short."""
    shift, draws = 1.6, 300
    area, recall = norm.cdf(shift / math.sqrt(2)), norm.cdf(shift / 2)
    held = dict.fromkeys(("clustered", "plain", "sensitivity", "balanced", "wilson"), 0)
    for draw in range(draws):
        truth, scores, who = _patients(draw, sick=13, well=15, per=20, correlation=0.3, shift=shift)
        correct = (scores >= shift / 2) == truth
        for name, interval, true in (
            ("clustered", intervals.auroc(truth, scores, who), area),
            ("plain", intervals.auroc(truth, scores, None), area),
            ("sensitivity", intervals.share(correct[truth], who[truth]), recall),
            ("balanced", intervals.balanced_accuracy(truth.astype(int), correct, who), recall),
            ("wilson", intervals.share(correct[truth], None), recall),
        ):
            held[name] += interval.low <= true <= interval.high
    covered = {name: count / draws for name, count in held.items()}
    assert 0.92 <= covered["clustered"] <= 0.99, covered
    assert 0.91 <= covered["sensitivity"] <= 0.99, covered
    assert 0.92 <= covered["balanced"] <= 0.995, covered
    assert covered["plain"] < 0.75, covered
    assert covered["wilson"] < 0.85, covered


def test_share_by_patient_equals_the_ratio_estimator_written_out() -> None:
    counts, hits = [10, 20, 5, 8, 12, 30], [9, 12, 5, 3, 12, 22]
    successes = np.concatenate([np.arange(n) < x for n, x in zip(counts, hits, strict=True)])
    who = np.repeat(list("abcdef"), counts)
    n, p = sum(counts), sum(hits) / sum(counts)
    variance = 6 / 5 * sum((x - p * m) ** 2 for x, m in zip(hits, counts, strict=True)) / n**2
    reach = student.ppf(0.975, _bell_mccaffrey(counts)) * math.sqrt(variance) / (p * (1 - p))
    found = intervals.proportion(successes, who)
    assert found.estimate == pytest.approx(p)
    assert math.log(found.low / (1 - found.low)) == pytest.approx(math.log(p / (1 - p)) - reach)
    assert math.log(found.high / (1 - found.high)) == pytest.approx(math.log(p / (1 - p)) + reach)


def test_patients_that_agree_too_well_are_not_rewarded() -> None:
    """Six patients with exactly half of their images right have no spread, but no zero-width interval either."""
    successes, who = np.tile([True, False], 30), np.repeat(np.arange(6), 10)
    assert intervals.ratio_variance(successes, who) == 0
    found = intervals.share(successes, who)
    assert found.high - found.low > 2 * 1.96 * math.sqrt(0.25 / 60) * 0.95


def test_wilson_without_ids() -> None:
    found = intervals.proportion(np.arange(20) < 15, None)
    assert (found.low, found.high) == pytest.approx((0.5313, 0.8881), abs=1e-4)  # a textbook case
    assert found.note == intervals.INDEPENDENT
    everything = intervals.proportion(np.ones(20, bool), None)
    assert (everything.low, everything.high) == pytest.approx((20 / (20 + 1.959964**2), 1.0))


@pytest.mark.parametrize("right", [True, False])
def test_estimates_at_the_edge_have_exact_limits_over_patients(right: bool) -> None:
    truth, who = np.repeat([True] * 6 + [False] * 9, 10), np.repeat(np.arange(15), 10)
    low, high = (beta.ppf(0.025, 6, 1), 1.0) if right else (0.0, beta.ppf(0.975, 1, 6))
    correct = np.full(150, right)
    for found in (
        intervals.auroc(truth, np.where(truth, 1.0, 0.0) * (1 if right else -1), who),
        intervals.share(correct[truth], who[truth]),
    ):
        assert found.estimate == float(right)
        assert (found.low, found.high) == pytest.approx((low, high))
        assert found.note == intervals.AT_THE_EDGE


def test_balanced_accuracy_recovers_its_limits_from_those_of_the_recalls() -> None:
    truth, who = np.repeat([True] * 6 + [False] * 9, 10), np.repeat(np.arange(15), 10)
    correct = np.arange(150) % 7 > 0
    correct[~truth] = True  # a class without an error: the exact limits over its 9 patients
    found = intervals.balanced_accuracy(truth.astype(int), correct, who)
    one = intervals.share(correct[truth], who[truth])
    below = np.hypot(one.estimate - one.low, 1 - beta.ppf(0.025, 9, 1)) / 2
    assert found.low == pytest.approx(found.estimate - below)
    assert found.high == pytest.approx(found.estimate + (one.high - one.estimate) / 2)


def test_one_perfect_recall_does_not_narrow_balanced_accuracy_to_the_other_alone() -> None:
    labels, who = np.repeat([1] * 6 + [0] * 9, 10), np.repeat(np.arange(15), 10)
    correct = (labels == 1) | (np.arange(150) % 10 < 8)
    covariance = intervals.recalls_covariance(labels, correct, who)
    assert covariance[1, 1] == pytest.approx((6.5 / 7) * (0.5 / 7) / 6)
    found = intervals.balanced_accuracy(labels, correct, who)
    assert found.estimate == pytest.approx(0.9)
    assert found.low < 0.9 < found.high


def test_recalls_of_one_patient_covary() -> None:
    """Where patients have images of both classes, the variance of the mean recall equals that of one linearised sum a patient."""
    random = np.random.default_rng(3)
    who, labels = np.repeat(np.arange(12), 40), np.tile([0, 1], 240)
    correct = random.random(480) < np.repeat(random.uniform(0.4, 1, 12), 40)
    found = intervals.recalls_covariance(labels, correct, who)
    recalls = [correct[labels == one].mean() for one in (0, 1)]
    sums = [sum((correct[i] - recalls[labels[i]]) / 240 / 2 for i in np.flatnonzero(who == person)) for person in range(12)]
    assert found.sum() / 4 == pytest.approx(12 / 11 * sum(one**2 for one in sums))
    assert found[0, 1] > 0
    assert intervals.recalls_covariance(labels, correct, np.arange(480))[0, 1] == 0


@pytest.mark.parametrize(("sick", "enough"), [(4, False), (5, True)])
def test_under_five_patients_there_is_no_interval(sick: int, enough: bool) -> None:
    truth, scores, who = _patients(2, sick=sick, well=12, per=10, correlation=0.2, shift=1)
    correct = (scores > 0.5) == truth
    for found in (
        intervals.auroc(truth, scores, who),
        intervals.balanced_accuracy(truth.astype(int), correct, who),
        intervals.share(correct, who, fewest=sick),
        intervals.share(correct[truth], who[truth]),
    ):
        assert found.estimate is not None
        assert (found.low is not None) == (found.high is not None) == enough
        assert found.note == ("" if enough else intervals.TOO_FEW_PATIENTS)


def test_what_has_no_figure_says_why() -> None:
    assert intervals.auroc(np.ones(9, bool), np.arange(9.0), None) == Interval(None, n=9, note="needs images of both classes")
    assert intervals.proportion(np.array([], bool), ["a"][:0]).estimate is None
    equal = intervals.auroc(np.arange(20) < 9, np.full(20, 0.3), None)
    assert (equal.estimate, equal.low, equal.high) == pytest.approx((0.5, 0.5, 0.5))
    assert equal.note == intervals.NO_RANKING


@pytest.mark.parametrize("missing", [None, float("nan"), ""])
def test_a_missing_id_means_no_patients(missing: object) -> None:
    assert intervals.cluster_codes(["a", missing, "b"]) is None
    assert intervals.cluster_codes(["b", "a", "b"]).tolist() == [1, 0, 1]


def test_interval_survives_json() -> None:
    truth, scores, who = _patients(4, sick=6, well=7, per=5, correlation=0.2, shift=1)
    found = intervals.auroc(truth, scores, who)
    assert Interval.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))) == found
