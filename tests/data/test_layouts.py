"""Tables, MedMNIST files and folders for training and test, in the shapes in which people have them."""

from __future__ import annotations

import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.data import cache, importers, importing, records
from allcore.data.importers import IMPORTERS, Options, cnmc, folders, manifest, medmnist
from allcore.data.progress import silent


def touched(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def rows(found: pd.DataFrame, *columns: str) -> list[list[object]]:
    return found[list(columns)].to_numpy().tolist()


# Folders


def test_train_val_and_test_above_the_classes_are_phases(tmp_path: Path):
    touched(tmp_path, "Train/ALL/1.png", "Train/hem/2.png", "valid/ALL/3.png", "test_data/hem/deep/4.png", "test_data/5.png", "readme.png")
    found = folders.listing(tmp_path)
    assert rows(found.images, "image_id", "label", "phase") == [
        ["Train/ALL/1.png", "all", "training"],
        ["Train/hem/2.png", "hem", "training"],
        ["test_data/5.png", "", "test"],
        ["test_data/hem/deep/4.png", "hem", "test"],
        ["valid/ALL/3.png", "all", "validation"],
    ]
    assert (found.class_names, found.positive) == (("all", "hem"), "all")


@pytest.mark.parametrize("around", ["", "data/", "data/cells 2019/", "__MACOSX_/x/"])
def test_folders_around_are_stepped_into(tmp_path: Path, around: str):
    touched(tmp_path, f"{around}a/1.png", f"{around}a/x/2.png", f"{around}b/3.png", "notes.txt", ".git/a/9.png", "__MACOSX/a/._1.png")
    assert rows(folders.listing(tmp_path).images, "image_id", "label", "phase") == [
        [f"{around}a/1.png", "a", ""],
        [f"{around}a/x/2.png", "a", ""],
        [f"{around}b/3.png", "b", ""],
    ]


def test_a_phase_within_a_phase_of_its_name_is_one(tmp_path: Path):
    touched(tmp_path, "train/train/a/1.png", "train/train/b/2.png", "test/test/a/3.png")
    assert rows(folders.listing(tmp_path).images, "label", "phase") == [["a", "test"], ["a", "training"], ["b", "training"]]


def test_train_and_test_alone_are_no_classes(tmp_path: Path):
    touched(tmp_path, "train/1.png", "test/2.png")
    assert not folders.recognises(tmp_path)
    with pytest.raises(BadInput, match="two classes at least"):
        folders.listing(tmp_path)


def test_a_class_may_be_called_test_among_others(tmp_path: Path):
    touched(tmp_path, "test/1.png", "control/2.png")
    assert rows(folders.listing(tmp_path).images, "label", "phase") == [["control", ""], ["test", ""]]


# Tables


def table(root: Path, text: str, name: str = "cells.csv") -> Path:
    touched(root, *(f"{letter}.png" for letter in "abcdef"))
    (root / name).write_text(text)
    return root / name


def test_a_table_may_be_a_parquet_file_with_numbers(tmp_path: Path):
    touched(tmp_path, "a.png", "b.png", "c.png")
    pd.DataFrame({"Image": ["a.png", "b.png", "c.png"], "target": [0, 1, 1], "patient": [7.0, None, 8.0], "fold": [0, 1, 2]}).to_parquet(
        tmp_path / "cells.parquet"
    )
    found = importers.listed(tmp_path)
    assert found.layout == "manifest"
    assert rows(found.images, "image_id", "label", "subject", "fold") == [
        ["a.png", "0", "7", 0],
        ["b.png", "1", "", 1],
        ["c.png", "1", "8", 2],
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_can_be_mapped(tmp_path: Path, separator: str):
    lines = ["sample,kind,label", "a.png,ill,x", "b.png,well,y"]
    path = table(tmp_path, "\n".join(lines).replace(",", separator), "t.tsv")
    said = Options(columns={"path": "sample", "label": "kind", "patient": "label"})
    assert rows(importers.listed(path, said=said).images, "image_id", "label", "subject") == [["a.png", "ill", "x"], ["b.png", "well", "y"]]


def test_a_table_in_the_only_folder_of_a_folder_is_found(tmp_path: Path):
    table(tmp_path / "around", "path,label\na.png,ill\nb.png,well\n")
    found = importers.listed(tmp_path)
    assert (found.layout, found.root, found.images["image_id"].tolist()) == ("manifest", tmp_path, ["around/a.png", "around/b.png"])


def test_an_absolute_path_below_the_table_will_do(tmp_path: Path):
    path = table(tmp_path, f"path,label\n{tmp_path}/a.png,ill\nb.png,well\n")
    assert manifest.listing(path).images["image_id"].tolist() == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,label\na.png,ill\n../secret.png,well\n", "row 3: ../secret.png lies outside"),
        ("path,label\na.png,ill\n/etc/passwd,well\n", "lies outside"),
        ("path,label\na.png,ill\nC:\\x.png,well\n", "lies outside"),
        ("path,label\na.png,ill\n,well\n", "row 3: the path is empty"),
        ("path,label\na.png,ill\n./a.png,well\n", "row 3: ./a.png was named in row 2 already"),
        ("path,label\na.png,ill\nz.png,well\n", r"1 of the 2 images that cells.csv names are not there. The first: z.png \(row 3\)"),
        ("path,label\na.png,ill\nb.png,ILL\n", "differ only in case"),
        ("path,label\na.png,ill\nb.png,...\n", "neither letter nor digit"),
        ("path,label\na.png,ill\nb.png,ill\n", "has 1 class"),
        ("path,label,fold\na.png,ill,one\nb.png,well,2\n", "the fold 'one' is no number"),
        ("name,label\na.png,ill\n", "no column for the path. Its columns: name, label"),
        ("path,kind\na.png,ill\n", "no column for the label"),
        ("", "no column for the path"),
        ("path,label\na.png,ill,more\n", "line 2 has 3 cells, the first 2"),
        ("path,label,label\na.png,ill,well\n", "have one name"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(tmp_path: Path, text: str, words: str):
    with pytest.raises(BadInput, match=words) as caught:
        manifest.listing(table(tmp_path, text))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("columns", "words"), [({"label": "kind"}, "no column 'kind'. Its columns: path, label"), ({"colour": "label"}, "no column 'colour'")]
)
def test_a_column_mapped_amiss_is_named(tmp_path: Path, columns: dict[str, str], words: str):
    with pytest.raises(BadInput, match=words):
        importers.listed(table(tmp_path, "path,label\na.png,ill\n"), said=Options(columns=columns))


def test_a_table_in_another_encoding_is_told(tmp_path: Path):
    path = table(tmp_path, "")
    path.write_bytes("path,label\na.png,böse\n".encode("latin-1"))
    with pytest.raises(BadInput, match="not written in UTF-8"):
        manifest.listing(path)


# MedMNIST


def arrays(shape: tuple[int, ...] = (28, 28, 3), classes: int = 8) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {}
    for part, count in (("train", 24), ("val", 8), ("test", 8)):
        made[f"{part}_images"] = rng.integers(0, 256, (count, *shape), dtype=np.uint8)
        made[f"{part}_labels"] = (np.arange(count) % classes).astype(np.uint8)[:, None]
    return made


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 3), (64, 64, 3), (224, 224)])
def test_pictures_of_medmnist_come_out_as_they_went_in(artifacts: Artifacts, tmp_path: Path, shape: tuple[int, ...]):
    made = arrays(shape)
    np.savez_compressed(tmp_path / "bloodmnist_64.npz", **made)
    card = importing.import_folder(artifacts, tmp_path / "bloodmnist_64.npz", "blood")
    assert (card.phases, card.class_names) == ({"test": 8, "training": 24, "validation": 8}, medmnist.KNOWN["bloodmnist"])
    assert (card.root, card.licence, set(card.classes.values())) == ("", "CC BY 4.0", {5})
    folder = artifacts.dataset("blood")
    table_ = records.read_records(folder)
    assert set(zip(table_["width"], table_["height"], strict=True)) == {shape[:2]}
    for phase, part in (("training", "train"), ("validation", "val"), ("test", "test")):
        for number, (image, label) in enumerate(zip(made[f"{part}_images"], made[f"{part}_labels"][:, 0], strict=True)):
            image_id = f"{phase}/{label}/{number:06d}.png"
            np.testing.assert_array_equal(np.asarray(Image.open(folder.images / image_id)), image)
            assert table_.set_index("image_id").loc[image_id, "label"] == medmnist.KNOWN["bloodmnist"][label]
    assert len(cache.opened(folder)) == 40


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"train_images": np.zeros((24, 28, 28, 28), np.uint8)}, "Expected uint8 pictures"),
        ({"train_images": np.zeros((24, 28, 28), np.float32)}, "is float32"),
        ({"train_images": np.zeros((24, 8, 8), np.uint8)}, "has the shape"),
        ({"train_images": np.asfortranarray(np.zeros((24, 28, 28), np.uint8))}, "order"),
        ({"train_images": np.array([{"a": 1}] * 24, dtype=object)}, "kind"),
        ({"train_labels": np.zeros((24, 14), np.uint8)}, "Files with several labels"),
        ({"train_labels": np.zeros(23, np.uint8)}, r"shape \(23,\), for 24"),
        ({"train_labels": np.full((24, 1), -1, np.int64)}, "go from -1"),
        ({"train_labels": np.full((24, 1), 9, np.int64)}, "labels 0 to 9, and 8 names"),
    ],
)
def test_another_kind_of_npz_is_told(tmp_path: Path, changed: dict[str, np.ndarray], words: str):
    np.savez(tmp_path / "bloodmnist.npz", **{**arrays(), **changed})
    with pytest.raises(BadInput, match=words) as caught:
        medmnist.listing(tmp_path / "bloodmnist.npz")
    assert caught.value.hint


