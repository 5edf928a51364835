"""The second import of the same content, full disks, and imports that were killed."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from allcore.base.errors import AllcoreError, BadInput
from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts
from allcore.data import archives, cache, images, importing, reading, records, reuse
from allcore.data.importers import Options


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    for number in range(8):
        path = root / ("ill" if number % 2 else "well") / f"P{number // 2}_{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (30, 30, 3), dtype=np.uint8)).save(path)
    settle()
    return root


def settle() -> None:
    """Until no file is so young that it might change unseen."""
    time.sleep(2 * reuse._YOUNG_NS / 1e9)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the image files that were read."""
    seen: list[str] = []
    real = reading._read
    monkeypatch.setattr(reading, "_read", lambda path: (seen.append(os.path.basename(path)), real(path))[1])
    return seen


def pixels_are_right(artifacts: Artifacts, name: str) -> None:
    paths = artifacts.dataset(name)
    table, pixels = records.read_records(paths), cache.opened(paths)
    root = records.image_root(paths, records.read_card(paths))
    assert len(table) == len(pixels) == len(np.load(paths.stamps))
    for row, image_id in enumerate(table["image_id"]):
        np.testing.assert_array_equal(pixels[row], images.prepared((root / image_id).read_bytes(), cache.DEFAULT_SIZE))


def test_the_second_import_reads_nothing_and_shares_all_pixels(artifacts: Artifacts, source: Path, read: list[str]):
    one = importing.import_folder(artifacts, source, "one")
    cache.opened(artifacts.dataset("one"), 40)
    assert len(read) == 8
    two = importing.import_folder(artifacts, source, "two", options=Options(patient_pattern="(?P<patient>P.)", positive="well"))
    assert len(read) == 8
    assert (two.subjects, two.positive, one.subjects) == ({"ill": 4, "well": 4}, "well", {})
    for size in (70, 40):
        file, other = (artifacts.dataset(name).pixels(cache.key(size)) for name in ("one", "two"))
        assert os.path.samefile(file, other)
    importing.delete(artifacts, "one")
    pixels_are_right(artifacts, "two")


def test_what_has_changed_is_read_and_nothing_else(artifacts: Artifacts, source: Path, read: list[str]):
    importing.import_folder(artifacts, source, "one")
    read.clear()
    Image.new("RGB", (30, 30), (1, 2, 3)).save(source / "ill" / "P0_1.png")
    (source / "ill" / "P1_3.png").unlink()
    Image.new("RGB", (30, 30), (9, 9, 9)).save(source / "well" / "new.png")
    shutil.copystat(source / "well" / "P0_0.png", source / "well" / "new.png")
    (source / "well" / "broken.png").write_bytes(b"none")
    settle()
    card = importing.import_folder(artifacts, source, "two")
    assert sorted(read) == ["P0_1.png", "broken.png", "new.png"]
    assert (card.images, [one["path"] for one in card.unreadable]) == (8, ["well/broken.png"])
    pixels_are_right(artifacts, "two")
    assert not os.path.samefile(*(artifacts.dataset(name).pixels(cache.key(70)) for name in ("one", "two")))
    pixels_are_right(artifacts, "two")
    read.clear()
    importing.import_folder(artifacts, source, "three")  # what can't be read is tried again
    assert read == ["broken.png"]
    assert os.path.samefile(*(artifacts.dataset(name).pixels(cache.key(70)) for name in ("two", "three")))


def test_another_content_under_the_same_name_size_and_time_is_read(artifacts: Artifacts, source: Path, read: list[str]):
    one = importing.import_folder(artifacts, source, "one")
    file = source / "ill" / "P0_1.png"
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    settle()
    read.clear()
    two = importing.import_folder(artifacts, source, "two")
    assert read == ["P0_1.png"]
    assert two.fingerprint != one.fingerprint or two.unreadable


def test_a_folder_within_and_one_around_are_known_too(artifacts: Artifacts, source: Path, read: list[str], tmp_path: Path):
    importing.import_folder(artifacts, source, "one")
    read.clear()
    (tmp_path / "source" / "ill" / "deep").mkdir()
    importing.import_folder(artifacts, tmp_path / "source", "again", layout="folders")
    assert read == []
    shutil.copytree(source / "ill", source / "sub" / "ill")
    shutil.copytree(source / "well", source / "sub" / "well")
    settle()
    importing.import_folder(artifacts, source / "sub", "sub")
    read.clear()
    importing.import_folder(artifacts, source / "sub", "sub2")
    assert read == []
    pixels_are_right(artifacts, "sub2")


def test_a_young_file_is_read_again(artifacts: Artifacts, source: Path, read: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reuse, "_YOUNG_NS", 3600 * 10**9)
    importing.import_folder(artifacts, source, "one")
    read.clear()
    importing.import_folder(artifacts, source, "two")
    assert len(read) == 8


