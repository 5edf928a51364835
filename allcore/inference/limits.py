"""Limits on what may be sent to be judged: all in one place, and in words."""

from __future__ import annotations

from allcore.data import archives, images

FILES = 5000
"""Pictures in one go, those in zips counted."""
FILE_BYTES = 500_000_000
"""Of one file, a zip say; a picture's own limit is images.MOST_BYTES."""
TOGETHER_BYTES = 2_000_000_000
"""Of all files sent to the page at once, which are in memory together."""
SECONDS = 900.0
"""After which the rest of a batch is left."""
PASTED_BYTES = 20_000_000
"""Of a picture from the clipboard, which comes as text."""
REQUEST_FILES = 1000
"""In one request over HTTP: what Starlette, which receives them, allows."""
REQUEST_BYTES = 500_000_000
CELLS = 1000
"""White cells of one picture; no smear has more."""
ZIPS = archives.Limits(entries=FILES, bytes=4 * FILE_BYTES, left_on_disk=0)


def _mb(count: int) -> str:
    return f"{count // 1_000_000:,} MB"


PICTURE = (
    f"{images.SMALLEST_SIDE} to {images.LARGEST_SIDE:,} pixels a side, {images.MOST_PIXELS // 1_000_000} million in all, "
    f"{_mb(images.MOST_BYTES)}"
)
"""What one picture may be, in words."""
BATCH = f"{FILES:,} pictures, {SECONDS / 60:.0f} minutes"
"""What one batch may be, in words."""
IN_WORDS = f"A picture: {PICTURE}. At once: {BATCH}, {_mb(FILE_BYTES)} a file, {_mb(TOGETHER_BYTES)} together."
FOLDER = f"A picture: {PICTURE}. At once: {BATCH}, {_mb(TOGETHER_BYTES)} together."
PASTED = f"A picture: {images.SMALLEST_SIDE} to {images.LARGEST_SIDE:,} pixels a side, {_mb(PASTED_BYTES)}."
REQUEST = (
    f"A picture: {PICTURE}. In one request: {REQUEST_FILES:,} files, {FILES:,} pictures, {_mb(REQUEST_BYTES)}, {SECONDS / 60:.0f} minutes."
)
