"""Where a person in a browser may import from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from allcore.base.errors import BadInput
from allcore.data import places


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("one", "two", "outside"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("ALLCORE_IMPORT_ROOTS", os.pathsep.join([str(tmp_path / "one"), "", str(tmp_path / "two")]))
    return tmp_path.resolve()


def test_what_lies_within_is_allowed(house: Path):
    assert places.roots() == (house / "one", house / "two")
    assert places.allowed(f" {house}/one ") == house / "one"
    assert places.allowed(f"{house}/two/x/../y") == house / "two" / "y"


def test_what_lies_outside_is_refused_whether_it_exists_or_not(house: Path):
    (house / "one" / "link").symlink_to(house / "outside")
    for typed in ("outside", "nothing", "one/../outside", "one/link", "one/link/x", "one-more", ""):
        with pytest.raises(BadInput, match="lies outside the folders") as caught:
            places.allowed(f"{house}/{typed}")
        assert str(house / "one") in caught.value.hint
    with pytest.raises(BadInput, match="is no path"):
        places.allowed("/a\0b")


def test_nothing_is_allowed_where_nothing_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALLCORE_IMPORT_ROOTS", "")
    with pytest.raises(BadInput, match="lies outside"):
        places.allowed("/")


def test_without_a_word_it_is_the_accounts_own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("ALLCORE_IMPORT_ROOTS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path.resolve() in places.roots()
    monkeypatch.setenv("HOME", "/")
    assert Path("/") not in places.roots()
