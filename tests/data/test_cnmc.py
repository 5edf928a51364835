"""C-NMC 2019 in all the shapes in which it is found."""

from __future__ import annotations

import csv
import os
import shutil
import time
from collections import Counter
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.data import cache, importers, importing, reading, records, splits
from allcore.data import official as published
from allcore.data.importers import cnmc
from allcore.data.splits import SplitSpec

CSV = "C-NMC_test_prelim_phase_data_labels.csv"
PRELIMINARY, FINAL = "validation_data/C-NMC_test_prelim_phase_data", "testing_data/C-NMC_test_final_phase_data"


@pytest.fixture(scope="module")
def official(real_data: Path) -> Path:
    return real_data / "cnmc"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of all 15,115 names as published, each image one of a few small ones, and the CSV that they say would be there."""
    root = tmp_path_factory.mktemp("whole")
    seeds = [root / f"seed-{number}" for number in range(8)]
    for number, seed in enumerate(seeds):
        colours = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(colours).save(seed, "bmp")
    table = published.cnmc()
    paths = [root / published.TOP / path for path in table["path"]]
    for folder in {path.parent for path in paths}:
        folder.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(paths):
        os.link(seeds[number % len(seeds)], path)
    for seed in seeds:
        seed.unlink()
    early = table[table["phase"] == "preliminary"]
    lines = [f"{one.name},{one.path.rsplit('/', 1)[-1]},{int(one.label == 'leukemia')}" for one in early.itertuples()]
    labels(root / published.TOP / published.LABELS.path, *lines)
    return root


def test_the_oracle_is_the_published_list(official: Path):
    """The stand-ins' names and counts against the list as it was downloaded."""
    with open(official / "manifest.tsv", newline="") as file:
        known = {row["path"]: row["sha256"] for row in csv.DictReader(file, delimiter="\t")}
    table = published.cnmc()
    ours = {f"{published.TOP}/{path}": sha256 for path, sha256 in zip(table["path"], table["sha256"], strict=True)}
    assert ours | {f"{published.TOP}/{published.LABELS.path}": published.LABELS.sha256} == known


def check_whole(images: pd.DataFrame) -> None:
    """The counts of shared/data/README.md, and so of the data set's own description."""
    assert len(images) == 15_114  # all but the CSV
    training, preliminary, final = (images[images["phase"] == phase] for phase in ("training", "preliminary", "final"))
    assert (len(training), len(preliminary), len(final)) == (10_661, 1_867, 2_586)
    assert training["label"].value_counts().to_dict() == {"leukemia": 7_272, "healthy": 3_389}
    assert preliminary["label"].value_counts().to_dict() == {"leukemia": 1_219, "healthy": 648}
    assert set(final["label"]) == set(final["subject"]) == {""}
    assert training.groupby("label")["subject"].nunique().to_dict() == {"leukemia": 47, "healthy": 26}
    assert preliminary.groupby("label")["subject"].nunique().to_dict() == {"leukemia": 13, "healthy": 15}
    assert not set(training["subject"]) & set(preliminary["subject"])
    assert training["fold"].value_counts().sort_index().to_dict() == {0: 3_527, 1: 3_581, 2: 3_553}
    assert (training.groupby("subject")["fold"].nunique() == 1).all()
    assert set(preliminary["fold"]) == set(final["fold"]) == {-1}
    labelled = images[images["label"] != ""]
    assert (len(labelled), labelled["subject"].nunique()) == (12_528, 101)
    assert labelled["label"].value_counts().to_dict() == {"leukemia": 8_491, "healthy": 4_037}


def test_the_whole_set_is_counted_as_its_makers_do(whole: Path):
    found = importers.listed(whole)
    assert (found.layout, found.class_names, found.positive) == ("cnmc", ("healthy", "leukemia"), "leukemia")
    check_whole(found.images)


def moved(whole: Path, target: Path, renamed: dict[str, str]) -> Path:
    """A copy (of hard links) with folders below C-NMC_Leukemia renamed."""
    for old, new in renamed.items():
        shutil.copytree(whole / "C-NMC_Leukemia" / old, target / new, copy_function=os.link)
    shutil.copy(next(whole.rglob(CSV)), target / "labels.csv")
    return target


MIRRORS = {
    "top folder dropped": {"training_data": "training_data", PRELIMINARY: PRELIMINARY, FINAL: FINAL},
    "folds at the top": {
        **{f"training_data/fold_{number}": f"fold_{number}" for number in range(3)},
        PRELIMINARY: "C-NMC_test_prelim_phase_data/C-NMC_test_prelim_phase_data",
        FINAL: "C-NMC_test_final_phase_data",
    },
    "a folder around, one in the other": {
        **{f"training_data/fold_{number}": f"PKG - C-NMC 2019/C-NMC_training_data/fold_{number}/fold_{number}" for number in range(3)},
        PRELIMINARY: "PKG - C-NMC 2019/C-NMC_test_prelim_phase_data/C-NMC_test_prelim_phase_data",
        FINAL: "PKG - C-NMC 2019/C-NMC_test_final_phase_data/C-NMC_test_final_phase_data",
    },
    "folds named after the zips": {
        **{f"training_data/fold_{number}": f"C-NMC_training_data_Fold_{number}" for number in range(3)},
        PRELIMINARY: "Prelim",
        FINAL: "Final",
    },
    "phases told by the names inside alone": {"training_data": "train", PRELIMINARY: "validation", FINAL: "test"},
}


