"""Zips that mean harm are refused before a byte is unpacked."""

from __future__ import annotations

import io
import os
import stat
import struct
import time
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.data import archives, importing
from allcore.data.archives import Limits

WELL_BEHAVED = ("ill/1.png", "ill/2.png", "well/1.png", "well/2.png")


def picture() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (20, 20), (90, 10, 30)).save(content, "png")
    return content.getvalue()


def zipped(path: Path, *names: str | zipfile.ZipInfo, content: bytes | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, picture() if content is None else content)
    return path


def raw_name(path: Path, name: bytes) -> Path:
    """A zip with one entry of exactly this name, which zipfile itself would have smoothed."""
    zipped(path, "x" * len(name))
    path.write_bytes(path.read_bytes().replace(b"x" * len(name), name))
    return path


def refused(path: Path, artifacts: Artifacts, words: str) -> None:
    """Neither the check nor the import takes it, and nothing is left."""
    with pytest.raises(BadInput, match=words) as caught:
        archives.checked(path)
    assert caught.value.hint
    before = {file for file in path.parent.parent.rglob("*") if artifacts.root not in file.parents}
    with pytest.raises(BadInput, match=words):
        importing.import_folder(artifacts, path, "mine")
    assert {file for file in path.parent.parent.rglob("*") if artifacts.root not in file.parents} == before
    assert not artifacts.datasets.exists() or not list(artifacts.datasets.iterdir())


@pytest.fixture
def zips(tmp_path: Path) -> Path:
    (tmp_path / "zips").mkdir()
    return tmp_path / "zips"


def test_a_zip_becomes_a_data_set_with_images_of_its_own(artifacts: Artifacts, zips: Path):
    path = zipped(zips / "cells.zip", *WELL_BEHAVED, "__MACOSX/ill/._1.png", "ill/.hidden.png", "readme.txt", "run.sh")
    card = importing.import_folder(artifacts, path, "mine")
    own = artifacts.dataset("mine").images
    assert sorted(file.relative_to(own).as_posix() for file in own.rglob("*") if file.is_file()) == sorted(WELL_BEHAVED)
    assert (card.root, card.classes, card.packed["name"]) == ("", {"ill": 2, "well": 2}, "cells.zip")
    path.unlink()
    assert importing.reading.read_all(own, list(WELL_BEHAVED)).__next__().facts["width"] == 20


@pytest.mark.parametrize(
    "name",
    [
        b"../evil.png",
        b"a/../../evil.png",
        b"/etc/evil.png",
        b"//host/evil.png",
        b"C:\\evil.png",
        b"C:evil.png",
        b"..\\evil.png",
        b"a\\..\\..\\evil.png",
        b"\\evil.png",
        b"a/..",
        b"ok.png\0/../evil.png",
        b"a\nb.png",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(artifacts: Artifacts, zips: Path, name: bytes):
    refused(raw_name(zips / "a.zip", name), artifacts, "would be written outside")


def special(name: str, kind: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (kind | 0o777) << 16
    return entry


@pytest.mark.parametrize(("kind", "words"), [(stat.S_IFLNK, "is a link"), (stat.S_IFIFO, "is no file"), (stat.S_IFCHR, "is no file")])
def test_links_and_devices_are_refused(artifacts: Artifacts, zips: Path, kind: int, words: str):
    path = zips / "a.zip"
    zipped(path, *WELL_BEHAVED, special("ill/3.png", kind), content=b"/etc/passwd")
    refused(path, artifacts, words)


def test_a_locked_entry_is_refused(artifacts: Artifacts, zips: Path):
    path = zipped(zips / "a.zip", *WELL_BEHAVED)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    refused(path, artifacts, "locked by a password")


def test_unusual_packing_is_refused(artifacts: Artifacts, zips: Path):
    with zipfile.ZipFile(zips / "a.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("ill/1.png", picture())
    refused(zips / "a.zip", artifacts, "unusual way")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("ill/1.png", "ill/1.png"), "two entries called"),
        (("ill/1.png", "ILL/1.PNG"), "two entries called"),
        (("ill/1.png", "ill//./1.png"), "two entries called"),
        (("ill", "ill/1.png"), "both a file and a folder"),
    ],
)
def test_names_that_would_meet_are_refused(artifacts: Artifacts, zips: Path, names: tuple[str, ...], words: str):
    refused(zipped(zips / "a.zip", *names), artifacts, words)


class Zeros(io.RawIOBase):
    """So many zeros, without the memory."""

    def __init__(self, count: int):
        self.left = count

    def read(self, size: int = -1) -> bytes:
        given = min(self.left, size)
        self.left -= given
        return bytes(given)


def test_ten_gigabytes_of_zeros_are_refused_unread(artifacts: Artifacts, zips: Path, monkeypatch: pytest.MonkeyPatch):
    # 100 MB in truth, made to say that each of a hundred entries is the same hundred megabytes.
    path = zips / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(100):
            archive.writestr(f"ill/{number}.png", bytes(10_000))
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\1\2")
    while content[at : at + 4] == b"PK\1\2":
        struct.pack_into("<I", content, at + 24, 100_000_000)
        at += 46 + sum(struct.unpack_from("<3H", content, at + 28))
    path.write_bytes(content)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("an entry was opened"))
    refused(path, artifacts, r"would become 10\.0 GB, as no pictures do")


