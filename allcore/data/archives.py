"""Zip files from anybody: looked through before a byte is unpacked, and refused whole where anything is wrong with them."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from allcore.base.errors import BadInput
from allcore.data import images
from allcore.data.importers import manifest, medmnist
from allcore.data.importers.listing import is_image
from allcore.data.progress import Progress, silent

SUFFIX = ".zip"


@dataclass(frozen=True)
class Limits:
    """What a zip may ask of this machine. C-NMC 2019 has 15,115 files and 11 GB, and is packed to a seventh or less."""

    entries: int = 200_000
    bytes: int = 100_000_000_000
    """Of all files together, unpacked."""
    ratio: int = 100
    """Unpacked to packed size, for what is beyond `free_bytes`: pictures of cells on black reach 30, zeros 1,000."""
    free_bytes: int = 100_000_000
    left_on_disk: int = 1_000_000_000
    """What must remain free on the disk."""


LIMITS = Limits()


@dataclass(frozen=True)
class Packed:
    """A zip in memory, to be looked at as one on disk is."""

    name: str
    content: bytes


_PIECE = 1 << 20
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_ANEW = "Make the zip anew from the folder of images, without password or links, by the usual method."
_END, _END_64, _LOCATOR_64 = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_LONGEST_ENTRY = 400
"""Bytes that an entry of the directory takes at most, on average; a name and its extras have 100 or so."""
_TABLE_BYTES = {**dict.fromkeys(manifest.SUFFIXES, manifest.MOST_BYTES), medmnist.SUFFIX: 20_000_000_000}


def is_archive(path: Path) -> bool:
    """Whether a file has the ending of a zip."""
    return path.suffix.lower() == SUFFIX and path.is_file()


def pictures(packed: Packed, *, limits: Limits = LIMITS) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each picture in a zip that somebody sent, one by one; nothing is written.

    Raises BadInput as `shown` does, before the first; a damaged entry comes out as no bytes.
    """
    wanted = shown(packed, limits=limits)
    with _opened(packed) as archive:
        for entry in wanted:
            try:
                content = archive.read(entry)
            except (*_DAMAGED, OSError):
                content = b""
            yield "/".join(_parts(entry.filename)), content


def shown(packed: Packed, *, limits: Limits = LIMITS) -> list[zipfile.ZipInfo]:
    """The entries of a zip that are pictures. Raises BadInput as `checked` does, and where there are none."""
    found = [entry for entry in checked(packed, limits=limits) if is_image(_parts(entry.filename)[-1])]
    if not found:
        raise BadInput(f"{packed.name} holds no picture.", f"Pictures end in {', '.join(images.SUFFIXES)}.")
    return found


def is_zip(name: str, content: bytes) -> bool:
    """Whether a file that was sent is a zip, or says so."""
    return content.startswith(b"PK\3\4") or name.lower().endswith(SUFFIX)


def checked(path: Path | Packed, *, limits: Limits = LIMITS, room: Path | None = None) -> list[zipfile.ZipInfo]:
    """The entries of a zip that are worth unpacking: pictures, tables and `.npz` files that are not hidden. Nothing is unpacked.

    `room` is a folder on the disk that is to hold them.

    Raises BadInput where the file is no zip, one entry has a name that leads out of a folder, is a link, a device or locked, two have
    one name, or all together pass the limits. The number of entries is known before the directory is read.
    """
    _require_few_entries(path, limits)
    with _opened(path) as archive:
        entries = archive.infolist()
    if len(entries) > limits.entries:
        raise _too_many(path, len(entries), limits)
    _require_honest_names(path, entries)
    for entry in entries:
        _require_plain(path, entry)
    _require_bearable(path, entries, limits, room)
    wanted = [entry for entry in entries if not entry.is_dir() and _is_wanted(entry.filename)]
    if not wanted:
        inner = any(entry.filename.lower().endswith(SUFFIX) for entry in entries)
        raise BadInput(
            f"{path.name} holds no picture.",
            "It holds further zips: unpack it, and import those." if inner else f"Pictures end in {', '.join(images.SUFFIXES)}.",
        )
    for entry in wanted:
        ending = os.path.splitext(entry.filename.lower())[1]
        most = _TABLE_BYTES.get(ending, images.MOST_BYTES)
        if entry.file_size > most:
            raise _refused(path, f"{entry.filename} has {entry.file_size / 1e6:,.0f} MB", f"The limit is {most / 1e6:,.0f} MB.")
    return wanted


def unpack(path: Path, folder: Path, *, limits: Limits = LIMITS, progress: Progress = silent) -> None:
    """Check a zip and unpack what is worth it into a new folder. Raises BadInput; what was unpacked by then is the caller's to remove."""
    folder.mkdir(parents=True)
    wanted = checked(path, limits=limits, room=folder)
    whole, done = sum(entry.file_size for entry in wanted) or 1, 0
    with _opened(path) as archive:
        for number, entry in enumerate(wanted):
            target = folder.joinpath(*_parts(entry.filename))
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as packed, open(target, "xb") as file:
                    shutil.copyfileobj(packed, file, _PIECE)
                    written = file.tell()
            except _DAMAGED as error:
                raise BadInput(f"{entry.filename} in {path.name} is damaged.", "Fetch or make the zip again.") from error
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENAMETOOLONG):  # a place before the file's begin; a name beyond 255 bytes
                    raise
                raise BadInput(f"{entry.filename[:80]} in {path.name} is damaged, or its name too long.", _ANEW) from error
            if written != entry.file_size:
                raise BadInput(f"{entry.filename} in {path.name} is damaged.", "Fetch or make the zip again.")
            done += written
            if number % 100 == 0:
                progress(done / whole, f"Unpacking: {number:,} of {len(wanted):,} files")


