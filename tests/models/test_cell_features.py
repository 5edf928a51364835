"""Measures of a cell: finite for any image, the same alone as among others, and of what they are named after."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allcore.base.paths import Artifacts
from allcore.data import cache
from allcore.data.phantom import PhantomSpec, draw
from allcore.models import cell_features, vectors


def disc(radius: float, *, size: int = 70, across: float = 1.0, colour: tuple[int, int, int] = (150, 60, 160)) -> np.ndarray:
    """An ellipse with a darker middle on black; `across` is its width over its height."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    from_middle = np.hypot(x / across, y)
    image = np.zeros((size, size, 3), np.uint8)
    image[from_middle <= radius] = colour
    image[from_middle <= radius / 2] = np.array(colour) // 2
    return image


def named(image: np.ndarray) -> dict[str, float]:
    return dict(zip(cell_features.NAMES, cell_features.vector(image), strict=True))


ODD: dict[str, Callable[[], np.ndarray]] = {
    "black": lambda: np.zeros((70, 70, 3), np.uint8),
    "white": lambda: np.full((70, 70, 3), 255, np.uint8),
    "grey": lambda: np.full((32, 32, 3), 128, np.uint8),
    "one pixel": lambda: np.pad(np.full((1, 1, 3), 200, np.uint8), ((30, 39), (30, 39), (0, 0))),
    "a line": lambda: np.pad(np.full((1, 70, 3), 200, np.uint8), ((30, 39), (0, 0), (0, 0))),
    "half": lambda: np.concatenate([np.zeros((35, 70, 3), np.uint8), np.full((35, 70, 3), 9, np.uint8)]),
    "two shades": lambda: np.indices((64, 64)).sum(0)[..., None].repeat(3, 2).astype(np.uint8) % 2 * 200 + 50,
    "slope": lambda: np.arange(70, dtype=np.uint8)[:, None, None].repeat(70, 1).repeat(3, 2),
    "dice": lambda: np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8),
}


@pytest.mark.parametrize("name", ODD)
def test_any_image_has_finite_measures(name: str):
    found = cell_features.vector(ODD[name]())
    assert found.shape == (len(cell_features.NAMES),)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([32, 40]), st.integers(1, 256), st.booleans())
def test_even_ones_that_nobody_thought_of(seed: int, size: int, shades: int, segmented: bool):
    dice = np.random.default_rng(seed)
    image = dice.integers(0, shades, (size, size, 3)).astype(np.uint8)
    if segmented:
        image[dice.random((size, size)) < dice.random()] = 0
    assert np.isfinite(cell_features.vector(image)).all()


def test_without_a_cell_there_is_nothing_to_measure():
    assert not cell_features.vector(ODD["black"]()).any()
    assert not cell_features.vector(ODD["white"]()).any()


def test_shape_is_the_cells():
    round_, flat, small = named(disc(20)), named(disc(20, across=0.5)), named(disc(10))
    assert round_["cell_area"] == pytest.approx(np.pi * 400 / 4900, rel=0.02)
    assert round_["cell_circularity"] == pytest.approx(1, abs=0.15)
    assert round_["cell_eccentricity"] < 0.1
    assert flat["cell_eccentricity"] == pytest.approx(np.sqrt(0.75), abs=0.03)
    assert flat["cell_circularity"] < round_["cell_circularity"]
    assert round_["nucleus_share"] == pytest.approx(0.25, abs=0.03)
    assert small["cell_area"] == pytest.approx(round_["cell_area"] / 4, rel=0.06)
    assert small["cell_hu_1"] == pytest.approx(round_["cell_hu_1"], abs=0.05)


def test_colour_is_the_cells_and_not_the_backgrounds():
    found = named(disc(20, colour=(200, 100, 40)))
    assert found["red_p90"] == pytest.approx(200 / 255, abs=1e-3)
    assert found["green_p90"] == pytest.approx(100 / 255, abs=1e-3)
    assert found["red_mean"] == pytest.approx((0.75 * 200 + 0.25 * 100) / 255, abs=0.01)
    assert found["nucleus_less_cytoplasm_red"] == pytest.approx(-100 / 255, abs=0.01)


def test_texture_is_rougher_where_the_cell_is():
    rough = disc(20)
    inside = rough.max(axis=2) > 0
    rough[inside] = np.random.default_rng(0).integers(30, 220, (inside.sum(), 3))
    smooth = named(disc(20))
    for name in ("contrast_1", "entropy_1", "edge_mean"):
        assert named(rough)[name] > 2 * smooth[name], name
    assert named(rough)["homogeneity_1"] < smooth["homogeneity_1"]


