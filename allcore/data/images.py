"""From bytes to a small square picture: the one preprocessing that import, training, benchmarks and uploads share."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from allcore.base.errors import Unreadable

FORMATS = ("BMP", "PNG", "JPEG", "TIFF", "WEBP")
SUFFIXES = (".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
SMALLEST_SIDE, LARGEST_SIDE = 16, 10_000
MOST_PIXELS = 50_000_000
MOST_BYTES = 100_000_000

# Odd sizes and tags are judged below, in our own words. Once for all, since filters set and reset around each picture harm other threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

# A change to `resized` or `decoded` that alters pixels gets a new name, and so new caches.
TRANSFORM = "area-pad-v1"


@dataclass(frozen=True)
class Decoded:
    """A picture and what its file said of it."""

    pixels: np.ndarray
    """uint8 RGB, shape (height, width, 3)."""
    width: int
    height: int
    format: str
    mode: str


def decoded(content: bytes) -> Decoded:
    """Decode an image file's bytes, which may be anything at all.

    Transparency is laid over black, as the cells of C-NMC are; 16-bit grey values are divided by 257; the camera's
    orientation is applied; of several frames the first is taken.

    Raises Unreadable, in words for the person who chose the file.
    """
    if not content:
        raise Unreadable("The file is empty.", "Save the picture again, or choose another.")
    if len(content) > MOST_BYTES:
        raise Unreadable(f"The file has {len(content) / 1e6:.0f} MB.", f"The limit is {MOST_BYTES / 1e6:.0f} MB.")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_size(image.width, image.height)
            form, mode = image.format or "", image.mode
            pixels = _as_rgb(image)
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
    return Decoded(pixels, pixels.shape[1], pixels.shape[0], form, mode)


def _check_size(width: int, height: int) -> None:
    if min(width, height) < SMALLEST_SIDE:
        raise Unreadable(f"The picture has only {width} x {height} pixels.", f"A cell needs at least {SMALLEST_SIDE} pixels a side.")
    # A long strip has few pixels, but not the square that it is laid on.
    if width * height > MOST_PIXELS or max(width, height) > LARGEST_SIDE:
        raise Unreadable(
            f"The picture has {width} x {height} pixels.",
            f"The limit is {LARGEST_SIDE:,} a side and {MOST_PIXELS / 1e6:.0f} million in all; crop it or scale it down.",
        )


def _as_rgb(image: Image.Image) -> np.ndarray:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        grey = np.asarray(image).astype(np.float32) / 257
        return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise Unreadable("The picture's values are signed or have 32 bits: no scale is fixed.", "Save it with 8 or 16 bits a channel.")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        ground = Image.new("RGBA", over.size, (0, 0, 0, 255))
        image = Image.alpha_composite(ground, over)
    return np.asarray(image.convert("RGB"))


def resized(pixels: np.ndarray, size: int) -> np.ndarray:
    """Scale a uint8 RGB picture (height, width, 3) to (size, size, 3).

    Shrinking averages the pixels under each new one (no aliasing); a pixel on an edge counts for one side alone, which on cells of
    C-NMC differs from the exact area by half a grey level on average. A picture that is not square is first centred on black.
    """
    height, width = pixels.shape[:2]
    if height != width:
        side = max(height, width)
        square = np.zeros((side, side, 3), np.uint8)
        top, left = (side - height) // 2, (side - width) // 2
        square[top : top + height, left : left + width] = pixels
        pixels = square
    if pixels.shape[0] == size:
        return pixels
    method = Image.Resampling.BOX if pixels.shape[0] > size else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(pixels).resize((size, size), method))


def prepared(content: bytes, size: int) -> np.ndarray:
    """Bytes of an image file to uint8 RGB (size, size, 3). Raises Unreadable."""
    return resized(decoded(content).pixels, size)
