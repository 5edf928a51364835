"""Groups of the same picture: who is in them, and where its copies stand."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as some

from allcore.base.paths import Artifacts
from allcore.checks import duplicates, labels
from allcore.checks.report import GOOD, SERIOUS, WARNING


def planted(cells, rows: list[int], **columns) -> tuple[np.ndarray, pd.DataFrame]:
    """The first 30 cells and quarter turns of some; `columns` are what the copies' records say."""
    pixels, table = cells[0][:30], cells[1].iloc[:30]
    copies = table.iloc[rows].assign(image_id=[f"copy-{row}.png" for row in rows], sha256=[f"copy {row}" for row in rows], **columns)
    turned = np.rot90(cells[0][rows], axes=(1, 2))
    return np.concatenate([pixels, turned]), pd.concat([table, copies], ignore_index=True)


def checked(pixels: np.ndarray, table: pd.DataFrame) -> tuple[duplicates.Duplicates, dict[str, object]]:
    found = duplicates.found(pixels, table["sha256"].tolist())
    return found, {one.title.split(":")[0]: one for one in duplicates.findings(found, table)}


def test_without_copies_all_is_in_order(cells):
    found, said = checked(cells[0][:30], cells[1].iloc[:30])
    assert found.groups.tolist() == list(range(30))
    assert not found.copied.any()
    (one,) = said.values()
    assert one.severity == GOOD


def test_exact_and_near_copies_are_told_apart_and_shown_in_pairs(cells):
    pixels, table = planted(cells, [4, 7])
    pixels = np.concatenate([pixels, pixels[2:3]])
    table = pd.concat([table, table.iloc[2:3].assign(image_id="again.png")], ignore_index=True)
    found, said = checked(pixels, table)
    assert np.flatnonzero(found.copied).tolist() == [2, 4, 7, 30, 31, 32]
    assert found.groups[[4, 7, 2]].tolist() == found.groups[[30, 31, 32]].tolist()
    exact, near = (
        said["Byte for byte the same as another"],
        said["The same picture as another, turned, mirrored, cropped a little or saved anew"],
    )
    assert exact.severity == near.severity == WARNING
    assert exact.images == (table["image_id"][2], "again.png")
    assert near.images == (table["image_id"][4], "copy-4.png", table["image_id"][7], "copy-7.png")
    assert (exact.numbers["images"], near.numbers["images"]) == (2, 4)


def test_copies_across_patients_name_those_who_may_be_one(cells):
    pixels, table = planted(cells, [0, 1, 2], subject="X")
    _, said = checked(pixels, table)
    across = said["Pictures of the same cell carry the names of different patients"]
    assert across.severity == SERIOUS
    assert across.numbers["images"] == 6
    assert across.numbers["patients"] == [sorted({*table["subject"][:3], "X"})]


def test_copies_across_official_parts_are_serious(cells):
    pixels, table = planted(cells, [0], fold=1)
    assert "The same picture stands in several of the official phases or folds" not in checked(pixels, table)[1]
    table["fold"] = np.where(table["fold"] == -1, 0, table["fold"])
    across = checked(pixels, table)[1]["The same picture stands in several of the official phases or folds"]
    assert (across.severity, across.numbers["images"]) == (SERIOUS, 2)


def test_one_picture_in_two_classes(cells):
    pixels, table = planted(cells, [0, 5], label=["healthy", "leukemia"])
    table.loc[:29, "label"] = "leukemia"
    found = duplicates.found(pixels, table["sha256"].tolist())
    (conflict,) = [one for one in labels.findings(table, found) if one.severity == SERIOUS]
    assert conflict.images == (table["image_id"][0], "copy-0.png")
    assert conflict.numbers == {"images": 2, "pictures": 1}


def test_groups_are_stored_for_whoever_splits(artifacts: Artifacts, cells):
    pixels, table = planted(cells, [3])
    paths = artifacts.dataset("mine")
    assert duplicates.stored(paths) == {}
    found = duplicates.found(pixels, table["sha256"].tolist())
    duplicates.store(paths, found, table["image_id"].tolist())
    assert pd.read_parquet(paths.duplicates).columns.tolist() == ["image_id", "group"]
    groups = duplicates.stored(paths)
    assert set(groups) == {table["image_id"][3], "copy-3.png"}
    assert len(set(groups.values())) == 1
    duplicates.store(paths, duplicates.found(cells[0][:9], [str(row) for row in range(9)]), table["image_id"].tolist()[:9])
    assert duplicates.stored(paths) == {}


PEOPLE = some.lists(some.tuples(some.sampled_from(["", "a", "b", "c", "d"]), some.integers(0, 9)), min_size=1, max_size=40)


@given(PEOPLE)
def test_whoever_shares_a_patient_or_a_picture_is_held_together(images: list[tuple[str, int]]):
    subjects, groups = (np.array(part) for part in zip(*images, strict=True))
    held = duplicates.held_together(subjects.astype(object), groups)
    for one in range(len(images)):
        for other in range(one):
            if groups[one] == groups[other] or (subjects[one] and subjects[one] == subjects[other]):
                assert held[one] == held[other]
    # No more than that: each group held together is connected by such links.
    for name in np.unique(held):
        members = set(np.flatnonzero(held == name).tolist())
        reached, open_ = set(), {min(members)}
        while open_:
            at = open_.pop()
            reached.add(at)
            open_ |= {to for to in members - reached if groups[to] == groups[at] or (subjects[to] and subjects[to] == subjects[at])}
        assert reached == members


@given(PEOPLE)
def test_spanning_groups_are_those_of_several_known_values(images: list[tuple[str, int]]):
    values, groups = (np.array(part) for part in zip(*images, strict=True))
    rows, count = duplicates.spanning(groups, values.astype(object))
    expected = [name for name in np.unique(groups) if len(set(values[groups == name]) - {""}) > 1]
    assert count == len(expected)
    assert sorted(rows.tolist()) == np.flatnonzero(np.isin(groups, expected)).tolist()
    assert groups[rows].tolist() == sorted(groups[rows].tolist())
