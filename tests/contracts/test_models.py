"""What every model promises, whatever its family. A new model in the registry is tried here without being named."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from allcore.base import fileio
from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import cache, records, splits
from allcore.explain import heat, randomised
from allcore.inference import served
from allcore.models import presets, registry
from allcore.models.classical import fitted
from allcore.models.spec import CLASSICAL, CNN, Knob, ModelCard
from allcore.runs import store

CARDS = registry.cards()
every_card = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
every_knob = pytest.mark.parametrize(
    ("card", "knob"), [(card, knob) for card in CARDS for knob in card.knobs], ids=lambda value: getattr(value, "id", None) or value.name
)
every_preset = pytest.mark.parametrize(
    ("card", "preset"), [(card, preset) for card in CARDS for preset in card.presets], ids=lambda value: value.id
)


@every_card
def test_it_is_found_by_its_id(card: ModelCard):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", card.id)
    assert [other.id for other in CARDS].count(card.id) == 1
    assert registry.card(card.id) is card
    assert registry.module(card.id).CARD is card
    assert registry.module(card.id).__name__.rpartition(".")[2] == card.id  # one model, one file


@every_card
def test_its_card_says_what_has_to_be_known(card: ModelCard):
    assert card.family in (CNN, CLASSICAL)
    assert card.name
    assert card.about.endswith(".")
    assert card.images_per_second > 0
    assert [preset.id for preset in card.presets] == [presets.FIRST_LESSON, presets.PATIENT, presets.OFFICIAL, presets.PAPER]
    names = [knob.name for knob in card.knobs]
    assert len(set(names)) == len(names)
    assert {"input_size", "seed"} <= set(names)
    assert json.loads(json.dumps(card.to_dict()))["id"] == card.id


@every_knob
def test_a_knobs_default_lies_within_its_range(card: ModelCard, knob: Knob):
    assert knob.parsed(knob.default) == knob.default
    assert type(knob.parsed(str(knob.default))) is knob.kind
    assert re.fullmatch(r"[a-z][a-z0-9_]*", knob.name)
    assert knob.label
    assert knob.help.endswith(".")
    assert knob.allowed()


def wrong_values(knob: Knob) -> list[object]:
    if knob.kind is bool:
        return ["maybe", 2, None, ""]
    if knob.choices:
        return ["something else", "", None, 1]
    if knob.kind is str:
        return [None, 1]
    wrong = ["many", "", None, True, math.nan, math.inf, "-inf", knob.low - 1, knob.high + 1]
    return [*wrong, knob.low + 0.5, "1e2x"] if knob.kind is int else wrong


@every_knob
def test_a_bad_value_is_refused_with_name_and_range(card: ModelCard, knob: Knob):
    for value in wrong_values(knob):
        with pytest.raises(BadInput) as caught:
            card.settings(card.presets[0], {knob.name: value})
        assert knob.name in caught.value.message, value
        assert knob.allowed() in caught.value.hint, value


@every_knob
def test_both_ends_of_a_range_belong_to_it(card: ModelCard, knob: Knob):
    ends = (True, False) if knob.kind is bool else ("", "any") if knob.allowed() == "any text" else knob.choices or (knob.low, knob.high)
    for value in ends:
        assert card.settings(card.presets[0], {knob.name: str(value)})[knob.name] == value


@every_preset
def test_a_presets_settings_are_all_the_knobs(card: ModelCard, preset):
    settings = card.settings(preset, {})
    assert list(settings) == [knob.name for knob in card.knobs]
    assert {name: settings[name] for name in preset.settings} == dict(preset.settings)
    assert preset.split.level in splits.LEVELS
    assert preset.about.endswith(".")
    assert bool(preset.changes) == (preset.id != presets.PAPER)
    if preset.id == presets.PAPER:
        assert (preset.split.level, preset.split.tune, preset.split.calibrate, preset.split.stratified) == ("image", 0, 0, False)
    else:
        assert preset.split.tune > 0
    assert json.loads(json.dumps(settings)) == settings
    assert "epochs" in settings or "epoch" not in preset.about + preset.changes


@every_card
def test_an_unknown_setting_is_refused_with_those_there_are(card: ModelCard):
    with pytest.raises(BadInput, match="no setting 'colour'") as caught:
        card.settings(card.presets[0], {"colour": 1})
    assert card.knobs[0].name in caught.value.hint


@every_card
@pytest.mark.parametrize("classes", [2, 4])
def test_it_is_built_for_any_number_of_classes(card: ModelCard, classes: int):
    settings = card.settings(card.presets[0], {"input_size": 32})
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    if card.family == CNN:
        model = registry.module(card.id).build(settings, classes=classes, seed=1)
        assert model.input.shape == (None, 32, 32, 3)
        assert model.input.dtype == "uint8"
        assert model.output.shape == (None, classes)
        assert len(model.get_layer(registry.module(card.id).EMBEDDING).output.shape) == 2
        found = np.asarray(model(images, training=False))
        again = registry.module(card.id).build(settings, classes=classes, seed=1)
        np.testing.assert_array_equal(np.asarray(again(images, training=False)), found)
        other = registry.module(card.id).build(settings, classes=classes, seed=2)
        assert not np.array_equal(np.asarray(other(images, training=False)), found)
    else:
        vectors = images.reshape(8, -1)[:, :20].astype(np.float32) / 255
        labels = np.arange(8) % classes
        found, again = (fitted.fit(card.id, settings, vectors, labels, seed=1).probabilities(vectors) for _ in range(2))
        np.testing.assert_array_equal(found, again)
    assert found.shape == (8, classes)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


@every_card
def test_a_tiny_training_ends_well(card: ModelCard, finished: Callable[[str], JobPaths]):
    job = store.read(finished(card.id))
    assert [step.state for step in job.status.history] == ["queued", "starting", "running", "finishing", "done"]
    assert job.metrics["onnx_parity"]["passed"] is True
    assert job.metrics["onnx_parity"]["class_agreement"] >= 0.995
    assert job.metrics["onnx_parity"]["largest_difference"] <= 1e-4
    assert job.metrics["onnx_parity"]["images"] == job.metrics["test"]["n"] > 0
    assert job.metrics["training"]["parameters"] > 0
    assert job.metrics["training"]["images_per_second"] > 0
    assert (job.metrics["training"]["epochs"] is None) == (card.family == CLASSICAL)
    for path in (job.paths.onnx, job.paths.model_card, job.paths.environment, job.paths.certificate, job.paths.split):
        assert path.is_file()
    assert job.paths.keras.is_file() == (card.family == CNN)
    assert job.paths.joblib.is_file() == job.paths.features.is_file() == (card.family == CLASSICAL)
    assert not [file.name for file in job.paths.folder.iterdir() if file.name.startswith(".")]


@every_card
def test_predictions_are_of_the_sides_not_trained_on(card: ModelCard, finished: Callable[[str], JobPaths], tiny_laboratory: Artifacts):
    paths = finished(card.id)
    found = store.predictions(paths)
    data = tiny_laboratory.dataset("tiny")
    names = records.read_card(data).class_names
    assert tuple(found.columns) == ("image_id", "subject", "side", "fold", "label", *(f"p_{name}" for name in names))
    sides = pd.read_parquet(paths.split).set_index("image_id")["side"]
    assert sides[sides.isin(["tune", "calibrate", "test"])].to_dict() == found.set_index("image_id")["side"].to_dict()
    known = records.read_records(data).set_index("image_id").loc[found["image_id"]]
    assert found["subject"].tolist() == known["subject"].tolist()
    assert found["label"].tolist() == known["label"].tolist()
    shares = found[[f"p_{name}" for name in names]].to_numpy()
    assert shares.dtype == np.float32
    assert ((shares >= 0) & (shares <= 1)).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)


@every_card
def test_embeddings_have_a_row_a_record(card: ModelCard, finished: Callable[[str], JobPaths], tiny_laboratory: Artifacts):
    paths = finished(card.id)
    found = store.embeddings(paths)
    assert found.dtype == np.float16
    assert found.shape[0] == len(records.read_records(tiny_laboratory.dataset("tiny")))
    assert np.isfinite(found).all()
    assert len(np.unique(found, axis=0)) > 1


@every_card
def test_its_answers_are_those_stored(card: ModelCard, finished: Callable[[str], JobPaths], tiny_laboratory: Artifacts):
    paths = finished(card.id)
    model = served.load(paths)
    data = tiny_laboratory.dataset("tiny")
    answer = model.answer(np.asarray(cache.opened(data, 32)))
    stored = store.predictions(paths).set_index("image_id")
    rows = records.read_records(data)["image_id"].isin(stored.index).to_numpy()
    shares = stored.loc[records.read_records(data)["image_id"][rows], [f"p_{name}" for name in model.card.class_names]]
    np.testing.assert_allclose(answer.probabilities[rows], shares, atol=1e-6)
    assert answer.probabilities.dtype == answer.embeddings.dtype == np.float32
    np.testing.assert_allclose(answer.embeddings.astype(np.float16), store.embeddings(paths), atol=1e-2, rtol=1e-2)


@every_card
def test_it_can_be_explained(card: ModelCard, finished: Callable[[str], JobPaths], tiny_laboratory: Artifacts):
    paths = finished(card.id)
    model, shuffled = served.load(paths), randomised.load(paths)
    pictures = np.asarray(cache.opened(tiny_laboratory.dataset("tiny"), 32))
    assert not np.array_equal(model.answer(pictures).probabilities, shuffled.answer(pictures).probabilities)
    picture = pictures[0]
    assert heat.methods(model) == ((heat.OCCLUSION, heat.ACTIVATION) if card.family == CNN else (heat.OCCLUSION,))
    for method in heat.methods(model):
        found = heat.explained(model, shuffled, picture, method=method)
        assert found.of in ("healthy", "leukemia")
        assert found.cell == pytest.approx((picture.max(axis=2) > 8).mean(), abs=0.05)
        if found.withheld:
            assert found.values is None
            assert found.likeness is None or abs(found.likeness) >= heat.MOST_LIKENESS
        else:
            assert found.values.shape == (32, 32)
            assert np.isfinite(found.values).all()
            assert np.ptp(found.values) > 0


@every_card
def test_it_says_where_it_comes_from(card: ModelCard, finished: Callable[[str], JobPaths]):
    paths = finished(card.id)
    told = served.read_card(paths)
    assert (told.run, told.model, told.family, told.data, told.synthetic) == (paths.id, card.id, card.family, "tiny", True)
    assert (told.class_names, told.positive, told.input_size) == (("healthy", "leukemia"), "leukemia", 32)
    for file in paths.folder.glob("*.json"):
        assert fileio.read_json(file)["schema_version"] == 1
