"""From a folder to a data set, all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from allcore.base import fileio, locks
from allcore.base.errors import BadInput, Cancelled, Conflict, NotFound
from allcore.base.paths import Artifacts
from allcore.data import cache, importing, records
from allcore.data.phantom import PhantomSpec

DRAWING = PhantomSpec(images=12, patients=4, size=32)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    for name, colour in (("ill", (200, 10, 10)), ("well", (10, 200, 10))):
        (root / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (20 + number, 20), colour).save(root / name / f"{number}.png")
    return root


def make(kind: str, artifacts: Artifacts, source: Path, **options: Any) -> None:
    """The data set `mine`, in one way or the other."""
    if kind == "import":
        importing.import_folder(artifacts, source, "mine", **options)
    else:
        importing.make_phantom(artifacts, "mine", DRAWING, **options)


def left(artifacts: Artifacts) -> list[str]:
    return sorted(path.name for path in artifacts.datasets.iterdir()) if artifacts.datasets.exists() else []


def test_a_folder_becomes_a_data_set_and_stays_where_it_is(artifacts: Artifacts, source: Path):
    card = importing.import_folder(artifacts, source, "mine")
    assert left(artifacts) == ["mine"]
    assert (card.id, card.images, card.classes, card.subjects, card.root) == ("mine", 6, {"ill": 3, "well": 3}, {}, str(source))
    assert records.read_card(artifacts.dataset("mine")) == card
    assert not artifacts.dataset("mine").images.exists()
    assert records.read_records(artifacts.dataset("mine"))["width"].tolist() == [20, 21, 22] * 2


def test_what_can_not_be_read_is_left_out_and_named(artifacts: Artifacts, source: Path):
    (source / "ill" / "0.png").write_bytes(b"")
    (source / "well" / "x.png").write_text("text")
    card = importing.import_folder(artifacts, source, "mine")
    assert card.images == 5
    assert [(one["path"], one["reason"]) for one in card.unreadable] == [
        ("ill/0.png", "The file is empty."),
        ("well/x.png", "This is not an image that can be read here."),
    ]
    assert len(cache.opened(artifacts.dataset("mine"))) == len(records.read_records(artifacts.dataset("mine"))) == 5


def test_equal_data_has_an_equal_fingerprint_wherever_it_lies(artifacts: Artifacts, source: Path, tmp_path: Path):
    one = importing.import_folder(artifacts, source, "one")
    source.rename(tmp_path / "elsewhere")
    two = importing.import_folder(artifacts, tmp_path / "elsewhere", "two")
    assert one.fingerprint == two.fingerprint
    Image.new("RGB", (20, 20)).save(tmp_path / "elsewhere" / "ill" / "0.png")
    assert importing.import_folder(artifacts, tmp_path / "elsewhere", "three").fingerprint != one.fingerprint


def spoil_all(source: Path) -> None:
    for file in source.rglob("*.png"):
        file.write_bytes(b"no picture")


def spoil_a_class(source: Path) -> None:
    for file in (source / "ill").iterdir():
        file.write_bytes(b"no picture")


def remove_a_class(source: Path) -> None:
    for file in (source / "ill").iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(spoil_all, "None of the 6 images"), (spoil_a_class, "only one class"), (remove_a_class, "No known layout")],
)
def test_a_failed_import_leaves_nothing_behind(artifacts: Artifacts, source: Path, spoil, words: str):
    spoil(source)
    with pytest.raises(BadInput, match=words):
        importing.import_folder(artifacts, source, "mine")
    assert left(artifacts) == []


@pytest.mark.parametrize("kind", ["import", "phantom"])
def test_a_stopped_one_leaves_nothing_behind(artifacts: Artifacts, source: Path, kind: str):
    def stop(share: float, _: str) -> None:
        if share > 0:
            assert any(name.startswith(".mine.") for name in left(artifacts))
            raise Cancelled("Cancelled on request.")

    with pytest.raises(Cancelled):
        make(kind, artifacts, source, progress=stop)
    assert left(artifacts) == []


def test_what_a_killed_one_left_goes_with_the_next(artifacts: Artifacts, source: Path):
    (artifacts.datasets / ".mine.0a1b2c3d.tmp" / "images").mkdir(parents=True)
    (artifacts.datasets / ".mine-too.0a1b2c3d.tmp").mkdir()
    importing.import_folder(artifacts, source, "mine")
    assert left(artifacts) == [".mine-too.0a1b2c3d.tmp", "mine"]


@pytest.mark.parametrize("kind", ["import", "phantom"])
def test_a_name_taken_is_told_and_harms_nothing(artifacts: Artifacts, source: Path, kind: str):
    before = importing.import_folder(artifacts, source, "mine")
    with pytest.raises(Conflict, match="already a data set 'mine'"):
        make(kind, artifacts, source)
    assert records.read_card(artifacts.dataset("mine")) == before
    assert left(artifacts) == ["mine"]


def test_a_name_being_taken_is_told(artifacts: Artifacts, source: Path):
    artifacts.datasets.mkdir()
    with locks.hold(artifacts.datasets / ".mine.lock"), pytest.raises(Conflict, match="being made"):
        importing.import_folder(artifacts, source, "mine")


def test_a_name_taken_meanwhile_is_told(artifacts: Artifacts, source: Path):
    def take(share: float, _: str) -> None:
        if share == 1:
            artifacts.dataset("mine").folder.mkdir()
            (artifacts.dataset("mine").folder / "somebody's").touch()

    with pytest.raises(Conflict, match="already a data set 'mine'"):
        importing.import_folder(artifacts, source, "mine", progress=take)
    assert left(artifacts) == ["mine"]


@pytest.mark.parametrize("name", ["", "Mine", "../mine", "a/b"])
def test_a_name_that_can_not_be_a_folder_is_refused(artifacts: Artifacts, source: Path, name: str):
    with pytest.raises(BadInput, match="can't be a data set's name"):
        importing.import_folder(artifacts, source, name)


@pytest.mark.parametrize(
    ("source_name", "layout", "words"),
    [("nowhere", "auto", "no folder"), ("source/ill/0.png", "auto", "is a file"), ("source", "dicom", "no layout 'dicom'")],
)
def test_a_wrong_source_is_told(artifacts: Artifacts, source: Path, source_name: str, layout: str, words: str):
    with pytest.raises(BadInput, match=words):
        importing.import_folder(artifacts, source.parent / source_name, "mine", layout=layout)


def test_drawn_cells_are_labelled_so_and_equal_settings_give_equal_data(artifacts: Artifacts):
    one = importing.make_phantom(artifacts, "one", DRAWING, job="j")
    two = importing.make_phantom(artifacts, "two", DRAWING)
    assert one.fingerprint == two.fingerprint
    assert (one.synthetic, one.layout, one.root, one.job, one.images) == (True, "phantom", "", "j", 12)
    assert PhantomSpec(**one.drawn_with) == DRAWING
    other = importing.make_phantom(artifacts, "three", PhantomSpec(**{**one.drawn_with, "seed": 1}))
    assert other.fingerprint != one.fingerprint
    folder = artifacts.dataset("one")
    pixels = cache.opened(folder, 32)
    for row, image_id in enumerate(records.read_records(folder)["image_id"]):
        np.testing.assert_array_equal(pixels[row], np.asarray(Image.open(folder.images / image_id)))


def test_many_cells_are_drawn_by_many_processes_alike(artifacts: Artifacts):
    spec = PhantomSpec(images=520, patients=8, size=70)
    card = importing.make_phantom(artifacts, "many", spec)
    assert card.images == 520
    few = PhantomSpec(images=520, patients=8, size=70)
    from allcore.data import phantom

    table = records.read_records(artifacts.dataset("many"))
    names = {f"{cell.label}/{cell.name}.png": index for index, cell in enumerate(phantom.plan(few))}
    pixels = cache.opened(artifacts.dataset("many"))
    for row in (0, 259, 519):
        np.testing.assert_array_equal(pixels[row], phantom.draw(few, names[table["image_id"].iloc[row]]))


def test_deleting_a_data_set_leaves_imported_images(artifacts: Artifacts, source: Path):
    importing.import_folder(artifacts, source, "mine")
    importing.delete(artifacts, "mine")
    assert left(artifacts) == []
    assert len(list(source.rglob("*.png"))) == 6
    with pytest.raises(NotFound):
        importing.delete(artifacts, "mine")


def test_a_later_versions_data_set_is_not_guessed_at(artifacts: Artifacts, tiny: str):
    card = artifacts.dataset(tiny).card
    card.write_text(card.read_text().replace('"schema_version": 1', '"schema_version": 9'))
    with pytest.raises(Exception, match="later version"):
        records.read_card(artifacts.dataset(tiny))
    assert fileio.SCHEMA_VERSION == 1
