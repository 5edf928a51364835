"""Data sets from what people have: what is said of the images, tables, fetching, verifying."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.said import plain


def classes_of_pictures(root: Path) -> Path:
    from PIL import Image

    for name in ("ill/P1_1.png", "ill/P2_1.png", "well/P3_1.png", "well/P4_1.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20), (len(name), 0, 0)).save(root / name)
    return root


def test_an_import_hears_what_is_said_of_the_images(say, tmp_path: Path):
    source = classes_of_pictures(tmp_path / "source")
    said = ("--patient-pattern", r"(?P<patient>P\d)_", "--positive", "ill", "--licence", "CC0", "--source", "mine")
    found = say("data", "import", source, "--name", "mine", *said, "--json").document
    assert (found["subjects"], found["positive"], found["licence"], found["source"]) == ({"ill": 2, "well": 2}, "ill", "CC0", "mine")
    plain(say("data", "import", source, "--name", "two", "--patient-pattern", "(P"), 2, "no regular expression")
    plain(say("data", "import", source, "--name", "two", "--column", "label"), 2, "'label' maps no column")
    plain(say("data", "import", source, "--name", "two", "--class-name", "a"), 2, "holds no .npz files")
    assert "licence      CC0" in say("data", "show", "mine").out


def test_a_table_is_imported_by_its_columns(say, tmp_path: Path):
    source = classes_of_pictures(tmp_path / "source")
    (source / "cells.csv").write_text("where,what\nill/P1_1.png,ill\nwell/P3_1.png,well\n")
    found = say("data", "import", source / "cells.csv", "--name", "mine", "--column", "path=where", "--column", "label=what", "--json")
    assert (found.document["layout"], found.document["images"]) == ("manifest", 2)


def test_fetching_imports_what_came(say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from allcore.data import fetching

    monkeypatch.setattr(fetching, "cnmc", lambda _: classes_of_pictures(tmp_path / "kaggle"))
    assert say("data", "fetch", "cnmc", "--json").document["id"] == "cnmc"
    monkeypatch.setitem(fetching.BLOODMNIST_BY_SIZE, 28, fetching.Remote("http://127.0.0.1:9/x.npz", ""))
    plain(say("data", "fetch", "bloodmnist", "--name", "blood"), 1, "Are you online?")


def test_a_copy_is_verified(say, tmp_path: Path):
    from allcore.data import official

    name = official.cnmc()["path"].iloc[-1]
    assert "UID" not in name
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "UID_1_1_1_all.bmp").write_bytes(b"changed")
    said = say("data", "verify", tmp_path / "copy", "--json")
    found = said.document
    assert (said.code, found["whole"], found["expected"], found["present"]) == (1, False, 15_115, 0)
    assert (found["changed"], len(found["missing"])) == (["UID_1_1_1_all.bmp"], 15_114)
    assert "0 of the 15,115 published files" in say("data", "verify", tmp_path / "copy").out