@pytest.mark.parametrize("name", MIRRORS)
def test_a_mirrors_folders_change_nothing(whole: Path, tmp_path: Path, name: str):
    check_whole(importers.listed(moved(whole, tmp_path, MIRRORS[name])).images)


def test_a_mirror_of_pngs_with_the_preliminary_cells_under_their_own_names(whole: Path, tmp_path: Path):
    for one in published.cnmc().itertuples():
        name = one.path if one.phase != "preliminary" else f"test_prelim/{'all' if one.label == 'leukemia' else 'hem'}/{one.name}"
        path = (tmp_path / name).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    check_whole(importers.listed(tmp_path, "cnmc").images)
    assert not cnmc.recognises(tmp_path)


def test_two_copies_in_one_folder_are_not_counted_twice(tmp_path: Path):
    touched(tmp_path, "fold_0/all/UID_1_1_1_all.bmp", "merged/UID_1_1_1_all.bmp", "fold_0/hem/UID_H1_1_1_hem.bmp")
    with pytest.raises(BadInput, match="UID_1_1_1_all is there twice"):
        cnmc.listing(tmp_path)


def test_stand_ins_of_the_whole_set_are_imported_and_the_second_time_read_by_nobody(
    whole: Path, artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
):
    began = time.monotonic()
    card = importing.import_folder(artifacts, whole, "whole")
    first = time.monotonic() - began
    table = records.read_records(artifacts.dataset("whole"))
    check_whole(table)
    assert (card.images, card.unreadable) == (15_114, ())
    assert (card.licence, card.source) == ("", "")
    assert "None is as published" in card.about
    assert (card.phases, card.folds) == (
        {"training": 10_661, "preliminary": 1_867, "final": 2_586},
        {"0": 3_527, "1": 3_581, "2": 3_553},
    )
    made = splits.split(table, card, SplitSpec("official"))
    assert made.certificate.overlapping_subjects == 0
    assert (made.certificate.sides["test"].images, made.certificate.sides["test"].subjects) == (1_867, 28)

    read = []
    monkeypatch.setattr(reading, "_read", lambda path: read.append(path))
    began = time.monotonic()
    again = importing.import_folder(artifacts, whole, "again")
    assert read == []
    assert time.monotonic() - began < first
    assert again.fingerprint == card.fingerprint
    one, other = (cache.opened(artifacts.dataset(name)) for name in ("whole", "again"))
    assert os.path.samefile(one.filename, other.filename)


def test_a_mirror_without_folds_is_read_as_such(whole: Path, tmp_path: Path):
    for kind in ("all", "hem"):
        (tmp_path / kind).mkdir()
        for file in whole.rglob(f"UID_*_{kind}.bmp"):
            (tmp_path / kind / file.name).touch()
    images = importers.listed(tmp_path).images
    assert (len(images), set(images["fold"]), set(images["phase"])) == (10_661, {-1}, {"training"})


def test_one_phases_own_folder_can_be_named(whole: Path):
    final = importers.listed(whole / "C-NMC_Leukemia" / FINAL, "cnmc").images
    assert (len(final), set(final["phase"]), set(final["label"])) == (2_586, {"final"}, {""})
    preliminary = importers.listed(whole / "C-NMC_Leukemia" / "validation_data", "cnmc").images
    assert (len(preliminary), set(preliminary["phase"]), set(preliminary["label"])) == (1_867, {"preliminary"}, {"healthy", "leukemia"})


def touched(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def labels(path: Path, *lines: str, head: str = "Patient_ID,new_names,labels") -> None:
    path.write_text("\n".join([head, *lines]) + "\n")


def test_preliminary_images_without_their_csv_have_no_label(tmp_path: Path):
    images = cnmc.listing(touched(tmp_path, "fold_0/all/UID_1_1_1_all.bmp", "prelim/1.bmp")).images
    assert images[["image_id", "label", "phase"]].to_numpy().tolist() == [
        ["fold_0/all/UID_1_1_1_all.bmp", "leukemia", "training"],
        ["prelim/1.bmp", "", "preliminary"],
    ]


def test_a_folder_name_above_says_less_than_the_nearest(tmp_path: Path):
    source = touched(tmp_path / "final_project", "C-NMC_test_prelim_phase_data/1.bmp")
    labels(source / "labels.csv", "UID_57_29_1_all.bmp,1.bmp,1")
    images = cnmc.listing(source).images
    assert images.iloc[0].tolist() == ["C-NMC_test_prelim_phase_data/1.bmp", "leukemia", "57", "preliminary", -1]


def test_two_folders_that_may_both_be_preliminary_are_not_guessed_at(tmp_path: Path):
    labels(touched(tmp_path, "one/1.bmp", "two/1.bmp") / "labels.csv", "UID_57_29_1_all.bmp,1.bmp,1")
    with pytest.raises(BadInput, match="both look like the preliminary phase"):
        cnmc.listing(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "UID_57_29_1_all.bmp,1.bmp,0",  # the name says leukemic
        "UID_H5_29_1_hem.bmp,1.bmp,1",
        "UID_57_29_1_all.bmp,1.bmp,2",
        "UID_57_29_1_all.bmp,1.bmp",
        "UID_57_29_1_all.bmp,,1",
        "57,1.bmp,1",
        ",,",
    ],
)
def test_a_line_of_the_csv_that_makes_no_sense_is_named(tmp_path: Path, line: str):
    labels(touched(tmp_path, "prelim/1.bmp") / "labels.csv", "UID_57_30_1_all.bmp,2.bmp,1", line)
    with pytest.raises(BadInput, match=r"labels\.csv, line 3: .* can't be understood"):
        cnmc.listing(tmp_path)


