"""From bytes to a small square picture: the one preprocessing that import, training, benchmarks and uploads share."""

from __future__ import annotations

import io
import math
import struct
import threading
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from allcore.base.errors import Unreadable

FORMATS = ("BMP", "PNG", "JPEG", "TIFF", "WEBP")
SUFFIXES = (".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
SMALLEST_SIDE, LARGEST_SIDE = 16, 10_000
MOST_PIXELS = 25_000_000
"""More than cameras of microscopes have. A transparent picture of so many takes 1.5 s and 0.6 GB to be read."""
MOST_BYTES = 100_000_000

# Odd sizes and tags are judged below, in our own words. Once for all, since filters set and reset around each picture harm other threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

# A change to `resized` or `decoded` that alters pixels gets a new name, and so new caches.
TRANSFORM = "area-pad-v2"


@dataclass(frozen=True)
class Decoded:
    """A picture and what its file said of it."""

    pixels: np.ndarray
    """uint8 RGB, shape (height, width, 3)."""
    width: int
    height: int
    format: str
    mode: str


@dataclass(frozen=True)
class Prepared:
    """A picture as a data set keeps it, and what its file said of it."""

    pixels: np.ndarray
    """uint8 RGB, shape (size, size, 3)."""
    width: int
    height: int
    format: str
    mode: str
    whole: Image.Image | None = None
    """The picture before it was resized, as RGB, where all of it had to be decoded for that."""


def decoded(content: bytes) -> Decoded:
    """Decode an image file's bytes, which may be anything at all.

    Transparency is laid over black, as the cells of C-NMC are; 16-bit grey values are divided by 257; the camera's
    orientation is applied; of several frames the first is taken.

    Raises Unreadable, in words for the person who chose the file.
    """
    image, form, mode = _opened(content)
    pixels = np.asarray(image)
    return Decoded(pixels, pixels.shape[1], pixels.shape[0], form, mode)


def prepared(content: bytes | memoryview, size: int) -> np.ndarray:
    """Bytes of an image file to uint8 RGB (size, size, 3). Raises Unreadable."""
    return read(content, size).pixels


def read(content: bytes | memoryview, size: int, *, known: Decoded | None = None) -> Prepared:
    """Decode and resize in one go, `decoded` and `resized` without their copies. `known`: the same, decoded before. Raises Unreadable."""
    if found := _small_bitmap(content, size):
        small, side = found
        return Prepared(np.asarray(small), side, side, "BMP", "RGB")
    image, form, mode = (Image.fromarray(known.pixels), known.format, known.mode) if known else _opened(bytes(content))
    return Prepared(np.asarray(_resized(image, size)), image.width, image.height, form, mode, image)


def _opened(content: bytes) -> tuple[Image.Image, str, str]:
    """The picture as RGB, its file's format, and the mode it was stored in."""
    if not content:
        raise Unreadable("The file is empty.", "Save the picture again, or choose another.")
    if len(content) > MOST_BYTES:
        raise Unreadable(f"The file has {len(content) / 1e6:.0f} MB.", f"The limit is {MOST_BYTES / 1e6:.0f} MB.")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_size(image.width, image.height)
            form, mode = image.format or "", image.mode
            rgb = _as_rgb(image)
    except Unreadable:
        raise
    except UnidentifiedImageError as error:
        raise Unreadable("This is not an image that can be read here.", "Use PNG, JPEG, BMP, TIFF or WebP.") from error
    except Image.DecompressionBombError as error:
        raise Unreadable("The picture is far too large.", f"The limit is {MOST_PIXELS / 1e6:.0f} million pixels.") from error
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error, ... on damaged bytes
        raise Unreadable("The image file is damaged or cut short.", "Save the picture again, or choose another.") from error
    return rgb, form, mode


_HEADER = struct.Struct("<2s4x4xIIiiHHI")
_MOST_KEPT = 32
_own = threading.local()


def _small_bitmap(content: bytes | memoryview, size: int) -> tuple[Image.Image, int] | None:
    """A plain square 24-bit BMP, C-NMC's format, shrunk to `size`, and its side before; None for all else.

    Its bytes are the pixels. What a general decoder costs here is new memory for each copy, several times the work itself: only the
    part that is not black is decoded, into a picture that this thread uses again for the next.
    """
    if len(content) < _HEADER.size:
        return None
    magic, start, header, side, height, planes, bits, packing = _HEADER.unpack_from(content)
    stride = (3 * side + 3) // 4 * 4
    if (magic, header, planes, bits, packing, height) != (b"BM", 40, 1, 24, 0, side) or start < 54:
        return None
    if not max(SMALLEST_SIDE, size + 1) <= side <= LARGEST_SIDE or side * side > MOST_PIXELS:
        return None
    if not start + stride * side <= len(content) <= MOST_BYTES:
        return None
    lines = np.frombuffer(content, np.uint8, stride * side, start).reshape(side, stride)  # the lowest first
    blocks = _Blocks.of(side, size)
    if blocks.can_be_left_out:
        used = np.flatnonzero(np.maximum.reduce(lines, axis=1))
        if not len(used):
            return Image.new("RGB", (size, size)), side
        across = np.flatnonzero(np.bitwise_or.reduce(lines[used[0] : used[-1] + 1], axis=0)[: 3 * side])
        if not len(across):
            return Image.new("RGB", (size, size)), side
        left, top, right, bottom = blocks.around((across[0] // 3, side - 1 - used[-1], across[-1] // 3 + 1, side - used[0]))
    else:
        left, top, right, bottom = 0, 0, side, side
    part = _kept(right - left, bottom - top)
    begin = start + stride * (side - bottom) + 3 * left
    end = begin + stride * (bottom - top - 1) + 3 * (right - left)
    part.frombytes(memoryview(content)[begin:end], "raw", "BGR", stride, -1)
    return _averaged(part, (0, 0, *part.size), (left, top), blocks, size), side


def _kept(width: int, height: int) -> Image.Image:
    """A picture of this size to be overwritten, this thread's own."""
    kept = _own.__dict__.setdefault("kept", {})
    if (width, height) not in kept:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[width, height] = Image.new("RGB", (width, height))
    return kept[width, height]


def _check_size(width: int, height: int) -> None:
    if min(width, height) < SMALLEST_SIDE:
        raise Unreadable(f"The picture has only {width} x {height} pixels.", f"A cell needs at least {SMALLEST_SIDE} pixels a side.")
    # A long strip has few pixels, but not the square that it is laid on.
    if width * height > MOST_PIXELS or max(width, height) > LARGEST_SIDE:
        raise Unreadable(
            f"The picture has {width} x {height} pixels.",
            f"The limit is {LARGEST_SIDE:,} a side and {MOST_PIXELS / 1e6:.0f} million in all; crop it or scale it down.",
        )


def _as_rgb(image: Image.Image) -> Image.Image:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        grey = np.asarray(image).astype(np.float32) / 257
        return Image.fromarray(np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2))
    if image.mode in ("I", "F"):
        raise Unreadable("The picture's values are signed or have 32 bits: no scale is fixed.", "Save it with 8 or 16 bits a channel.")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        ground = Image.new("RGBA", over.size, (0, 0, 0, 255))
        image = Image.alpha_composite(ground, over)
    if image.mode != "RGB":
        image = image.convert("RGB")
    image.load()
    return image


def resized(pixels: np.ndarray, size: int) -> np.ndarray:
    """Scale a uint8 RGB picture (height, width, 3) to (size, size, 3).

    Shrinking averages the pixels under each new one (no aliasing); a pixel on an edge counts for one side alone, which on cells of
    C-NMC differs from the exact area by half a grey level on average. A picture that is not square is first centred on black.
    """
    return np.asarray(_resized(Image.fromarray(pixels), size))


def _resized(image: Image.Image, size: int) -> Image.Image:
    if image.width != image.height:
        side = max(image.size)
        square = Image.new("RGB", (side, side))
        square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        image = square
    if image.width < size:
        return image.resize((size, size), Image.Resampling.BICUBIC)
    return image if image.width == size else _shrunk(image, size)


@dataclass(frozen=True)
class _Blocks:
    """The smallest squares in which a whole number of a picture's pixels becomes a whole number of new ones."""

    wide: int
    """Pixels a side."""
    narrow: int
    """New pixels a side."""

    @classmethod
    def of(cls, side: int, size: int) -> _Blocks:
        count = math.gcd(side, size)
        return cls(side // count, size // count)

    @property
    def can_be_left_out(self) -> bool:
        """Whether each new pixel is the same, to the last bit, when blocks beside it are left out.

        It is where no pixel's centre lies on an edge between two new ones: there the last bit of a position decides.
        """
        return self.narrow % 2 == 1

    def around(self, box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """The edges (left, top, right, bottom) of the blocks that a box of pixels touches."""
        left, top, right, bottom = (int(edge) for edge in box)
        return (
            left // self.wide * self.wide,
            top // self.wide * self.wide,
            -(-right // self.wide) * self.wide,
            -(-bottom // self.wide) * self.wide,
        )


def _shrunk(image: Image.Image, size: int) -> Image.Image:
    """The area average of a square picture. Black around a cell, most of a C-NMC image, is left out, since its average is known."""
    blocks = _Blocks.of(image.width, size)
    inside = image.getbbox() if blocks.can_be_left_out else (0, 0, *image.size)
    if inside is None:
        return Image.new("RGB", (size, size))
    box = blocks.around(inside)
    return _averaged(image, box, box[:2], blocks, size)


def _averaged(image: Image.Image, box: tuple[int, int, int, int], at: tuple[int, int], blocks: _Blocks, size: int) -> Image.Image:
    """A box of whole blocks, averaged along the rows and then along the columns, whatever Pillow's own order, rounded after each.

    The box is what stands at `at` of a square picture that is otherwise black; that picture comes out, at `size`.
    """
    left, top, right, bottom = box
    columns, rows = (edge // blocks.wide * blocks.narrow for edge in (right - left, bottom - top))
    narrowed = image.resize((columns, bottom - top), Image.Resampling.BOX, box=box)
    part = narrowed.resize((columns, rows), Image.Resampling.BOX)
    if part.size == (size, size):
        return part
    small = Image.new("RGB", (size, size))
    small.paste(part, (at[0] // blocks.wide * blocks.narrow, at[1] // blocks.wide * blocks.narrow))
    return small
