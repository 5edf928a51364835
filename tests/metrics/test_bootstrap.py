"""The bootstrap over patients, average precision and bands: against scikit-learn, theory and simulation."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student

from allcore.metrics import bands, bootstrap, intervals


def _patients(seed: int, sick: int, well: int, per: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(sick + well), random.poisson(per, sick + well) + 2)
    truth = who < sick
    return truth, truth * 1.6 + 0.55 * random.normal(size=sick + well)[who] + 0.84 * random.normal(size=len(who)), who


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(4, 60), st.booleans())
def test_average_precision_and_curve_equal_scikit_learns(seed: int, n: int, tied: bool) -> None:
    random = np.random.default_rng(seed)
    truth = np.append([True, False], random.random(n) < 0.4)
    scores = random.random(n + 2)
    scores = scores.round(1) if tied else scores
    found = bands.precision_recall(truth, scores, None, times=10)
    precision, recall, threshold = reference.precision_recall_curve(truth, scores)
    assert found.average.estimate == pytest.approx(reference.average_precision_score(truth, scores))
    assert found.precision == pytest.approx(precision[:-1][::-1])
    assert found.recall == pytest.approx(recall[:-1][::-1])
    assert found.threshold == pytest.approx(threshold[::-1])


def test_weights_are_repetitions() -> None:
    truth, scores, who = _patients(1, 4, 5)
    weights = np.array([2, 0, 1, 1, 3, 0, 1, 1, 0])
    rows = np.repeat(np.arange(len(who)), weights[who])
    found = bootstrap.Ranked(truth, scores, who).average_precision(weights[None])[0]
    assert found == pytest.approx(reference.average_precision_score(truth[rows], scores[rows]))


def test_resamples_keep_the_number_of_patients_of_each_class() -> None:
    labels, codes = np.array([0, 0, 1, 1, 1, 0]), np.array([0, 0, 1, 2, 2, 3])
    of = bootstrap.strata(labels, codes)
    assert of.tolist() == [0, 1, 1, 0]
    counts = bootstrap.draws(of, times=200)
    assert (counts[:, of == 0].sum(axis=1) == 2).all()
    assert (counts[:, of == 1].sum(axis=1) == 2).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(4), abs=0.2)
    assert (counts == bootstrap.draws(of, times=200)).all()


def test_levels_are_hesterbergs() -> None:
    low, high = bootstrap.levels(10)
    assert low == pytest.approx(norm.cdf(-np.sqrt(10 / 9) * student.ppf(0.975, 9)))
    assert (low, low + high) == (pytest.approx(0.0086, abs=1e-4), pytest.approx(1))
    assert bootstrap.levels(10**6)[0] == pytest.approx(0.025, abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_weighted_f1_is_scikit_learns_with_limits_around_it(seed: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), 30)
    predicted = np.where(random.random(len(labels)) < 0.7, labels, random.integers(0, classes, len(labels)))
    who = np.repeat(np.arange(classes * 6), 5)
    expected = reference.f1_score(labels, predicted, average="weighted", zero_division=0)
    for codes in (who, None):
        found = bootstrap.weighted_f1(labels, predicted, codes, classes=classes)
        assert found.estimate == pytest.approx(expected)
        assert found.low <= found.estimate <= found.high
        assert (found.clusters, found.note) == ((classes * 6, "") if codes is who else (None, intervals.INDEPENDENT))


def test_coverage_of_weighted_f1_over_few_patients() -> None:
    """Ten patients a class: the corrected limits hold nearly their level, the plain bootstrap over images far less."""
    true, held, plain, times = norm.cdf(0.8), 0, 0, 200
    for seed in range(times):
        truth, scores, who = _patients(seed, 10, 10)
        predicted = (scores >= 0.8).astype(int)
        over = bootstrap.weighted_f1(truth.astype(int), predicted, who, classes=2)
        alone = bootstrap.weighted_f1(truth.astype(int), predicted, None, classes=2)
        held += over.low <= true <= over.high
        plain += alone.low <= true <= alone.high
    assert 0.91 <= held / times <= 1
    assert plain / times < 0.8


def test_too_few_patients_and_no_errors() -> None:
    labels, who = np.repeat([0, 1], 40), np.repeat(np.arange(8), 10)
    assert bootstrap.weighted_f1(labels, 1 - labels, who, classes=2).note == intervals.TOO_FEW_PATIENTS
    who = np.repeat(np.arange(16), 5)
    perfect = bootstrap.weighted_f1(labels, labels, who, classes=2)
    assert (perfect.estimate, perfect.high, perfect.note) == (1, 1, intervals.AT_THE_EDGE)
    assert perfect.low == pytest.approx(0.025 ** (1 / 8))
    assert bootstrap.average_precision(labels == 1, labels.astype(float), who).low == perfect.low


def test_bands_hold_the_curve_and_the_truth() -> None:
    inside = 0
    for seed in range(25):
        truth, scores, who = _patients(seed, 14, 14)
        band = bands.roc_band(truth, scores, who, times=200)
        assert len(band.x) == len(band.low) == len(band.high) == 101
        at = band.x.index(0.2)
        true = norm.sf(norm.isf(0.2) - 1.6)
        inside += band.low[at] <= true <= band.high[at]
        precision = bands.precision_band(truth, scores, who, times=100)
        assert np.all(np.array(precision.low) <= np.array(precision.high))
    assert inside >= 21


def test_bands_say_why_they_are_missing() -> None:
    truth, scores, who = _patients(3, 4, 9)
    assert bands.roc_band(truth, scores, who).note == intervals.TOO_FEW_PATIENTS
    assert bands.roc_band(truth, scores, None, times=50).note == intervals.INDEPENDENT
    assert bands.roc_band(np.ones(9, bool), np.arange(9.0), None).low == ()
    assert bands.precision_recall(np.zeros(9, bool), np.arange(9.0), None) is None
