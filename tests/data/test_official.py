"""The published list of C-NMC 2019, against the archive's own listing."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from allcore.data import official


def test_the_counts_are_those_that_its_makers_published():
    listed = official.cnmc()
    assert len(listed) == 15_114
    assert listed["path"].is_monotonic_increasing
    assert listed["path"].is_unique
    training, preliminary, final = (listed[listed["phase"] == phase] for phase in ("training", "preliminary", "final"))
    assert training["label"].value_counts().to_dict() == {"leukemia": 7_272, "healthy": 3_389}
    assert training.groupby("label")["subject"].nunique().to_dict() == {"leukemia": 47, "healthy": 26}
    assert training["fold"].value_counts().sort_index().to_dict() == {0: 3_527, 1: 3_581, 2: 3_553}
    assert (training.groupby("subject")["fold"].nunique() == 1).all()
    assert preliminary["label"].value_counts().to_dict() == {"leukemia": 1_219, "healthy": 648}
    assert preliminary.groupby("label")["subject"].nunique().to_dict() == {"leukemia": 13, "healthy": 15}
    assert not set(training["subject"]) & set(preliminary["subject"])
    assert len(final) == 2_586
    assert set(final["label"]) == set(final["subject"]) == set(final["name"]) == {""}
    assert set(preliminary["fold"]) == set(final["fold"]) == {-1}


def test_who_reads_it_may_alter_it():
    mine = official.cnmc()
    mine["label"] = "changed"
    assert set(official.cnmc()["label"]) == {"leukemia", "healthy", ""}


@pytest.fixture(scope="module")
def archive(real_data: Path) -> Path:
    return real_data / "cnmc"


def test_every_file_of_the_archive_is_listed_with_its_size_and_hash(archive: Path):
    with open(archive / "manifest.tsv", newline="") as file:
        published = {(row["path"], row["sha256"], int(row["size"])) for row in csv.DictReader(file, delimiter="\t")}
    listed = official.cnmc()
    ours = set(zip(official.TOP + "/" + listed["path"], listed["sha256"], listed["bytes"].tolist(), strict=True))
    ours.add((f"{official.TOP}/{official.LABELS.path}", official.LABELS.sha256, official.LABELS.bytes))
    assert ours == published
