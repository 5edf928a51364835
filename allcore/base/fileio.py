"""Reading and writing files so that a crash leaves the old content or the new, never half of either."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from allcore.base.errors import AllcoreError

SCHEMA_VERSION = 1
T = TypeVar("T")


def sync(path: Path) -> None:
    """Wait until a file's content is on the disk, so that a name written later never stands for half of it."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it takes `path`'s place when the block ends well, and is removed when it does not."""
    aside = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield aside
        sync(aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """A new folder beside `path`; it becomes `path` when the block ends well, and is removed when it does not.

    Raises FileExistsError where `path` exists by then.
    """
    aside = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    aside.mkdir(parents=True)
    try:
        yield aside
        if path.exists():
            raise FileExistsError(path)
        os.rename(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Delete a folder so that readers see all of it or nothing of it."""
    aside = path.with_name(f".{path.name}.{uuid4().hex[:8]}.gone")
    os.rename(path, aside)
    shutil.rmtree(aside, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole."""
    with replacing(path) as aside:
        aside.write_bytes(content)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON document whole, with its `schema_version`."""
    text = json.dumps({"schema_version": SCHEMA_VERSION, **document}, indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, text.encode() + b"\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON document of ours.

    Raises FileNotFoundError where there is none, AllcoreError where it can't be understood or is of a later version.
    """
    content = path.read_bytes()
    try:
        document = json.loads(content)
        version = document["schema_version"]
        is_later = version > SCHEMA_VERSION
    except (ValueError, KeyError, TypeError) as error:
        raise AllcoreError(f"{path.name} in {path.parent.name} is damaged.", "Delete that folder, or restore it from a copy.") from error
    if is_later:
        raise AllcoreError(f"{path.name} in {path.parent.name} was written by a later version.", "Update this software.")
    return document


def remembered(parse: Callable[[Path], T], *, most: int) -> Callable[[Path], T]:
    """`parse`, called again for a file only when that has changed; what it gives is shared and must not be altered.

    Keeps what the `most` files read last gave.
    """

    @lru_cache(maxsize=most)
    def parsed(path: Path, _mtime_ns: int, _size: int, _inode: int) -> T:
        return parse(path)

    def read(path: Path) -> T:
        facts = path.stat()
        # Clocks of file systems tick in milliseconds; a file that was replaced has another inode.
        return parsed(path, facts.st_mtime_ns, facts.st_size, facts.st_ino)

    return read


read_json_cached = remembered(read_json, most=512)
"""As `read_json`, parsed again only when the file has changed."""


def append_json_line(path: Path, record: dict[str, Any]) -> None:
    """Append one line of JSON in a single write, so that lines of two writers never mix; a torn last line is closed first."""
    line = json.dumps(record, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    with open(path, "ab+", buffering=0) as file:
        if end := file.tell():
            file.seek(end - 1)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """All whole lines of a JSON-lines file; a torn last line, or one spoilt by a power cut, is left out."""
    records = []
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return records
    for line in content.split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def is_full(error: BaseException) -> bool:
    """Whether an error, or one that caused it, says that the disk is full; HDF5 tells it in words alone."""
    seen: BaseException | None = error
    while seen is not None:
        if getattr(seen, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def read_tail(path: Path, size: int = 8192) -> str:
    """The last `size` bytes of a text file, '' where there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
