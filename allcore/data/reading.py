"""Many image files read, hashed, decoded, resized and checked, on all cores, each file once."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allcore.base.errors import Unreadable
from allcore.data import cache, images

FACTS = ("width", "height", "bytes", "format", "mode", "sha256")
"""What is told of each file, as the records name it."""

_AT_ONCE = 16
_BUFFER = 4_000_000
_own = threading.local()


@dataclass(frozen=True)
class Read:
    """One image."""

    facts: dict[str, Any]
    """By the names in FACTS."""
    pixels: np.ndarray
    """uint8 (DEFAULT_SIZE, DEFAULT_SIZE, 3)."""


def read_all(root: Path, image_ids: list[str]) -> Iterator[Read | Unreadable]:
    """Outcomes in the order of the ids, a bounded number of files ahead.

    Threads suffice: reading, hashing, decoding and resizing leave the interpreter to others.
    """
    workers = cores()
    pool = ThreadPoolExecutor(max_workers=workers)
    waiting: deque = deque()
    try:
        for start in range(0, len(image_ids), _AT_ONCE):
            waiting.append(pool.submit(_read_some, root, image_ids[start : start + _AT_ONCE]))
            if len(waiting) > 4 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read_some(root: Path, image_ids: list[str]) -> list[Read | Unreadable]:
    return [_read(os.path.join(root, image_id)) for image_id in image_ids]


def _read(path: str) -> Read | Unreadable:
    try:
        content = _content(path)
    except OSError as error:
        return Unreadable(f"The file can't be opened ({error.strerror}).")
    try:
        picture = images.read(content, cache.DEFAULT_SIZE)
    except Unreadable as error:
        return error
    facts = {
        "width": picture.width,
        "height": picture.height,
        "bytes": len(content),
        "format": picture.format,
        "mode": picture.mode,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return Read(facts, picture.pixels)


def _content(path: str) -> bytes | memoryview:
    """A file's bytes, valid until this thread reads the next. New memory for each would cost as much as the reading."""
    with open(path, "rb", buffering=0, opener=_at_once) as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(None, "not a regular file")
        if facts.st_size >= _BUFFER:
            return file.read(min(facts.st_size, images.MOST_BYTES) + 1)
        buffer = getattr(_own, "buffer", None)
        if buffer is None:
            buffer = _own.buffer = memoryview(bytearray(_BUFFER))
        length = 0
        while count := file.readinto(buffer[length:]):
            length += count
    return buffer[:length]


def _at_once(path: str, flags: int) -> int:
    # A named pipe that nobody writes to would otherwise be waited for.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
