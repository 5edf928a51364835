"""Maps show what a model is known to look at, and those that say nothing of it are withheld."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import numpy as np
import pytest

from allcore.base.errors import BadInput
from allcore.explain import activation, evidence, heat, occlusion, outline, randomised
from allcore.inference.served import ServedModel

from .conftest import SIZE, dense, edges

PATCH = SIZE // 5


def left_half() -> np.ndarray:
    """Weights on the left half alone: what is bright there is leukemia."""
    weights = np.zeros((SIZE, SIZE, 3, 2))
    weights[:, : SIZE // 2, :, 1] = 0.05
    return weights


def explained(loaded: Callable[[bytes], ServedModel], content: bytes, image: np.ndarray, **options) -> heat.HeatMap:
    return heat.explained(loaded(content), loaded(randomised.graph(content)), image, **options)


def test_a_model_that_looks_left_has_its_heat_left(loaded: Callable, photograph: np.ndarray):
    found = explained(loaded, dense(left_half()), photograph, of="leukemia")
    assert (found.method, found.of, found.withheld) == (heat.OCCLUSION, "leukemia", "")
    assert found.values.shape == (SIZE, SIZE)
    assert np.abs(found.values[:, SIZE // 2 + PATCH :]).max() < 1e-4  # no patch there reaches the left half
    assert np.abs(found.values[:, : SIZE // 2]).mean() > 0.01
    assert abs(found.likeness) < heat.MOST_LIKENESS
    assert (found.share_on_cell, found.cell) == (None, None)  # nobody knows the outline
    assert json.loads(json.dumps(found.to_dict()))["of"] == "leukemia"


def test_what_speaks_for_a_class_speaks_against_the_other(loaded: Callable, photograph: np.ndarray):
    content = dense(left_half())
    one, other = (explained(loaded, content, photograph, of=name) for name in ("leukemia", "healthy"))
    np.testing.assert_allclose(one.values, -other.values, atol=1e-5)
    assert one.raw_probability == pytest.approx(1 - other.raw_probability)
    assert explained(loaded, content, photograph).of == max(one, other, key=lambda each: each.raw_probability).of


def test_weight_is_the_loss_of_log_odds(loaded: Callable):
    """One bright spot that is worth exactly 3: the patches that cover it cost 3, less what the mean colour is worth."""
    image = np.full((SIZE, SIZE, 3), 51, np.uint8)
    image[0, 0] = 255
    weights = np.zeros((SIZE, SIZE, 3, 2))
    weights[0, 0, :, 1] = 1.0
    found = explained(loaded, dense(weights), image, of="leukemia")
    mean = outline.colour(image) / 255
    assert found.values[0, 0] == pytest.approx(3 - mean.sum(), abs=1e-4)
    assert found.values[PATCH:, PATCH:].max() == pytest.approx(0, abs=1e-5)


def test_an_edge_detector_is_withheld_with_the_reason(loaded: Callable, photograph: np.ndarray):
    photograph[:, SIZE // 2 :] = 120
    found = explained(loaded, edges(), photograph, of="leukemia")
    assert abs(found.likeness) >= heat.MOST_LIKENESS
    assert (found.values, found.share_on_cell) == (None, None)
    assert "Shuffle all that the model learned" in found.withheld


def test_a_model_that_looks_nowhere_is_withheld(loaded: Callable, photograph: np.ndarray):
    found = explained(loaded, dense(np.zeros((SIZE, SIZE, 3, 2))), photograph)
    assert (found.values, found.likeness) == (None, None)
    assert "stays the same" in found.withheld


def test_the_share_on_the_cell_is_the_cells(loaded: Callable, cut_out: np.ndarray):
    cell = outline.cell(cut_out)
    np.testing.assert_array_equal(cell, cut_out.max(axis=2) > 0)
    on = np.zeros((SIZE, SIZE, 3, 2))
    on[6:14, 6:14, :, 1] = np.random.default_rng(3).normal(0, 1, (8, 8, 3))
    found = explained(loaded, dense(on), cut_out, of="leukemia")
    speaks = np.maximum(found.values, 0)
    assert found.share_on_cell == pytest.approx(speaks[cell].sum() / speaks.sum())
    assert found.share_on_cell > 0.6 > 0.3 > found.cell == pytest.approx(cell.mean())


def test_a_photograph_laid_on_black_has_no_outline(photograph: np.ndarray):
    photograph[:, :4] = photograph[:, -4:] = 0
    assert outline.cell(photograph) is None


def test_measures_of_a_cell_are_explained_within_it(loaded: Callable, cut_out: np.ndarray):
    """A patch on the black would become the cell; there the map is 0, and a share on the cell would say nothing."""
    cell = outline.cell(cut_out)
    (values,) = occlusion.heats([loaded(dense(np.ones((SIZE, SIZE, 3, 2)) * [0, 0.01]))], cut_out, 1, only=cell)
    assert (values[~cell] == 0).all()
    assert np.abs(values[cell]).max() > 0


def test_inner_maps_are_weighed_by_what_they_carry(loaded: Callable):
    """Red stands above, blue below; only red counts."""
    image = np.full((SIZE, SIZE, 3), 60, np.uint8)
    image[3:8, 3:17, 0], image[12:17, 3:17, 2] = 220, 220
    weights = np.zeros((SIZE, SIZE, 3, 2))
    weights[..., 0, 1] = 0.05
    content = dense(weights, inner=True)
    model = loaded(content)
    assert heat.methods(model) == (heat.OCCLUSION, heat.ACTIVATION)
    assert model.activations(image[None]).shape == (1, SIZE, SIZE, 2)
    assert explained(loaded, content, image, method=heat.ACTIVATION, of="leukemia").method == heat.ACTIVATION
    (values,) = activation.heats([model], image, 1)
    assert values[3:8, 3:17].min() > 0 > values[12:17, 3:17].max()


def test_what_a_model_cannot_do_is_refused(loaded: Callable, photograph: np.ndarray):
    old = dense(left_half())
    assert heat.methods(loaded(old)) == (heat.OCCLUSION,)
    with pytest.raises(BadInput, match="no inner maps"):
        explained(loaded, old, photograph, method=heat.ACTIVATION)
    with pytest.raises(BadInput, match="no class 'dog'") as caught:
        explained(loaded, old, photograph, of="dog")
    assert "healthy, leukemia" in caught.value.hint


def test_log_odds_tell_sure_from_surer():
    p = np.array([[1e-7, 1.0], [1e-12, 1.0], [0.5, 0.5], [0.0, 1.0]], np.float32)
    found = evidence.log_odds(p, 1)
    np.testing.assert_allclose(found[:3], [-np.log(1e-7), -np.log(1e-12), 0], rtol=1e-5)
    assert np.isfinite(found).all()
    assert found[3] > found[1]


def test_a_map_is_frozen(loaded: Callable, photograph: np.ndarray):
    with pytest.raises(dataclasses.FrozenInstanceError):
        explained(loaded, dense(left_half()), photograph).of = "healthy"
