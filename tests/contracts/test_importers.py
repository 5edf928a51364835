"""What every importer promises, whatever the layout. A new importer brings a sample and a broken one here."""

from __future__ import annotations

import builtins
import io
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.data import images, importers, importing, records
from allcore.data.importers import IMPORTERS, Options
from allcore.data.importers.listing import FOUND, Importer
from allcore.data.progress import silent


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 20), (len(path.name) * 5 % 256, 90, 30)).save(path)


def cnmc_sample(root: Path) -> None:
    for name in ("fold_0/all/UID_1_1_1_all", "fold_0/all/UID_1_1_2_all", "fold_1/hem/UID_H1_2_1_hem", "fold_1/hem/UID_h3_2_1_hem"):
        picture(root / "training_data" / f"{name}.bmp")
    for name in ("prelim/2", "prelim/10", "final/1", "training_data/fold_0/all/._UID_1_1_1_all"):
        picture(root / f"{name}.bmp")
    (root / "labels.csv").write_text("Patient_ID,new_names,labels\nUID_57_29_1_all.bmp,2.bmp,1\nUID_H49_35_1_hem.bmp,10.bmp,0\n")


def cnmc_broken(root: Path) -> None:
    cnmc_sample(root)
    (root / "labels.csv").write_text("Patient_ID,new_names,labels\nUID_57_29_1_all.bmp,2.bmp,0\n")


def folders_sample(root: Path) -> None:
    for name in ("Early Pre-B/b.png", "Early Pre-B/deep/a.JPG", "benign/1.tif", "benign/10.png", "benign/2.png"):
        picture(root / name)
    picture(root / "benign" / "._1.png")
    picture(root / ".hidden" / "1.png")
    (root / "benign" / "notes.txt").write_text("no image")


def folders_broken(root: Path) -> None:
    for name in ("ALL/1.png", "all_/1.png"):
        picture(root / name)


def manifest_sample(root: Path) -> None:
    for name in ("a/1.png", "a/2.png", "b.png", "c d.png", "e.png"):
        picture(root / "images" / name)
    (root / "cells.csv").write_text(
        "File Name;Diagnosis;Case ID;Split;Fold\nimages/a/1.png;ALL;P1;train;0\nimages/a/2.png;Normal B;P2;train;1\n"
        "images/b.png;Normal B;;val;\n.\\images\\c d.png;ALL;P3;test;\nimages/e.png;;;test;\n"
    )


def manifest_broken(root: Path) -> None:
    manifest_sample(root)
    (root / "images" / "b.png").unlink()


def medmnist_sample(root: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 9), ("val", 2), ("test", 3)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (count, 28, 28, 3), dtype=np.uint8)
        arrays[f"{part}_labels"] = (np.arange(count, dtype=np.uint8) % 8)[:, None]
    np.savez_compressed(root / "bloodmnist.npz", **arrays)


def medmnist_broken(root: Path) -> None:
    np.savez(root / "x.npz", train_images=np.zeros((3, 28, 28), np.uint8), train_labels=np.zeros((3, 14), np.uint8))


SAMPLES: dict[str, Callable[[Path], None]] = {
    "cnmc": cnmc_sample,
    "medmnist": medmnist_sample,
    "manifest": manifest_sample,
    "folders": folders_sample,
}
BROKEN: dict[str, Callable[[Path], None]] = {
    "cnmc": cnmc_broken,
    "medmnist": medmnist_broken,
    "manifest": manifest_broken,
    "folders": folders_broken,
}

every_importer = pytest.mark.parametrize("importer", IMPORTERS.values(), ids=IMPORTERS)


@pytest.fixture
def sample(tmp_path: Path, importer: Importer) -> Path:
    root = tmp_path / "sample"
    root.mkdir()
    SAMPLES[importer.NAME](root)
    return root


def test_every_importer_is_known_by_its_name():
    assert list(IMPORTERS) == [importer.NAME for importer in IMPORTERS.values()]
    assert importers.AUTO not in IMPORTERS
    assert SAMPLES.keys() == BROKEN.keys() == IMPORTERS.keys()


@every_importer
def test_it_recognises_its_own_and_is_asked_before_the_wider_ones(importer: Importer, sample: Path):
    assert importer.recognises(sample) is True
    assert importers.listed(sample).layout == importer.NAME
    assert importers.listed(sample, importer.NAME).layout == importer.NAME


@every_importer
def test_it_recognises_nothing_in_an_empty_folder(importer: Importer, tmp_path: Path):
    assert importer.recognises(tmp_path) is False
    with pytest.raises(BadInput, match=r".") as caught:
        importer.listing(tmp_path)
    assert caught.value.hint


@every_importer
def test_it_does_not_take_any_picture_for_its_own(importer: Importer, tmp_path: Path):
    picture(tmp_path / "holiday.png")
    (tmp_path / "notes").mkdir()
    assert importer.recognises(tmp_path) is False


@every_importer
def test_a_listing_is_a_table_of_known_shape(importer: Importer, sample: Path):
    found = importer.listing(sample)
    table = found.images
    assert tuple(table.columns) == FOUND
    assert {name: str(kind) for name, kind in table.dtypes.items()} == {
        **dict.fromkeys(("image_id", "label", "subject", "phase"), "str"),
        "fold": "int64",
    }
    assert not table.isna().any(axis=None)
    assert len(table) >= 4
    assert table["image_id"].is_unique
    assert table["image_id"].tolist() == sorted(table["image_id"])
    assert isinstance(table.index, pd.RangeIndex)
    assert (table["fold"] >= -1).all()