def test_zeros_that_lie_about_their_length_end_at_it(artifacts: Artifacts, zips: Path):
    path = zips / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive, archive.open("ill/1.png", "w") as entry:
        stream = Zeros(50_000_000)
        while piece := stream.read(1 << 20):
            entry.write(piece)
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.index(b"PK\1\2") + 24, 1000)  # 'a thousand bytes'
    path.write_bytes(content)
    with pytest.raises(BadInput, match="is damaged"):
        importing.import_folder(artifacts, path, "mine")
    assert list(artifacts.datasets.iterdir()) == []


def many_entries(path: Path, count: int) -> Path:
    """A zip whose directory has so many empty entries; written by hand, since zipfile would take minutes."""
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 9, 0) + b"ill/a.png"
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(head)
        size = 0
        for start in range(0, count, 10_000):
            names = [b"%08d.png" % number for number in range(start, min(count, start + 10_000))]
            size += file.write(b"".join(entry + name for name in names))
        place = len(head) + size
        file.write(struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, len(head)))
        file.write(struct.pack("<4sLQL", b"PK\6\7", 0, place, 1))
        file.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    return path


def test_a_million_entries_are_refused_before_their_directory_is_read(zips: Path):
    path = many_entries(zips / "a.zip", 1_000_000)
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(BadInput, match="1,000,000 entries"):
        archives.checked(path)
    assert time.process_time() - began < 0.5
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_the_hand_made_directory_is_one_that_zipfile_reads(zips: Path):
    assert len(zipfile.ZipFile(many_entries(zips / "a.zip", 300)).infolist()) == 300
    with pytest.raises(BadInput, match="300 entries"):
        archives.checked(zips / "a.zip", limits=Limits(entries=299))


def test_a_directory_that_understates_its_number_is_refused_too(zips: Path):
    path = many_entries(zips / "a.zip", 50_000)
    content = bytearray(path.read_bytes())
    struct.pack_into("<2Q", content, content.rindex(b"PK\6\6") + 24, 3, 3)
    path.write_bytes(content)
    with pytest.raises(BadInput, match="directory alone"):
        archives.checked(path, limits=Limits(entries=1000))
    with pytest.raises(BadInput, match="50,000 entries"):
        archives.checked(path, limits=Limits(entries=40_000))


def test_limits_of_size_and_room_are_told(zips: Path, monkeypatch: pytest.MonkeyPatch):
    path = zipped(zips / "a.zip", *WELL_BEHAVED)
    with pytest.raises(BadInput, match="it would take"):
        archives.checked(path, limits=Limits(bytes=100))
    with pytest.raises(BadInput, match="that are free"):
        archives.checked(path, limits=Limits(left_on_disk=10**18), room=zips)
    monkeypatch.setattr(archives.images, "MOST_BYTES", 10)
    with pytest.raises(BadInput, match=r"ill/1\.png has"):
        archives.checked(path)


def test_a_zip_of_zips_and_an_empty_one_are_told_apart(artifacts: Artifacts, zips: Path):
    refused(zipped(zips / "a.zip", "fold_0.zip", "fold_1.zip"), artifacts, "holds no picture")
    with pytest.raises(BadInput, match="further zips"):
        archives.checked(zips / "a.zip")
    refused(zipped(zips / "b.zip"), artifacts, "holds no picture")


def test_a_damaged_entry_leaves_nothing(artifacts: Artifacts, zips: Path):
    path = zipped(zips / "a.zip", *WELL_BEHAVED)
    content = bytearray(path.read_bytes())
    content[content.index(b"well/1.png") + 15] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"well/1\.png in a\.zip is damaged"):
        importing.import_folder(artifacts, path, "mine")
    assert list(artifacts.datasets.iterdir()) == []


def test_entries_that_begin_before_the_file_are_told(artifacts: Artifacts, zips: Path):
    path = zipped(zips / "a.zip", *WELL_BEHAVED)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\5\6") + 16
    struct.pack_into("<I", content, at, struct.unpack_from("<I", content, at)[0] + 200)
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"ill/1\.png in a\.zip is damaged"):
        importing.import_folder(artifacts, path, "mine")


def test_a_name_too_long_for_the_disk_is_told(artifacts: Artifacts, zips: Path):
    path = zipped(zips / "a.zip", *WELL_BEHAVED, "ill/" + 300 * "a" + ".png")
    with pytest.raises(BadInput, match="its name too long"):
        importing.import_folder(artifacts, path, "mine")
    assert list(artifacts.datasets.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\5\6", b"PK\5\6" + bytes(18) + b"tail", os.urandom(500), b"PK\3\4" + bytes(200)])
def test_what_is_no_zip_is_told(artifacts: Artifacts, zips: Path, content: bytes):
    (zips / "a.zip").write_bytes(content)
    with pytest.raises(BadInput, match=r"no zip|holds no picture"):
        archives.checked(zips / "a.zip")


names = st.text(st.sampled_from("ab./\\:C é~"), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(names.map(lambda name: name + ".png"), min_size=1, max_size=4))
@example(["..", "a/../../b.png"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_whatever_the_names_nothing_is_written_elsewhere(tmp_path_factory: pytest.TempPathFactory, found: list[str]):
    root = tmp_path_factory.mktemp("any")
    path = zipped(root / "a.zip", *found)
    with suppress(BadInput):
        archives.unpack(path, root / "in" / "here")
    outside = [file for file in root.rglob("*") if file.is_file() and root / "in" / "here" not in file.parents]
    assert outside == [path]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_spoilt_zip_is_refused_in_words_or_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    root = tmp_path_factory.mktemp("spoilt")
    path = zipped(root / "a.zip", *WELL_BEHAVED)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    with suppress(BadInput):  # and nothing else
        archives.unpack(path, root / "in")
