"""What a network is fed."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from allcore.base.paths import Artifacts
from allcore.data import altered
from allcore.jobs import submit
from allcore.models.cnn import knobs
from allcore.training import batches, material
from allcore.training.material import Material


@pytest.fixture
def data(artifacts: Artifacts, tiny: str) -> Material:
    plan, _ = submit.planned(artifacts, data=tiny, model="proposed_cnn", changed={"input_size": 32})
    return material.gathered(artifacts, plan)


def settings(**changed: Any) -> dict[str, Any]:
    return {
        "seed": 0,
        "batch_size": 8,
        "balance": knobs.EQUAL,
        "turns": "none",
        "stain_shift": 0.0,
        "brightness_shift": 0.0,
        **changed,
    }


def taken(dataset) -> list[tuple[np.ndarray, ...]]:
    return [tuple(np.asarray(part) for part in batch) for batch in dataset]


def test_an_epoch_is_every_training_image_once_with_its_label(data: Material):
    found = taken(batches.of_epoch(data.cells, data.rows("train"), settings(), epoch=1))
    images, labels, weights = (np.concatenate(parts) for parts in zip(*found, strict=True))
    rows = data.rows("train")
    assert [len(batch[0]) for batch in found[:-1]] == [8] * (len(found) - 1)
    assert sorted(image.tobytes() for image in images) == sorted(image.tobytes() for image in data.images(rows))
    by_bytes = {data.pixels[row].tobytes(): data.labels[row] for row in rows}
    assert [by_bytes[image.tobytes()] for image in images] == labels.argmax(1).tolist()
    assert (weights == 1).all()


def test_the_order_is_another_in_each_epoch_and_the_same_for_a_seed(data: Material):
    def order(**options: Any) -> bytes:
        wanted = {"seed": 0, "epoch": 1, "balanced": False, **options}
        return batches.order(data.labels[data.rows("train")], **wanted).tobytes()

    assert order() == order()
    assert len({order(), order(epoch=2), order(seed=1)}) == 3


def test_the_next_batches_are_made_while_one_is_learnt_from(data: Material, monkeypatch: pytest.MonkeyPatch):
    """Under deterministic operations too, where TensorFlow makes nothing ahead by functions that it takes for stateful."""
    made, third, applied = [], threading.Event(), altered.Changes.applied

    def watched(self, images, dice):
        made.append(len(images))
        if len(made) == 3:
            third.set()
        return applied(self, images, dice)

    monkeypatch.setattr(altered.Changes, "applied", watched)
    tf.random.set_seed(0)
    tf.config.experimental.enable_op_determinism()
    epoch = iter(batches.of_epoch(data.cells, data.rows("train"), settings(batch_size=2), epoch=1))
    next(epoch)
    assert third.wait(30)
    assert len(made) == 3  # and no more: they are held in memory
    assert len(taken(epoch)) == -(-len(data.rows("train")) // 2) - 1


def test_what_fails_while_a_batch_is_made_ends_the_epoch(data: Material, monkeypatch: pytest.MonkeyPatch):
    def failing(self, images, dice):
        raise ValueError("A picture can't be turned.")

    monkeypatch.setattr(altered.Changes, "applied", failing)
    with pytest.raises(tf.errors.InvalidArgumentError, match="can't be turned"):
        taken(batches.of_epoch(data.cells, data.rows("train"), settings(), epoch=1))


def test_an_epoch_taken_up_in_its_midst_goes_on_as_it_would_have(data: Material):
    changing = settings(turns="any", stain_shift=0.1, brightness_shift=0.1, balance=knobs.SAMPLING)
    whole = taken(batches.of_epoch(data.cells, data.rows("train"), changing, epoch=3))
    rest = taken(batches.of_epoch(data.cells, data.rows("train"), changing, epoch=3, first=2))
    assert len(rest) == len(whole) - 2
    for found, expected in zip(rest, whole[2:], strict=True):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_rare_class_weighs_more_or_is_drawn_more_often():
    labels = np.repeat([0, 1, 2], [900, 90, 10])
    drawn = labels[batches.order(labels, seed=0, epoch=1, balanced=True)]
    assert len(drawn) == 1000
    assert np.bincount(drawn).tolist() == pytest.approx([333, 333, 333], abs=50)


def test_class_weights_go_with_the_images(data: Material):
    for _, labels, weights in taken(batches.of_epoch(data.cells, data.rows("train"), settings(balance=knobs.WEIGHTS), epoch=1)):
        assert weights.tolist() == pytest.approx(data.cells.weights(data.rows("train"))[labels.argmax(1)].tolist())
    for _, _, weights in taken(batches.of_epoch(data.cells, data.rows("train"), settings(balance=knobs.FOCAL), epoch=1)):
        assert set(weights.tolist()) == {1.0}


def test_a_side_comes_in_order_and_unchanged(data: Material):
    images = np.concatenate([batch[0] for batch in taken(batches.of_side(data.cells, data.rows("test"), size=5))])
    np.testing.assert_array_equal(images, data.images(data.rows("test")))
