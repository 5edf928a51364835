"""One answer for page, command line and programs: calibrated beside raw, the guard first, and no promise that can't be kept."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import cache, importing, records
from allcore.inference import answers, calibrated, guarding, neighbours, sentence, served, uploads, worth
from allcore.inference.answers import Adviser, Said
from allcore.inference.calibrated import Calibrated
from allcore.inference.served import Answer, ServedCard
from allcore.inference.uploads import Upload
from allcore.metrics import classification, thresholds
from allcore.metrics.calibration import Temperature
from allcore.metrics.conformal import Sets
from allcore.metrics.thresholds import Chosen
from allcore.runs import store, threshold

CLASSES = ("healthy", "leukemia")
CARD = ServedCard("r", "m", "classical", CLASSES, "leukemia", 32, "t", "", "d", False)
WARM = Temperature(2.0, 50, 10)


def said(p: float, adviser: Adviser) -> Said:
    raw = Answer(np.array([[1 - p, p]], np.float32), np.zeros((1, 2), np.float32))
    (one,) = answers.said(adviser, raw, np.zeros((1, 32, 32, 3), np.uint8))
    return one


def test_calibrated_and_raw_stand_side_by_side_and_the_class_stays():
    for chosen in (None, Chosen(0.3, "youden", "calibrate")):
        adviser = Adviser(CARD, Calibrated(WARM), chosen=chosen)
        for p in (0.01, 0.29, 0.31, 0.49, 0.51, 0.99):
            one = said(p, adviser)
            odds = np.sqrt(p / (1 - p))
            assert one.probabilities["leukemia"] == pytest.approx(odds / (1 + odds), abs=1e-6)
            assert one.raw_probabilities["leukemia"] == pytest.approx(p, abs=1e-6)
            assert one.label == CLASSES[p >= (chosen.threshold if chosen else 0.5)]
            # The threshold shown tells the same among the probabilities shown.
            assert (one.label == "leukemia") == (one.probabilities["leukemia"] >= (adviser.threshold or 0.5))
    assert (said(0.7, adviser).judged, said(0.7, adviser).set) == (None, None)


def test_what_a_run_serves_is_learnt_from_its_calibrate_part_alone():
    dice = np.random.default_rng(0)
    count = 60 * 5
    table = pd.DataFrame(
        {"subject": np.repeat([f"p{n}" for n in range(60)], 5), "label": np.repeat(np.tile(CLASSES, 30), 5), "side": "calibrate"}
    )
    p = 1 / (1 + np.exp(-np.where(table["label"] == "leukemia", 2, -2) - 2 * dice.normal(size=count)))
    table = table.assign(p_healthy=1 - p, p_leukemia=p)
    found = calibrated.fitted(table, CLASSES)
    assert found.temperature.patients == 60
    assert found.sets.patients == {"healthy": 30, "leukemia": 30}
    spoilt = table.assign(side="test", p_healthy=p, p_leukemia=1 - p)
    assert calibrated.fitted(pd.concat([table, spoilt]), CLASSES) == found
    none = calibrated.fitted(spoilt, CLASSES)
    assert (none.temperature, none.sets) == (None, None)
    assert "kept no calibrate part" in none.why_no_temperature
    one_class = calibrated.fitted(table[table["label"] == "healthy"], CLASSES)
    assert one_class.temperature is None
    assert "lack a class" in one_class.why_no_temperature


def test_a_run_keeps_it_and_an_older_one_gets_the_same(forest: JobPaths):
    before = calibrated.of_run(forest, CLASSES)
    assert "Sets need 20 patients a class" in before.why_no_sets
    forest.calibration.unlink()
    assert calibrated.of_run(forest, CLASSES) == before
    assert forest.calibration.exists()


def test_a_file_gets_what_the_run_kept(artifacts: Artifacts, forest: JobPaths):
    data = artifacts.dataset("tiny")
    table = records.read_records(data)
    sent = [Upload(name, (data.images / name).read_bytes()) for name in table["image_id"]]
    threshold.write(forest, Chosen(0.35, "hand", "test"))
    adviser = answers.adviser(artifacts, forest)
    found = uploads.classify(served.load(forest), sent, adviser=adviser)
    stored = store.predictions(forest).set_index("image_id")
    for one in found:
        if one.name in stored.index:
            raw = stored.loc[one.name, "p_leukemia"]
            assert one.raw_probabilities["leukemia"] == pytest.approx(raw, abs=1e-6)
            assert one.probabilities["leukemia"] == pytest.approx(adviser.calibrated.threshold(raw), abs=1e-6)
    train = set(table["image_id"][store.sides(forest) == "train"])
    assert np.mean([one.judged for one in found if one.name in train]) > 0.5
    document = found[0].to_dict()
    assert list(document) == [*["path", "kind", "kind_reason", "label", "probabilities", "raw_probabilities", "judged", "reasons", "set"]]
    assert document["set"] is None


def test_without_its_data_an_old_run_answers_and_says_that_nothing_guards_it(artifacts: Artifacts, forest: JobPaths):
    forest.guard.unlink()
    importing.delete(artifacts, "tiny")
    adviser = answers.adviser(artifacts, forest)
    assert adviser.guard is None
    one = said(0.9, replace(adviser, card=CARD))
    assert one.judged is None
    assert any("Nothing tells whether this model has seen the like" in line for line in sentence.details(adviser, one))
    with pytest.raises(NotFound):
        neighbours.nearest(artifacts, forest, SimpleNamespace(), np.zeros(2))


def test_a_training_cell_is_its_own_nearest_neighbour(artifacts: Artifacts, forest: JobPaths):
    one, model = guarding.of_run(artifacts, forest), served.load(forest)
    table = records.read_records(artifacts.dataset("tiny"))
    pixels = cache.opened(artifacts.dataset("tiny"), model.card.input_size)
    for row in np.flatnonzero(store.sides(forest) == "train")[:3]:
        found = neighbours.nearest(artifacts, forest, one, model.answer(pixels[row][None]).embeddings[0])
        assert (found[0].row, found[0].image_id) == (row, table["image_id"][row])
        assert [near.distance for near in found] == sorted(near.distance for near in found)
        assert len(found) == 5
        assert {near.row for near in found} <= set(np.flatnonzero(store.sides(forest) == "train"))
    assert neighbours.told(found).startswith(("3 of the 5", "4 of the 5", "5 of the 5"))
    assert "they come from" in neighbours.told(found)


OPEN, SHUT, EMPTY = CLASSES, ("leukemia",), ()
SETS = Sets(0.9, {"healthy": 0.4, "leukemia": 0.4}, {}, 100)


@pytest.mark.parametrize(
    ("one", "starts", "holds"),
    [
        (
            Said("leukemia", {"healthy": 0.001, "leukemia": 0.999}, {}, False, ("Too blue.",), SHUT),
            "I cannot judge this image.",
            "Too blue.",
        ),
        (
            Said("leukemia", {"healthy": 0.05, "leukemia": 0.95}, {}, True, (), SHUT),
            "This model calls the cell leukemic, clearly: 95 %.",
            "Only leukemic",
        ),
        (
            Said("leukemia", {"healthy": 0.2, "leukemia": 0.8}, {}, True, (), OPEN),
            "This model calls the cell leukemic, without being sure",
            "It does not decide",
        ),
        (
            Said("leukemia", {"healthy": 0.2, "leukemia": 0.8}, {}, True, (), EMPTY),
            "This model calls the cell leukemic, without being sure",
            "like neither",
        ),
        (
            Said("healthy", {"healthy": 0.8, "leukemia": 0.2}, {}, True),
            "This model calls the cell healthy, probably: 80 %.",
            "No set of classes",
        ),
    ],
)
def test_the_sentence_claims_no_more_than_it_may(one: Said, starts: str, holds: str):
    adviser = Adviser(CARD, Calibrated(WARM, SETS, "", "too few."))
    assert sentence.headline(adviser, one).startswith(starts)
    words = " ".join(sentence.details(adviser, one))
    assert holds in words
    if one.judged is False:
        assert "%" not in sentence.headline(adviser, one) + words


def test_models_side_by_side():
    yes, no = (Said(label, {}, {}, True) for label in ("leukemia", "healthy"))
    mute = replace(yes, judged=False)
    assert answers.agreement([yes, yes, yes]) == "All 3 models say leukemia."
    assert answers.agreement([yes, yes, mute]) == "All 2 models that judge it say leukemia; 1 can't judge it."
    assert answers.agreement([yes, no, yes]) == "Of 3 models 2 say leukemia, 1 says healthy."
    assert answers.agreement([mute, mute]) == "None of 2 models can judge this image."


def test_a_call_is_worth_its_predictive_value():
    truth = np.array([1] * 40 + [0] * 40)
    p = np.where(np.arange(80) % 4 == 0, 1 - truth, truth) * 0.8 + 0.1
    tested = pd.DataFrame({"label": np.array(CLASSES)[truth], "subject": np.arange(80) // 4, "p_healthy": 1 - p, "p_leukemia": p}).astype(
        {"subject": str}
    )
    found, false = classification.rates_at(truth == 1, p, 0.5, subjects=tested["subject"])
    ppv, npv = thresholds.predictive_values(found, false, 0.1)
    adviser = Adviser(CARD)
    told = worth.of_calls(adviser, tested, "leukemia", 0.1)
    assert (told.ppv, told.npv) == (ppv, npv)
    # By Bayes, from the rates themselves: three in four of each class are called rightly.
    assert told.ppv.estimate == pytest.approx(0.1 * 0.75 / (0.1 * 0.75 + 0.9 * 0.25))
    assert told.sentence().startswith("Where 10 % of cells are leukemic: of those called leukemic, 25 % (")
    assert "of those called healthy, 96 % (" in told.sentence()
    other = worth.of_calls(adviser, tested, "healthy", 0.9)
    assert (other.ppv.estimate, other.npv.estimate) == pytest.approx((npv.estimate, ppv.estimate))
    strict = replace(adviser, chosen=Chosen(0.95, "hand", "test"))
    assert worth.of_calls(strict, tested, "healthy", 0.5).ppv.estimate == pytest.approx(0.5)


def test_of_several_classes_each_is_held_against_all_others():
    names = ("a", "b", "c")
    truth = np.arange(90) % 3
    called = np.where(np.arange(90) < 60, truth, (truth + 1) % 3)
    p = np.eye(3)[called] * 0.7 + 0.1
    tested = pd.DataFrame(
        {"label": np.array(names)[truth], "subject": "", **{f"p_{name}": p[:, place] for place, name in enumerate(names)}}
    )
    told = worth.of_calls(Adviser(replace(CARD, class_names=names, positive="b")), tested, "b", 0.5)
    # Two in three of each class are called rightly; of the others one in six is called b.
    assert (told.ppv.estimate, told.npv.estimate) == pytest.approx(((2 / 3) / (2 / 3 + 1 / 6), (5 / 6) / (5 / 6 + 1 / 3)))
    assert "of all others," in told.sentence()