@every_importer
def test_ids_are_paths_below_the_root(importer: Importer, sample: Path):
    found = importer.listing(sample)
    assert found.root == sample
    assert (found.extract is None) == (found.container is None)
    if found.extract:
        found = replace(found, root=sample.parent / "extracted")
        found.extract(found.root, silent)
        assert {path.relative_to(found.root).as_posix() for path in found.root.rglob("*.*")} == set(found.images["image_id"])
    for image_id in found.images["image_id"]:
        assert not any(part.startswith(".") or not part for part in image_id.split("/"))  # absolute, or hidden as a Mac's leftovers are
        assert "\\" not in image_id
        assert (found.root / image_id).is_file()


@every_importer
def test_labels_are_classes_and_one_of_them_is_positive(importer: Importer, sample: Path):
    found = importer.listing(sample)
    assert set(found.images["label"]) - {""} == set(found.class_names)
    assert len(found.class_names) >= 2
    assert found.positive in found.class_names
    assert found.layout == importer.NAME
    assert found.about


@every_importer
def test_listing_twice_gives_the_same(importer: Importer, sample: Path):
    pd.testing.assert_frame_equal(importer.listing(sample).images, importer.listing(sample).images)


@every_importer
def test_no_image_is_opened(importer: Importer, sample: Path, monkeypatch: pytest.MonkeyPatch):
    opened = []

    def guarded(real: Callable) -> Callable:
        def open_(file: object, *arguments: object, **options: object) -> object:
            if str(file).lower().endswith(images.SUFFIXES):
                opened.append(file)
            return real(file, *arguments, **options)

        return open_

    for module in (builtins, io, os):
        monkeypatch.setattr(module, "open", guarded(module.open))
    importer.recognises(sample)
    importer.listing(sample)
    assert not opened
    (sample / "probe.png").write_bytes(b"")
    assert opened  # the guard itself sees what it should


@every_importer
def test_a_broken_layout_is_named_in_words(importer: Importer, tmp_path: Path):
    BROKEN[importer.NAME](tmp_path)
    with pytest.raises(BadInput, match=r".") as caught:
        importer.listing(tmp_path)
    assert caught.value.hint


@every_importer
def test_a_sample_becomes_a_data_set(importer: Importer, sample: Path, artifacts: Artifacts):
    card = importing.import_folder(artifacts, sample, "made", layout=importer.NAME)
    found = importer.listing(sample)
    assert card.images == len(found.images)
    assert card.classes == {name: int((found.images["label"] == name).sum()) for name in found.class_names}
    assert (card.layout, card.positive, card.class_names) == (importer.NAME, found.positive, found.class_names)


@every_importer
def test_a_zip_of_a_sample_becomes_the_same_data_set(importer: Importer, sample: Path, artifacts: Artifacts):
    plain = importing.import_folder(artifacts, sample, "plain")
    zipped = shutil.make_archive(str(sample.parent / "zipped"), "zip", sample.parent, sample.name)  # with the folder around it
    packed = importing.import_folder(artifacts, Path(zipped), "packed")
    assert (packed.layout, packed.root, packed.images, packed.classes) == (importer.NAME, "", plain.images, plain.classes)
    assert (packed.subjects, packed.phases, packed.folds) == (plain.subjects, plain.phases, plain.folds)
    one, other = (records.read_records(artifacts.dataset(name)) for name in ("plain", "packed"))
    assert sorted(zip(one["sha256"], one["label"], one["subject"], strict=True)) == sorted(
        zip(other["sha256"], other["label"], other["subject"], strict=True)
    )


@every_importer
def test_what_a_person_says_is_heard(importer: Importer, sample: Path):
    plain = importer.listing(sample)
    other = next(name for name in plain.class_names if name != plain.positive)
    said = Options(positive=other, patient_pattern=r"(?P<patient>\d)\.\w+$", licence="CC0", source="my own")
    found = importers.listed(sample, importer.NAME, said)
    assert (found.positive, found.licence, found.source) == (other, "CC0", "my own")
    for image_id, before, after in zip(plain.images["image_id"], plain.images["subject"], found.images["subject"], strict=True):
        stem = image_id.rsplit(".", 1)[0]
        assert after == (stem[-1] if stem[-1].isdigit() else before)


@every_importer
@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Options(positive="banana"), "no class 'banana'"),
        (Options(patient_pattern="(?P<patient>zzz)"), "matches none of the"),
        (Options(patient_pattern="(?P<patient>"), "no regular expression"),
        (Options(patient_pattern=r"(\d+)"), "no group named 'patient'"),
        (Options(patient_pattern="a" * 301), "has 301 characters"),
    ],
)
def test_what_a_person_says_amiss_is_told(importer: Importer, sample: Path, said: Options, words: str):
    with pytest.raises(BadInput, match=words) as caught:
        importers.listed(sample, importer.NAME, said)
    assert caught.value.hint


@every_importer
def test_an_option_of_another_layout_is_told(importer: Importer, sample: Path):
    for said in (Options(columns={"label": "x"}), Options(class_names=("a", "b"))):
        (name,) = [name for name in ("columns", "class_names") if getattr(said, name)]
        if name not in importer.UNDERSTANDS:
            with pytest.raises(BadInput, match=f"layout '{importer.NAME}' knows no"):
                importers.listed(sample, importer.NAME, said)


def test_what_nobody_recognises_is_told(tmp_path: Path):
    with pytest.raises(BadInput, match="No known layout"):
        importers.listed(tmp_path)