def test_labels_may_be_missing_or_named_by_the_person(tmp_path: Path):
    made = arrays(classes=2)
    np.savez(tmp_path / "own.npz", **made)
    assert medmnist.listing(tmp_path / "own.npz").class_names == ("class_0", "class_1")
    assert importers.listed(tmp_path / "own.npz", said=Options(class_names=("Well", "Ill"))).class_names == ("well", "ill")
    with pytest.raises(BadInput, match="and 1 names"):
        importers.listed(tmp_path / "own.npz", said=Options(class_names=("well", "Well")))
    del made["train_labels"]
    np.savez(tmp_path / "own.npz", **made)
    with pytest.raises(BadInput, match="no train_labels"):
        medmnist.listing(tmp_path / "own.npz")


def test_a_file_that_announces_more_than_it_holds_is_told(artifacts: Artifacts, tmp_path: Path):
    np.savez(tmp_path / "whole.npz", **arrays())
    with zipfile.ZipFile(tmp_path / "whole.npz") as whole, zipfile.ZipFile(tmp_path / "cut.npz", "w") as cut:
        for name in whole.namelist():
            content = whole.read(name)
            cut.writestr(name, content[:-100] if name == "test_images.npy" else content)
    with pytest.raises(BadInput, match="is cut short"):
        importing.import_folder(artifacts, tmp_path / "cut.npz", "mine")
    assert list(artifacts.datasets.iterdir()) == []