def test_csvs_that_contradict_each_other_are_named(tmp_path: Path):
    touched(tmp_path, "prelim/1.bmp")
    labels(tmp_path / "a.csv", "UID_57_29_1_all.bmp,1.bmp,1")
    labels(tmp_path / "b.csv", "UID_58_29_1_all.bmp,1.bmp,1")
    with pytest.raises(BadInput, match=r"b\.csv contradicts another CSV about 1\.bmp"):
        cnmc.listing(tmp_path)


def test_csvs_of_other_people_are_let_be(tmp_path: Path):
    touched(tmp_path, "prelim/1.bmp")
    labels(tmp_path / "a.csv", "UID_57_29_1_all.bmp,1.bmp,1")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\0binary\0\r\n" * 50)
    (tmp_path / "c.csv").write_text("patient;age\n1;4\n", encoding="utf-16")
    (tmp_path / "d.csv").touch()
    assert cnmc.listing(tmp_path).images["label"].tolist() == ["leukemia"]


def test_the_two_subjects_called_1_are_two_people_and_h3_keeps_its_name(tmp_path: Path):
    images = cnmc.listing(touched(tmp_path, "UID_1_1_1_all.bmp", "UID_H1_1_1_hem.bmp", "UID_h3_1_1_hem.bmp", "._UID_9_1_1_all.bmp")).images
    assert images["subject"].tolist() == ["1", "H1", "h3"]
    assert images["label"].tolist() == ["leukemia", "healthy", "healthy"]


def test_the_real_sample(official: Path, artifacts: Artifacts):
    said: list[float] = []
    card = importing.import_folder(artifacts, official, "cnmc", progress=lambda share, _: said.append(share))
    assert (card.images, card.phases) == (106, {"training": 99, "preliminary": 7})
    assert list(card.folds) == ["0", "1", "2"]
    assert card.unreadable == ()
    assert not card.synthetic
    assert (card.licence, "doi 10.7937" in card.source, "as published" in card.about) == ("CC BY 3.0", True, False)
    assert said == sorted(said)
    assert said[-1] == 1

    table = records.read_records(artifacts.dataset("cnmc"))
    training, preliminary = (table[table["phase"] == phase] for phase in ("training", "preliminary"))
    assert training["subject"].nunique() == 40
    assert "h3" in set(training["subject"])
    with open(next(official.rglob(CSV)), newline="") as file:
        by_name = {row["new_names"]: row for row in csv.DictReader(file)}
    for row in preliminary.itertuples():
        told = by_name[PurePosixPath(row.image_id).name]
        assert (row.subject, row.label) == (told["Patient_ID"].split("_")[1], {"1": "leukemia", "0": "healthy"}[told["labels"]])
    assert Counter(table["format"]) == {"BMP": 106}
    assert set(table["width"]) == set(table["height"]) == {450}
    assert cache.opened(artifacts.dataset("cnmc")).shape == (106, 70, 70, 3)
    found = splits.split(table, card, SplitSpec("patient"))
    assert found.certificate.overlapping_subjects == 0


def test_a_copy_that_was_changed_here_and_there_says_so(official: Path, artifacts: Artifacts, tmp_path: Path):
    copy = tmp_path / "copy"
    for number, path in enumerate(sorted(official.rglob("UID_*.bmp"))[::12]):
        (copy / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy / path.parent.name)
        if number == 0:
            Image.open(path).rotate(90).save(copy / path.parent.name / path.name)
    card = importing.import_folder(artifacts, copy, "copy")
    assert f"Only {card.images - 1} of the {card.images} images here are as published." in card.about
    assert card.licence == "CC BY 3.0"


def test_the_real_samples_bytes_are_the_manifests(official: Path, artifacts: Artifacts):
    importing.import_folder(artifacts, official, "cnmc")
    with open(official / "manifest.tsv", newline="") as file:
        known = {row["path"]: row["sha256"] for row in csv.DictReader(file, delimiter="\t")}
    table = records.read_records(artifacts.dataset("cnmc"))
    assert {row.image_id: row.sha256 for row in table.itertuples()}.items() <= known.items()