def _file(path: Path | Packed) -> BinaryIO:
    return io.BytesIO(path.content) if isinstance(path, Packed) else open(path, "rb")


def _size(path: Path | Packed) -> int:
    return len(path.content) if isinstance(path, Packed) else path.stat().st_size


def _refused(path: Path | Packed, why: str, hint: str) -> BadInput:
    return BadInput(f"{path.name} was not unpacked: {why}.", hint)


def _too_many(path: Path | Packed, count: int, limits: Limits) -> BadInput:
    return _refused(path, f"it has {count:,} entries", f"The limit is {limits.entries:,}.")


def _opened(path: Path | Packed) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(path.content) if isinstance(path, Packed) else path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, struct.error) as error:
        raise BadInput(f"{path.name} is damaged, or no zip.", "Fetch or make it again.") from error


def _require_few_entries(path: Path | Packed, limits: Limits) -> None:
    """By the few bytes at the end of the file: a directory of a million entries takes a gigabyte of memory once it is read."""
    with _file(path) as file:
        length = file.seek(0, os.SEEK_END)
        reach = min(length, _END.size + 0xFFFF)
        file.seek(length - reach)
        tail = file.read(reach)
        at = len(tail) - _END.size if tail[-_END.size :].startswith(b"PK\5\6") and tail.endswith(b"\0\0") else tail.rfind(b"PK\5\6")
        if at < 0 or len(tail) - at < _END.size:
            raise BadInput(f"{path.name} is damaged, or no zip.", "Fetch or make it again.")
        _, _, _, _, count, size, _, _ = _END.unpack_from(tail, at)
        place = length - reach + at - _LOCATOR_64.size
        if place >= _END_64.size:
            file.seek(place)
            magic, _, where, _ = _LOCATOR_64.unpack(file.read(_LOCATOR_64.size))
            if magic == b"PK\6\7":
                file.seek(min(where, length))
                record = file.read(_END_64.size)
                if len(record) < _END_64.size or not record.startswith(b"PK\6\6"):
                    raise BadInput(f"{path.name} is damaged, or no zip.", "Fetch or make it again.")
                *_, count_64, size_64, _ = _END_64.unpack(record)
                count, size = max(count_64, count if count != 0xFFFF else 0), max(size_64, size if size != 0xFFFFFFFF else 0)
    if count > limits.entries:
        raise _too_many(path, count, limits)
    if size > limits.entries * _LONGEST_ENTRY:
        raise _refused(path, f"its directory alone has {size / 1e6:,.0f} MB", f"The limit is {limits.entries:,} entries.")


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def _is_wanted(name: str) -> bool:
    parts = _parts(name)
    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return False
    return is_image(parts[-1]) or parts[-1].lower().endswith((*manifest.SUFFIXES, medmnist.SUFFIX))


def _require_honest_names(path: Path | Packed, entries: list[zipfile.ZipInfo]) -> None:
    files: set[tuple[str, ...]] = set()
    above: set[tuple[str, ...]] = set()
    for entry in entries:
        # What was written and not what zipfile makes of it: it cuts a name at a NUL.
        name = entry.orig_filename.replace("\\", "/")
        if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/") or re.search(r"[\0-\x1f]", name):
            raise _refused(path, f"its entry {name!r} would be written outside the data set", _ANEW)
        parts = tuple(part.lower() for part in _parts(name))  # lower: the disk may not tell case apart
        if not parts:
            raise _refused(path, "one of its entries has no name", _ANEW)
        if not entry.is_dir():
            if parts in files:
                raise _refused(path, f"it has two entries called {name!r}", _ANEW)
            files.add(parts)
        above.update(parts[:depth] for depth in range(1, len(parts)))
    if both := files & above:
        raise _refused(path, f"{'/'.join(min(both))!r} is both a file and a folder", _ANEW)


def _require_plain(path: Path | Packed, entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if kind == stat.S_IFLNK else "no file"
        raise _refused(path, f"its entry {entry.filename!r} is {what}", _ANEW)
    if entry.flag_bits & 0x1:
        raise _refused(path, f"its entry {entry.filename!r} is locked by a password", _ANEW)
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(path, f"its entry {entry.filename!r} is packed in an unusual way", _ANEW)


def _require_bearable(path: Path | Packed, entries: list[zipfile.ZipInfo], limits: Limits, room: Path | None) -> None:
    # Of declared sizes, beyond which zipfile reads nothing. The packed size is the file's: entries may claim the same bytes.
    whole, packed = sum(entry.file_size for entry in entries), _size(path)
    if whole > limits.bytes:
        raise _refused(path, f"it would take {whole / 1e9:,.0f} GB", f"The limit is {limits.bytes / 1e9:,.0f} GB.")
    if whole > limits.free_bytes + limits.ratio * packed:
        raise _refused(
            path,
            f"{packed / 1e6:,.1f} MB would become {whole / 1e9:,.1f} GB, as no pictures do",
            f"The limit is {limits.ratio} times the zip's own size.",
        )
    if room is not None and whole > (free := shutil.disk_usage(room).free) - limits.left_on_disk:
        raise _refused(path, f"it would take {whole / 1e9:,.1f} GB of the {free / 1e9:,.1f} GB that are free", "Make room on the disk.")