def test_a_cell_among_others_is_found():
    """On a light ground, the stained cell in the middle and not the paler ones that touch it."""
    image = np.full((70, 70, 3), (235, 225, 220), np.uint8)
    y, x = np.mgrid[:70, :70]
    for middle, radius, colour in (((35, 60), 14, (200, 150, 150)), ((35, 34), 13, (190, 150, 190)), ((35, 34), 9, (90, 40, 130))):
        image[np.hypot(y - middle[0], x - middle[1]) <= radius] = colour
    cell, nucleus = cell_features.outlined(image)
    assert nucleus.sum() == pytest.approx(np.pi * 81, rel=0.05)
    assert cell[35, 34 - 12]
    assert not cell[35, 66]


def test_a_cell_is_measured_alone_as_among_others():
    images = np.stack([disc(radius) for radius in (8, 15, 22)])
    alone = np.concatenate([cell_features.vectors(images[row : row + 1]) for row in range(3)])
    np.testing.assert_array_equal(cell_features.vectors(images), alone)
    assert cell_features.vectors(images[:0]).shape == (0, len(cell_features.NAMES))


def test_its_numbers_are_those_of_version_one():
    """Whoever changes a number has to give the features a new version: served models would hear other vectors than they learned."""
    found = named(disc(17, size=64, across=0.8))
    for name, value in PINNED.items():
        assert found[name] == pytest.approx(value, rel=1e-3, abs=1e-5), name


def test_drawn_cells_differ_from_each_other():
    spec = PhantomSpec(images=8, patients=2, size=64)
    found = cell_features.vectors(np.stack([draw(spec, index) for index in range(8)]))
    assert (found.std(axis=0) > 0).mean() > 0.8


def test_they_are_kept_beside_the_pixels(artifacts: Artifacts, tiny: str):
    data, heard = artifacts.dataset(tiny), []
    pixels = cache.opened(data, 32)
    first = vectors.opened(data, pixels, heard.append)
    np.testing.assert_array_equal(first, cell_features.vectors(np.asarray(pixels)))
    assert heard[-1] == 1
    assert [file.name for file in data.folder.glob("vectors-*")] == [f"vectors-cell-v1-{cache.key(32)}.npy"]
    heard.clear()
    np.testing.assert_array_equal(vectors.opened(data, pixels, heard.append), first)
    assert not heard  # read, not measured again


def test_who_stops_the_measuring_leaves_no_file(artifacts: Artifacts, tiny: str):
    data = artifacts.dataset(tiny)

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vectors.opened(data, cache.opened(data, 32), stop)
    assert not list(data.folder.glob("*vectors*"))


PINNED = {
    "cell_area": 0.177734,
    "cell_circularity": 0.935074,
    "cell_eccentricity": 0.59718,
    "cell_solidity": 0.973262,
    "cell_extent": 0.764706,
    "cell_hu_1": 5.21231,
    "cell_hu_2": 3.09792,
    "nucleus_area": 0.0429688,
    "nucleus_circularity": 1.01728,
    "nucleus_eccentricity": 0.553009,
    "nucleus_solidity": 0.977778,
    "nucleus_extent": 0.785714,
    "nucleus_share": 0.241758,
    "nucleus_pieces": 1.0,
    "red_mean": 0.51713,
    "red_sd": 0.125926,
    "red_p10": 0.294118,
    "red_p90": 0.588235,
    "green_mean": 0.206852,
    "green_sd": 0.0503704,
    "green_p10": 0.117647,
    "green_p90": 0.235294,
    "blue_mean": 0.551605,
    "blue_sd": 0.134321,
    "blue_p10": 0.313726,
    "blue_p90": 0.627451,
    "saturation_mean": 0.625,
    "saturation_p10": 0.625,
    "saturation_p90": 0.625,
    "haematoxylin_mean": 0.0595995,
    "haematoxylin_sd": 0.0259955,
    "haematoxylin_p10": 0.0449208,
    "haematoxylin_p90": 0.105637,
    "eosin_mean": 0.0596453,
    "eosin_sd": 0.00759055,
    "eosin_p10": 0.0462025,
    "eosin_p90": 0.0639313,
    "hue_sine": -0.570966,
    "hue_cosine": 0.25421,
    "nucleus_less_cytoplasm_red": -0.294118,
    "nucleus_less_cytoplasm_green": -0.117647,
    "nucleus_less_cytoplasm_blue": -0.313726,
    "contrast_1": 0.833575,
    "dissimilarity_1": 0.208394,
    "homogeneity_1": 0.950966,
    "energy_1": 0.755617,
    "correlation_1": 0.862776,
    "entropy_1": 1.10288,
    "contrast_2": 1.20799,
    "dissimilarity_2": 0.301999,
    "homogeneity_2": 0.928942,
    "energy_2": 0.738157,
    "correlation_2": 0.804063,
    "entropy_2": 1.19816,
    "pattern_3": 0.0769231,
    "pattern_5": 0.0989011,
    "pattern_7": 0.0769231,
    "pattern_8": 0.747253,
    "edge_mean": 0.0110247,
    "edge_sd": 0.0269165,
}