@pytest.mark.parametrize("spoilt", [b"{'descr': (", b"\xff" * 11, b"__import__("])
def test_a_header_that_can_not_be_understood_is_told(tmp_path: Path, spoilt: bytes):
    np.savez(tmp_path / "whole.npz", **arrays())
    with zipfile.ZipFile(tmp_path / "whole.npz") as whole, zipfile.ZipFile(tmp_path / "bad.npz", "w") as bad:
        for name in whole.namelist():
            content = whole.read(name)
            bad.writestr(name, content.replace(b"{'descr': '"[: len(spoilt)], spoilt, 1) if name == "train_images.npy" else content)
    with pytest.raises(BadInput, match="train_images is damaged"):
        medmnist.listing(tmp_path / "bad.npz")


# Whatever there is


NAMES = ("ALL", "all_", "hem", "train", "test", "fold_0", "a b", ".x", "__MACOSX", "prelim")
FILES = ("1.png", "2.bmp", "UID_1_1_1_all.bmp", "UID_h3_1_1_hem.bmp", "._1.png", "t.csv", "x.npz", "é.JPG", "notes", "m.parquet")
paths = st.builds(lambda inside, name: (*inside, name), st.lists(st.sampled_from(NAMES), max_size=3), st.sampled_from(FILES))
contents = st.sampled_from(
    [b"", b"path,label\n1.png,a\n2.bmp,b\n", b"Patient_ID,new_names,labels\nUID_1_1_1_all.bmp,1.bmp,1\n", b"\xff\0,;"]
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(paths, contents, max_size=12), st.sampled_from([*IMPORTERS, importers.AUTO]))
def test_any_tree_is_listed_or_refused_in_words(tree: dict[tuple[str, ...], bytes], layout: str):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, content in tree.items():
            with suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
                root.joinpath(*path).parent.mkdir(parents=True, exist_ok=True)
                root.joinpath(*path).write_bytes(content)
        for importer in IMPORTERS.values():
            assert importer.recognises(root) in (True, False)
        try:
            found = importers.listed(root, layout)
        except BadInput as error:
            said = error
        else:
            ids = found.images["image_id"]
            assert ids.is_unique
            assert all((root / image_id).is_file() and ".." not in image_id.split("/") for image_id in ids)
            assert set(found.images["label"]) <= {"", *found.class_names}
            assert found.positive in found.class_names
            return
        assert said.message
        assert said.hint


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300) | st.text(st.sampled_from("path,label;\n\"'ab.png/\\1é "), max_size=120).map(str.encode))
def test_any_bytes_as_a_table_are_listed_or_refused(content: bytes):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("t.csv", "t.parquet", "t.npz"):
            path = Path(folder) / name
            path.write_bytes(content)
            for importer in (manifest, medmnist, cnmc, folders):
                assert importer.recognises(path) in (True, False)
                with suppress(BadInput):
                    importer.listing(path)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_spoilt_npz_is_read_or_refused(data: st.DataObject):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npz"
        np.savez_compressed(path, **arrays((16, 16), classes=2))
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        with suppress(BadInput):
            found = medmnist.listing(path)
            found.extract(Path(folder) / "out", silent)
