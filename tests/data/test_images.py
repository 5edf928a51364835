"""Bytes of any kind to one kind of picture, or to plain words."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from allcore.base.errors import Unreadable
from allcore.data import images
from allcore.data.images import decoded, prepared, resized
from allcore.data.phantom import PhantomSpec, draw

SIDE = 24


def saved(image: Image.Image, form: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG made by hand, for what Pillow can't write; `rows` are unfiltered, each after a 0."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def rgb() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def grey() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF"])
def test_colours_come_back_as_they_were(rgb: np.ndarray, form: str):
    found = decoded(saved(Image.fromarray(rgb), form))
    np.testing.assert_array_equal(found.pixels, rgb)
    assert found.pixels.dtype == np.uint8
    assert (found.width, found.height, found.format, found.mode) == (SIDE, SIDE, form, "RGB")


def test_webp_is_read(rgb: np.ndarray):
    np.testing.assert_array_equal(decoded(saved(Image.fromarray(rgb), "WEBP", lossless=True)).pixels, rgb)


def test_grey_becomes_three_equal_channels(grey: np.ndarray):
    np.testing.assert_array_equal(decoded(saved(Image.fromarray(grey))).pixels, np.repeat(grey[..., None], 3, axis=2))


def test_one_bit_becomes_black_and_white(grey: np.ndarray):
    bits = Image.fromarray(grey > 127)
    assert bits.mode == "1"
    np.testing.assert_array_equal(decoded(saved(bits)).pixels[..., 1], np.where(grey > 127, 255, 0))


def test_a_palette_is_looked_up(rgb: np.ndarray):
    palette = Image.fromarray(rgb).quantize(16)
    np.testing.assert_array_equal(decoded(saved(palette)).pixels, np.asarray(palette.convert("RGB")))


def test_transparency_is_laid_over_black(rgb: np.ndarray):
    alpha = np.random.default_rng(2).integers(0, 256, (SIDE, SIDE, 1), dtype=np.uint8)
    found = decoded(saved(Image.fromarray(np.concatenate([rgb, alpha], axis=2)))).pixels
    np.testing.assert_allclose(found, rgb * (alpha / 255.0), atol=1)
    assert found[alpha[..., 0] == 255].tolist() == rgb[alpha[..., 0] == 255].tolist()


def test_transparent_grey_is_laid_over_black(grey: np.ndarray):
    alpha = np.where(np.arange(SIDE) % 2, 255, 0).astype(np.uint8) * np.ones_like(grey)
    found = decoded(saved(Image.fromarray(np.stack([grey, alpha], axis=2), "LA"))).pixels
    np.testing.assert_array_equal(found[..., 0], np.where(alpha, grey, 0))


def test_a_palette_with_a_transparent_colour_is_laid_over_black():
    indexed = Image.new("P", (SIDE, SIDE), 0)
    indexed.putpalette([250, 10, 20, 30, 240, 50])
    indexed.paste(1, (0, 0, SIDE, SIDE // 2))
    found = decoded(saved(indexed, transparency=0)).pixels
    assert found[0, 0].tolist() == [30, 240, 50]
    assert found[-1, 0].tolist() == [0, 0, 0]


def test_a_colour_named_transparent_is_laid_over_black():
    picture = Image.new("RGB", (SIDE, SIDE), (10, 20, 30))
    picture.paste((200, 100, 50), (0, 0, SIDE, SIDE // 2))
    found = decoded(saved(picture, transparency=(10, 20, 30))).pixels
    assert (found[0, 0].tolist(), found[-1, 0].tolist()) == ([200, 100, 50], [0, 0, 0])


def test_a_cmyk_jpeg_shows_its_colours():
    blue = Image.new("RGB", (SIDE, SIDE), (20, 60, 200)).convert("CMYK")
    found = decoded(saved(blue, "JPEG", quality=95))
    assert found.mode == "CMYK"
    np.testing.assert_allclose(found.pixels[SIDE // 2, SIDE // 2], (20, 60, 200), atol=6)


@pytest.mark.parametrize(("form", "mode"), [("PNG", "I;16"), ("TIFF", "I;16"), ("TIFF", "I;16B")])
def test_sixteen_bits_of_grey_are_divided_by_257(form: str, mode: str):
    values = np.linspace(0, 65535, SIDE * SIDE).astype(np.uint16).reshape(SIDE, SIDE)
    ordered = values.astype(">u2" if mode == "I;16B" else "<u2")
    found = decoded(saved(Image.frombytes(mode, (SIDE, SIDE), ordered.tobytes()), form))
    assert found.mode.startswith("I;16")
    np.testing.assert_array_equal(found.pixels[..., 2], np.rint(values / 257))


@pytest.mark.parametrize(("colour", "channels"), [(2, 3), (6, 4), (4, 2)])
def test_sixteen_bits_a_channel_are_within_one_grey_level(colour: int, channels: int):
    values = np.random.default_rng(3).integers(0, 65536, (SIDE, SIDE, channels)).astype(">u2")
    if channels in (2, 4):
        values[..., -1] = 65535
    found = decoded(png(SIDE, SIDE, 16, colour, b"".join(b"\0" + row.tobytes() for row in values)))
    shown = values[..., :3] if channels > 2 else values[..., :1]
    np.testing.assert_allclose(found.pixels, np.broadcast_to(shown / 257, (SIDE, SIDE, 3)), atol=1)


def test_sixteen_bits_a_channel_in_a_tiff_are_within_one_grey_level():
    import tifffile  # which scikit-image brings

    values, file = np.random.default_rng(4).integers(0, 65536, (SIDE, SIDE, 3)).astype(np.uint16), io.BytesIO()
    tifffile.imwrite(file, values, photometric="rgb")
    np.testing.assert_allclose(decoded(file.getvalue()).pixels, values / 257, atol=1)


def test_the_cameras_orientation_is_applied(rgb: np.ndarray):
    tags = Image.Exif()
    tags[0x0112] = 6  # turn clockwise
    found = decoded(saved(Image.fromarray(rgb[: SIDE - 4]), exif=tags))
    np.testing.assert_array_equal(found.pixels, np.rot90(rgb[: SIDE - 4], -1))
    assert (found.width, found.height) == (SIDE - 4, SIDE)


def test_of_several_frames_the_first_is_taken(rgb: np.ndarray):
    frames = [Image.fromarray(rgb), Image.fromarray(255 - rgb)]
    np.testing.assert_array_equal(decoded(saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])).pixels, rgb)


def float_tiff() -> bytes:
    return saved(Image.fromarray(np.full((SIDE, SIDE), 0.5, np.float32)), "TIFF")


def test_values_without_a_scale_are_refused_rather_than_shown_black():
    with pytest.raises(Unreadable, match="no scale"):
        decoded(float_tiff())
    with pytest.raises(Unreadable, match="no scale"):
        decoded(saved(Image.fromarray(np.full((SIDE, SIDE), 200, np.int32)), "TIFF"))


def huge() -> bytes:
    """30,000 x 30,000 pixels in a few kilobytes: not one row of them is there."""
    return png(30_000, 30_000, 8, 0, b"\0")


BAD = {
    "empty": (b"", "empty"),
    "text": (b"patient,label\n1,ALL\n", "not an image"),
    "zeros": (bytes(1000), "not an image"),
    "a program": (b"MZ" + bytes(500), "not an image"),
    "an SVG": (b"<svg xmlns='http://www.w3.org/2000/svg' width='100' height='100'/>", "not an image"),
    "a GIF, whose colours are too few": (saved(Image.new("RGB", (SIDE, SIDE)), "GIF"), "not an image"),
    "truncated BMP": (saved(Image.new("RGB", (450, 450)), "BMP")[:300_000], "damaged or cut short"),
    "truncated PNG": (saved(Image.effect_noise((SIDE, SIDE), 50))[:200], "damaged or cut short"),
    "truncated JPEG": (saved(Image.effect_noise((SIDE, SIDE), 50), "JPEG")[:400], "damaged or cut short"),
    "truncated TIFF": (saved(Image.effect_noise((SIDE, SIDE), 50), "TIFF")[:300], "."),
    "head of a BMP": (saved(Image.new("RGB", (SIDE, SIDE)), "BMP")[:20], "."),
    "1x1": (saved(Image.new("RGB", (1, 1))), "only 1 x 1 pixels"),
    "a thin strip": (saved(Image.new("RGB", (400, 15))), "only 400 x 15"),
    "30,000 x 30,000": (huge(), "."),
    "11,000 x 11,000": (png(11_000, 11_000, 8, 0, b"\0"), "11000 x 11000"),
    "a long strip, laid on a square": (png(3_000_000, 16, 8, 0, b"\0"), "3000000 x 16"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_refused_in_plain_words(name: str):
    content, words = BAD[name]
    with pytest.raises(Unreadable, match=words) as caught:
        prepared(content, 70)
    assert caught.value.hint
    assert "Traceback" not in str(caught.value)
    assert "0x" not in str(caught.value)


def test_a_huge_file_is_refused_unread(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(images, "MOST_BYTES", 1000)
    with pytest.raises(Unreadable, match="limit"):
        decoded(bytes(1001))


def test_many_threads_leave_the_warnings_as_they_were(rgb: np.ndarray):
    import warnings

    content = saved(Image.fromarray(rgb))
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decoded, [content] * 200))
    assert warnings.filters == before


def exact_average(picture: np.ndarray, size: int) -> np.ndarray:
    """Mean over the area under each new pixel, fractions of pixels included, in float64."""
    side = picture.shape[0]
    edges = np.linspace(0, side, size + 1)
    pixels = np.arange(side)
    overlap = np.minimum(pixels + 1, edges[1:, None]) - np.maximum(pixels, edges[:-1, None])
    weights = np.clip(overlap, 0, None) * size / side
    return np.einsum("iy,yxc,jx->ijc", weights, picture.astype(np.float64), weights, optimize=True)


@pytest.mark.parametrize(("side", "size"), [(140, 70), (210, 70), (450, 50)])
def test_shrinking_by_a_whole_number_averages_exactly(side: int, size: int):
    noise = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
    np.testing.assert_allclose(resized(noise, size), exact_average(noise, size), atol=1)  # rounded twice


@pytest.mark.parametrize("side", [450, 363])
@pytest.mark.parametrize("size", [70, 32])
def test_shrinking_drawn_cells_averages_the_area(side: int, size: int):
    for index in range(3):
        cell = draw(PhantomSpec(images=8, patients=2, size=side), index)
        assert np.abs(resized(cell, size) - exact_average(cell, size)).mean() <= 1


def test_shrinking_real_cells_averages_the_area(real_data: Path):
    files = sorted((real_data / "cnmc").rglob("UID_*.bmp"))[::10]
    for file in files:
        cell = decoded(file.read_bytes()).pixels
        exact = exact_average(cell, 70)
        assert np.abs(resized(cell, 70) - exact)[exact.sum(axis=2) > 30].mean() <= 1
    assert len(files) >= 9


def test_a_picture_of_the_right_size_is_left_alone(rgb: np.ndarray):
    np.testing.assert_array_equal(resized(rgb, SIDE), rgb)


def test_a_small_picture_grows(rgb: np.ndarray):
    flat = np.full((SIDE, SIDE, 3), 77, np.uint8)
    assert (resized(flat, 70) == 77).all()
    assert resized(rgb, 70).shape == (70, 70, 3)


@pytest.mark.parametrize(("height", "width", "where"), [(100, 40, np.s_[:, 30:70]), (40, 101, np.s_[30:70, :]), (41, 100, np.s_[29:70, :])])
def test_what_is_not_square_stands_in_the_middle_of_black(height: int, width: int, where: tuple[slice, slice]):
    side = max(height, width)
    found = resized(np.full((height, width, 3), 200, np.uint8), side)
    expected = np.zeros((side, side, 3), np.uint8)
    expected[where] = 200
    np.testing.assert_array_equal(found, expected)


def test_one_preprocessing_for_all(rgb: np.ndarray):
    content = saved(Image.fromarray(rgb))
    np.testing.assert_array_equal(prepared(content, 16), resized(rgb, 16))
