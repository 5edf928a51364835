"""Vectors that stand for images: the same in training and serving."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from allcore.base.errors import AllcoreError
from allcore.models import features


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", features.KINDS)
def test_vectors_come_back_with_their_file(images: np.ndarray, tmp_path: Path, kind: str):
    made = features.fitted(kind, images, components=5, seed=0)
    made.save(tmp_path / "features.npz")
    loaded = features.Features.load(tmp_path / "features.npz")
    assert (loaded.kind, loaded.size) == (kind, 8)
    np.testing.assert_array_equal(loaded.of(images), made.of(images))
    assert made.of(images).dtype == np.float32


@pytest.mark.parametrize("kind", features.KINDS)
def test_a_vector_does_not_depend_on_its_neighbours(images: np.ndarray, kind: str):
    made = features.fitted(kind, images, components=5, seed=0)
    alone = np.concatenate([made.of(images[row : row + 1]) for row in range(len(images))])
    np.testing.assert_array_equal(alone, made.of(images))


def test_components_are_scikit_learns(images: np.ndarray):
    found = features.fitted(features.PCA, images, components=5, seed=0).of(images)
    pca = PCA(5, svd_solver="randomized", random_state=0)
    np.testing.assert_allclose(found, pca.fit_transform(images.reshape(40, -1) / np.float32(255)), atol=1e-4)


def test_there_are_fewer_components_than_images(images: np.ndarray):
    assert features.fitted(features.PCA, images[:4], components=64, seed=0).of(images).shape == (40, 3)


def test_pixels_are_pixels(images: np.ndarray):
    found = features.fitted(features.PIXELS, images, components=5, seed=0).of(images)
    np.testing.assert_array_equal(found, (images / np.float32(255)).reshape(40, -1))


def test_features_of_a_later_version_are_not_guessed_at(images: np.ndarray, tmp_path: Path):
    features.Features("pca-v9", 8).save(tmp_path / "features.npz")
    with pytest.raises(AllcoreError, match="'pca-v9' are not known"):
        features.Features.load(tmp_path / "features.npz")
