"""The short way of plain bitmaps and black borders gives the very pixels of the long one."""

from __future__ import annotations

import io
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from allcore.base.errors import Unreadable
from allcore.data import images

BOX = Image.Resampling.BOX


def cell(side: int, seed: int, *, box: tuple[int, int, int, int] | None = None) -> np.ndarray:
    """Noise in a box (left, top, right, bottom) on black."""
    rng = np.random.default_rng(seed)
    left, top, right, bottom = box or sorted(rng.integers(0, side + 1, 2).tolist()) * 2
    picture = np.zeros((side, side, 3), np.uint8)
    picture[top:bottom, left:right] = rng.integers(0, 256, (max(0, bottom - top), max(0, right - left), 3))
    return picture


def saved(picture: np.ndarray, form: str = "bmp") -> bytes:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, form)
    return content.getvalue()


def plainly(picture: np.ndarray, size: int) -> np.ndarray:
    """The whole picture, along the rows, then along the columns."""
    image = Image.fromarray(picture)
    return np.asarray(image.resize((size, image.height), BOX).resize((size, size), BOX))


@settings(max_examples=300, deadline=None)
@given(st.integers(17, 260), st.integers(16, 230), st.integers(0, 2**31))
@example(450, 70, 0)
@example(65, 52, 1)  # pixels' centres on edges
@example(161, 70, 2)
def test_what_is_left_out_changes_no_pixel(side: int, size: int, seed: int):
    if size >= side:
        side, size = size + 1, side - 1
    if size < 16:
        return
    picture = cell(side, seed)
    wanted = plainly(picture, size)
    np.testing.assert_array_equal(images.resized(picture, size), wanted)
    for form in ("bmp", "png"):
        np.testing.assert_array_equal(images.read(saved(picture, form), size).pixels, wanted)


@pytest.mark.parametrize(
    "box", [(0, 0, 450, 450), (0, 0, 1, 1), (449, 449, 450, 450), (0, 449, 1, 450), (449, 0, 450, 1), (0, 0, 0, 0), (45, 90, 90, 91)]
)
def test_cells_at_the_edges_and_none_at_all(box: tuple[int, int, int, int]):
    picture = cell(450, 3, box=box)
    np.testing.assert_array_equal(images.read(saved(picture), 70).pixels, plainly(picture, 70))


def test_one_picture_leaves_nothing_in_the_next():
    """A thread decodes into the same memory again and again."""
    pictures = [cell(450, seed) for seed in range(12)]
    wanted = [plainly(picture, 70) for picture in pictures]
    contents = [saved(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: [images.read(content, 70).pixels for content in contents], range(8)):
            for one, other in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(one, other)


def test_the_area_average_is_within_a_grey_level_of_the_exact_one():
    from benchmarks.phantom_likeness import averaged

    for side, size in ((450, 70), (360, 70), (450, 224), (300, 40)):
        smooth = np.asarray(Image.fromarray(cell(9, side, box=(1, 1, 8, 8))).resize((side, side), Image.Resampling.BICUBIC))
        difference = np.abs(averaged(smooth, size).astype(int) - images.resized(smooth, size))
        assert difference.mean() <= 1


def bitmap(width: int, height: int, *, bits: int = 24, packing: int = 0, header: int = 40, cut: int = 0) -> bytes:
    stride = (width * bits // 8 + 3) // 4 * 4
    body = np.random.default_rng(0).integers(0, 256, stride * abs(height), dtype=np.uint8).tobytes()
    start = 14 + header
    head = struct.pack(
        "<2sIHHIIiiHHIIiiII", b"BM", start + len(body), 0, 0, start, header, width, height, 1, bits, packing, len(body), 0, 0, 0, 0
    )
    return (head + bytes(header - 40) + body)[: start + len(body) - cut]


@pytest.mark.parametrize(
    "content",
    [bitmap(99, 99), bitmap(98, -98), bitmap(97, 60), bitmap(90, 90, bits=32), bitmap(90, 90, header=108), bitmap(90, 90) + b"more"],
    ids=["padded", "from the top", "not square", "32 bits", "longer header", "with a tail"],
)
def test_every_bitmap_is_read_as_pillow_reads_it(content: bytes):
    found = images.read(content, 40)
    wanted = images.decoded(content)
    np.testing.assert_array_equal(found.pixels, images.resized(wanted.pixels, 40))
    assert (found.width, found.height, found.format, found.mode) == (wanted.width, wanted.height, "BMP", wanted.mode)


@pytest.mark.parametrize(
    "content", [bitmap(90, 90, cut=3), bitmap(90, 90, cut=9000), bitmap(8, 8), bitmap(90, 90)[:54], bitmap(90, 90)[:20], b"BM", b""]
)
def test_a_broken_bitmap_is_refused(content: bytes):
    for way in (lambda: images.read(content, 40), lambda: images.decoded(content), lambda: images.read(memoryview(content), 40)):
        with pytest.raises(Unreadable):
            way()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 60))
def test_a_header_of_any_bytes_is_read_or_refused(noise: bytes, at: int):
    content = bytearray(bitmap(40, 40))
    content[at : at + len(noise)] = noise
    try:
        found = images.read(bytes(content), 32)
    except Unreadable:
        return
    assert found.pixels.shape == (32, 32, 3)