def test_pixels_of_another_transform_are_not_taken_over(artifacts: Artifacts, source: Path, read: list[str], monkeypatch):
    importing.import_folder(artifacts, source, "one")
    read.clear()
    monkeypatch.setattr(images, "TRANSFORM", "area-pad-v99")
    importing.import_folder(artifacts, source, "two")
    assert len(read) == 8


def zipped(source: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(source.rglob("*.png")):
            archive.write(path, path.relative_to(source))
    return target


def test_a_zip_is_unpacked_once(artifacts: Artifacts, source: Path, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch):
    first = zipped(source, tmp_path / "a.zip")
    importing.import_folder(artifacts, first, "one")
    copy = shutil.copyfile(first, tmp_path / "other name.zip")
    read.clear()
    monkeypatch.setattr(archives, "unpack", lambda *_, **__: pytest.fail("it was unpacked again"))
    card = importing.import_folder(artifacts, copy, "two", options=Options(patient_pattern="(?P<patient>P.)"))
    assert read == []
    assert (card.subjects, card.packed["name"]) == ({"ill": 4, "well": 4}, "other name.zip")
    importing.delete(artifacts, "one")
    pixels_are_right(artifacts, "two")


def test_an_npz_is_unpacked_once(artifacts: Artifacts, tmp_path: Path, read: list[str]):
    rng = np.random.default_rng(0)
    path = tmp_path / "any.npz"
    np.savez(path, train_images=rng.integers(0, 255, (6, 28, 28), dtype=np.uint8), train_labels=np.array([[0], [1]] * 3, np.uint8))
    one = importing.import_folder(artifacts, path, "one")
    read.clear()
    two = importing.import_folder(artifacts, path, "two", options=Options(class_names=("well", "ill")))
    assert read == []
    assert (one.class_names, two.class_names) == (("class_0", "class_1"), ("well", "ill"))
    pixels_are_right(artifacts, "two")


def left(artifacts: Artifacts) -> list[str]:
    return sorted(path.name for path in artifacts.datasets.iterdir()) if artifacts.datasets.exists() else []


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["reserve", "records", "card", "stamps", "unpack", "link"])
def test_a_disk_that_fills_up_leaves_nothing(
    artifacts: Artifacts, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
):
    archive = zipped(source, tmp_path / "a.zip")
    if where == "link":
        importing.import_folder(artifacts, archive, "before")
        monkeypatch.setattr(os, "link", full)
        monkeypatch.setattr(shutil, "copyfile", full)
    place = {
        "reserve": (os, "posix_fallocate"),
        "records": (importing.records, "typed"),
        "card": (importing.fileio, "write_json"),
        "stamps": (np, "save"),
        "unpack": (shutil, "copyfileobj"),
    }.get(where)
    if place:
        monkeypatch.setattr(*place, full)
    before = left(artifacts)
    with pytest.raises(AllcoreError, match="The disk is full") as caught:
        importing.import_folder(artifacts, archive, "mine")
    assert not isinstance(caught.value, BadInput)
    assert left(artifacts) == before
    monkeypatch.undo()
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(artifacts.root))
    assert importing.import_folder(artifacts, archive, "mine").images == 8


def test_room_for_the_pixels_is_taken_before_they_are_written(tmp_path: Path):
    cache.created(tmp_path / "a.npy", 50, 70)
    facts = (tmp_path / "a.npy").stat()
    assert facts.st_blocks * 512 >= 50 * 70 * 70 * 3


KILLED = """
import os, signal, sys
from pathlib import Path
from allcore.base.paths import Artifacts
from allcore.data import importing

steps = int(sys.argv[2])

def trace(frame, event, argument):
    global steps
    if frame.f_code.co_filename.startswith(sys.argv[3]):
        steps -= 1
        if steps == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return trace

artifacts = Artifacts.locate()
sys.settrace(trace)
importing.import_folder(artifacts, Path(sys.argv[1]), "mine")
sys.settrace(None)
print("whole", steps)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_one_that_was_killed_anywhere_can_be_run_again(artifacts: Artifacts, source: Path, tmp_path: Path):
    """Killed after so many lines of our code, at several places between the first and the last."""
    archive = zipped(source, tmp_path / "a.zip")
    package = str(Path(importing.__file__).parent)

    def run(lines: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", KILLED, str(archive), str(lines), package]
        return subprocess.run(command, capture_output=True, text=True, timeout=300)

    whole = run(10**9)
    assert whole.stdout.startswith("whole"), whole.stderr
    lines = 10**9 - int(whole.stdout.split()[1])
    assert lines > 500
    importing.delete(artifacts, "mine")
    for share in (0.1, 0.5, 0.8, 0.97, 0.999):
        killed = run(max(1, int(lines * share)))
        assert killed.returncode == -signal.SIGKILL, (share, killed.stderr)
        if "mine" in left(artifacts):  # after its last line there is all of it
            pixels_are_right(artifacts, "mine")
            importing.delete(artifacts, "mine")
        card = importing.import_folder(artifacts, archive, "mine")
        assert card.images == 8
        pixels_are_right(artifacts, "mine")
        assert left(artifacts) == ["mine"]
        importing.delete(artifacts, "mine")
