"""Pixels decoded once stand for the files they came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.data import cache, images, importing, records


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two classes of BMPs, all of one length in bytes, and one file in the middle that is none."""
    root = tmp_path / "source"
    for number in range(8):
        folder = root / ("ill" if number % 2 else "well")
        folder.mkdir(parents=True, exist_ok=True)
        colours = np.random.default_rng(number).integers(0, 256, (80, 80, 3), dtype=np.uint8)
        Image.fromarray(colours).save(folder / f"{'é' if number == 2 else 'c'}{number}.bmp")
    (root / "ill" / "c4.bmp").write_text("no picture")
    return root


@pytest.mark.parametrize("size", [70, 32, 224])
def test_rows_are_in_the_order_of_the_records(artifacts: Artifacts, source: Path, size: int):
    importing.import_folder(artifacts, source, "a")
    paths = artifacts.dataset("a")
    table = records.read_records(paths)
    pixels = cache.opened(paths, size)
    assert isinstance(pixels, np.memmap)
    assert (pixels.shape, pixels.dtype) == ((8, size, size, 3), np.uint8)
    assert len(table) == 8
    for row, image_id in enumerate(table["image_id"]):
        np.testing.assert_array_equal(pixels[row], images.prepared((source / image_id).read_bytes(), size))


def test_a_cache_is_made_once_and_named_after_size_and_transform(artifacts: Artifacts, tiny: str):
    paths = artifacts.dataset(tiny)
    cache.opened(paths, 33)
    file = paths.pixels(f"33-{images.TRANSFORM}")
    before = file.stat()
    cache.opened(paths, 33)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.parametrize("size", [31, 225, 0, -70])
def test_a_size_out_of_range_is_told(artifacts: Artifacts, tiny: str, size: int):
    with pytest.raises(BadInput, match="32 to 224"):
        cache.opened(artifacts.dataset(tiny), size)


def test_a_missing_source_file_is_told(artifacts: Artifacts, source: Path):
    importing.import_folder(artifacts, source, "a")
    (source / "ill" / "c1.bmp").unlink()
    with pytest.raises(BadInput, match=r"c1\.bmp can't be read any more"):
        cache.opened(artifacts.dataset("a"), 40)
    assert not list(artifacts.dataset("a").folder.glob("*40-*"))
    assert cache.opened(artifacts.dataset("a")).shape == (8, 70, 70, 3)  # what is there stays good


def test_a_changed_source_file_is_told_even_if_its_length_is_the_same(artifacts: Artifacts, source: Path):
    importing.import_folder(artifacts, source, "a")
    file = source / "ill" / "c1.bmp"
    length = file.stat().st_size
    Image.new("RGB", (80, 80), (9, 9, 9)).save(file)
    assert file.stat().st_size == length
    with pytest.raises(BadInput, match=r"c1\.bmp has changed since the import"):
        cache.opened(artifacts.dataset("a"), 40)
