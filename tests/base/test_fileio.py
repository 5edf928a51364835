"""Files are whole or absent."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from allcore.base import fileio
from allcore.base.errors import AllcoreError


def test_a_document_comes_back_with_its_schema_version(tmp_path: Path):
    path = tmp_path / "deep" / "a.json"
    fileio.write_json(path, {"name": "Zelle é", "share": 0.5})
    assert fileio.read_json(path) == {"schema_version": 1, "name": "Zelle é", "share": 0.5}


def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path: Path):
    path = tmp_path / "a.json"
    fileio.write_json(path, {"value": 1})

    def half() -> None:
        with fileio.replacing(path) as aside:
            aside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    with pytest.raises(ValueError, match="JSON"):  # no number: it would be read back by nobody
        fileio.write_json(path, {"value": float("nan")})
    assert fileio.read_json(path)["value"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"', b"{}", b'{"schema_version": "one"}', b"\xff\xfe"])
def test_a_damaged_document_is_named(tmp_path: Path, content: bytes):
    path = tmp_path / "run-1" / "status.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(AllcoreError, match=r"status\.json in run-1 is damaged"):
        fileio.read_json(path)


def test_a_document_of_a_later_version_is_not_guessed_at(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"schema_version": 2}))
    with pytest.raises(AllcoreError, match="later version"):
        fileio.read_json(path)


def test_a_cached_document_is_the_present_one(tmp_path: Path):
    path = tmp_path / "a.json"
    fileio.write_json(path, {"value": 1})
    first = fileio.read_json_cached(path)
    assert fileio.read_json_cached(path) is first
    before = path.stat()
    fileio.write_json(path, {"value": 2})  # same size; and, on a coarse clock, the same time
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert fileio.read_json_cached(path)["value"] == 2


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path):
    target = tmp_path / "made"

    def torn() -> None:
        with fileio.replacing_folder(target) as aside:
            (aside / "a").write_text("a")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        torn()
    assert list(tmp_path.iterdir()) == []
    with fileio.replacing_folder(target) as aside:
        (aside / "a").write_text("a")
        assert not target.exists()
    assert (target / "a").read_text() == "a"

    def again() -> None:
        with fileio.replacing_folder(target) as aside:
            (aside / "b").write_text("b")

    with pytest.raises(FileExistsError):
        again()
    assert [file.name for file in target.iterdir()] == ["a"]
    fileio.remove_folder(target)
    assert list(tmp_path.iterdir()) == []


def test_a_torn_last_line_is_left_out_and_spoils_no_later_one(tmp_path: Path):
    path = tmp_path / "events.jsonl"
    assert fileio.read_json_lines(path) == []
    fileio.append_json_line(path, {"n": 1})
    with open(path, "ab") as file:
        file.write(b'{"n": 2, "torn')
    assert fileio.read_json_lines(path) == [{"n": 1}]
    fileio.append_json_line(path, {"n": 3})
    fileio.append_json_line(path, {"n": 4})
    assert fileio.read_json_lines(path) == [{"n": 1}, {"n": 3}, {"n": 4}]


def test_lines_that_are_no_records_are_left_out(tmp_path: Path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"n": 1}\n\0\0\0\0\n\n[1]\n"text"\n\xff\n{"n": 2}\n')
    assert fileio.read_json_lines(path) == [{"n": 1}, {"n": 2}]


def test_the_tail_of_a_text(tmp_path: Path):
    path = tmp_path / "log.txt"
    assert fileio.read_tail(path) == ""
    path.write_text("first\nlast é", encoding="utf-8")
    assert fileio.read_tail(path, 7) == "last é"
    assert fileio.read_tail(path, 1) == "\ufffd"
    assert fileio.read_tail(path) == "first\nlast é"
