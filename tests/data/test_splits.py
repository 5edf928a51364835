"""Who stands on which side, and what the certificate says of it."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allcore.base.errors import BadInput
from allcore.base.paths import DatasetPaths
from allcore.data import splits
from allcore.data.splits import SIDES, Certificate, Split, SplitSpec

HASHES = {"image": "08901950c9cf", "patient": "f36e27850ae9", "official": "bc0b9343359f"}
CLASSES = ("healthy", "leukemia", "other")


def table_of(rows: list[tuple[str, str, str]]) -> tuple[pd.DataFrame, SimpleNamespace]:
    """Records and what `split` reads of a card, from (label, subject, phase) of each image."""
    table = pd.DataFrame(rows, columns=["label", "subject", "phase"]).astype("string")
    table["fold"] = -1
    table.insert(0, "image_id", [f"{number:05}.png" for number in range(len(table))])
    table["sha256"] = [f"{number:064}" for number in range(len(table))]
    known = table[(table["label"] != "") & (table["subject"] != "")]
    names = tuple(name for name in CLASSES if (table["label"] == name).any())
    return table, SimpleNamespace(id="made", class_names=names, has_subjects=len(known) > 0)


def cohort(patients: int = 20, cells: int = 6, *, phase: str = "training", start: int = 0) -> list[tuple[str, str, str]]:
    """Patients of two classes in turn, with `cells` images each."""
    return [(CLASSES[number % 2], f"P{number}", phase) for number in range(start, start + patients) for _ in range(cells)]


@pytest.mark.parametrize("share", [0.1, 0.2, 0.4, 0.5, 0.6])
def test_a_part_is_about_as_large_as_was_asked(share: float):
    table, card = table_of(cohort(100))
    found = splits.split(table, card, SplitSpec("patient", test=0.2, tune=0.1, calibrate=share)).certificate.sides
    assert found["calibrate"].images / len(table) == pytest.approx(share, abs=0.05)
    assert found["test"].images / len(table) == pytest.approx(0.2, abs=0.03)


@st.composite
def data_sets(draw: st.DrawFn, *, subjects: bool = True) -> tuple[pd.DataFrame, SimpleNamespace]:
    classes = draw(st.integers(2, 3))
    rows = []
    for name in CLASSES[:classes]:
        for patient, cells in enumerate(draw(st.lists(st.integers(1, 9), min_size=1, max_size=12))):
            rows += [(name, f"{name[0]}{patient}" if subjects else "", draw(st.sampled_from(["training", "preliminary"])))] * cells
    if draw(st.booleans()):  # one patient with cells of two classes
        rows += [(CLASSES[0], "both" if subjects else "", "training"), (CLASSES[1], "both" if subjects else "", "training")]
    rows += [("", draw(st.sampled_from(["", "h0"])) if subjects else "", "final")] * draw(st.integers(0, 3))
    return table_of(draw(st.permutations(rows)))


def spec_of(folds: tuple[int, int], **given: object) -> SplitSpec:
    return SplitSpec(folds=folds[0], fold=folds[1], **given)


SPECS = st.builds(
    spec_of,
    folds=st.just((0, 0)) | st.integers(2, 5).flatmap(lambda folds: st.tuples(st.just(folds), st.integers(0, folds - 1))),
    level=st.sampled_from(splits.LEVELS),
    seed=st.integers(0, 2**31 - 1),
    test=st.sampled_from([0.2, 0.1, 0.5]),
    tune=st.sampled_from([0.0, 0.1, 0.2]),
    calibrate=st.sampled_from([0.0, 0.1]),
    stratified=st.booleans(),
)


def made(table: pd.DataFrame, card: SimpleNamespace, spec: SplitSpec) -> Split | None:
    """The split, None where it is refused in words."""
    try:
        return splits.split(table, card, spec)
    except BadInput as error:
        return None if error.message and error.hint else pytest.fail("a refusal without words")


def subjects_on(table: pd.DataFrame, found: Split, *sides: str) -> set[str]:
    return set(table["subject"].to_numpy()[np.isin(found.sides, sides)]) - {""}


@settings(deadline=None, max_examples=80)
@given(data_sets(), SPECS)
def test_what_a_split_promises(data: tuple[pd.DataFrame, SimpleNamespace], spec: SplitSpec):
    table, card = data
    found = made(table, card, spec)
    if found is None:
        return
    labelled = (table["label"] != "").to_numpy()
    used = np.isin(found.sides, SIDES)
    # Every labelled image on exactly one side; for the official split, those of its two phases (here no image has a fold).
    assert (used == (labelled & table["phase"].isin(["training", "preliminary"]).to_numpy())).all()
    assert not used[~labelled].any()
    for side in ("train", "test"):
        assert set(table["label"].to_numpy()[found.rows(side)]) == set(card.class_names)
    for side, share in (("tune", spec.tune), ("calibrate", spec.calibrate)):
        assert (len(found.rows(side)) > 0) == (share > 0)
    # Tune and calibrate share no patient with train or each other, whatever the level; test shares none at patient level.
    for one, other in (("train", "tune"), ("train", "calibrate"), ("tune", "calibrate")):
        assert not subjects_on(table, found, one) & subjects_on(table, found, other)
    shared = subjects_on(table, found, "test") & subjects_on(table, found, "train", "tune", "calibrate")
    if spec.level == "patient":
        assert not shared
    certificate = found.certificate
    assert certificate.overlapping_subjects == len(shared)
    assert certificate.overlapping_test_images == table["subject"].iloc[found.rows("test")].isin(shared).sum()
    assert certificate.unused == (~used).sum()
    assert {name: side.images for name, side in certificate.sides.items()} == {
        side: len(found.rows(side)) for side in SIDES if len(found.rows(side))
    }
    assert splits.split(table, card, spec).certificate.hash == certificate.hash


@settings(deadline=None, max_examples=60)
@given(data_sets(subjects=False), SPECS)
def test_without_patients_only_images_can_be_split(data: tuple[pd.DataFrame, SimpleNamespace], spec: SplitSpec):
    table, card = data
    found = made(table, card, spec)
    if spec.level != "image":
        assert found is None
    if found is not None:
        assert (np.isin(found.sides, SIDES) == (table["label"] != "").to_numpy()).all()
        assert found.certificate.overlapping_subjects is None
        assert all(side.subjects is None for side in found.certificate.sides.values())
        assert "not known" in found.certificate.verdict()


@pytest.mark.parametrize("level", ["image", "patient"])
def test_shares_are_about_what_was_asked_for(level: str):
    found = splits.split(*table_of(cohort(60, 10)), SplitSpec(level))
    counted = {name: side.images / 600 for name, side in found.certificate.sides.items()}
    assert counted == pytest.approx({"test": 0.2, "tune": 0.1, "calibrate": 0.1, "train": 0.6}, abs=0.03)


def test_an_image_level_split_keeps_the_classes_shares_only_if_asked():
    data = table_of([("leukemia", "", "")] * 700 + [("healthy", "", "")] * 300)
    kept = splits.split(*data, SplitSpec("image", tune=0, calibrate=0))
    assert kept.certificate.sides["test"].images_by_class == {"healthy": 60, "leukemia": 140}
    drawn = [splits.split(*data, SplitSpec("image", tune=0, calibrate=0, stratified=False, seed=seed)) for seed in range(5)]
    tested = [found.certificate.sides["test"] for found in drawn]
    assert {side.images for side in tested} == {200}
    assert len({side.images_by_class["healthy"] for side in tested}) > 1


@pytest.mark.parametrize("level", ["image", "patient"])
def test_same_seed_same_split_other_seed_other_split(level: str):
    data = table_of(cohort(40))
    hashes = [splits.split(*data, SplitSpec(level, seed=seed)).certificate.hash for seed in (0, 1, 2, 0)]
    assert hashes[0] == hashes[3]
    assert len(set(hashes)) == 3


def test_the_hash_names_sides_not_rows():
    table, card = table_of(cohort(40))
    one = splits.split(table, card, SplitSpec("patient"))
    renamed = table.assign(image_id="x" + table["image_id"])
    assert splits.split(renamed, card, SplitSpec("patient")).certificate.hash != one.certificate.hash


def test_the_official_split_goes_by_phase():
    table, card = table_of(cohort(12) + cohort(6, phase="preliminary", start=20) + [("", "", "final")] * 4)
    found = splits.split(table, card, SplitSpec("official"))
    assert set(table["phase"].to_numpy()[found.rows("test")]) == {"preliminary"}
    assert set(table["phase"].to_numpy()[np.isin(found.sides, ("train", "tune", "calibrate"))]) == {"training"}
    assert found.certificate.unused == 4
    assert found.certificate.verdict() == "No patient stands on both sides: tested on 6 patients that training never saw."


def test_cells_of_one_patient_on_both_sides_are_said():
    found = splits.split(*table_of(cohort(10, 20)), SplitSpec("image", tune=0, calibrate=0))
    assert found.certificate.overlapping_subjects == 10
    assert found.certificate.overlapping_test_images == 40
    assert "10 patients, 100% of the test images. The figures flatter." in found.certificate.verdict()


def test_the_same_bytes_on_both_sides_are_counted():
    table, card = table_of(cohort(20))
    table["sha256"] = "a" * 64
    found = splits.split(table, card, SplitSpec("patient"))
    assert found.certificate.duplicate_test_images == len(found.rows("test"))


def test_a_certificate_comes_back():
    certificate = splits.split(*table_of(cohort()), SplitSpec("patient")).certificate
    assert Certificate.from_dict(json.loads(json.dumps(certificate.to_dict()))) == certificate


@pytest.mark.parametrize("level", ["patient", "official"])
def test_where_a_patient_is_unknown_nothing_is_imitated(level: str):
    rows = [*cohort(), ("healthy", "", "training")]
    with pytest.raises(BadInput, match="1 labelled images have no patient") as caught:
        splits.split(*table_of(rows), SplitSpec(level))
    assert "optimistic" in caught.value.hint


def test_an_unlabelled_image_needs_no_patient():
    found = splits.split(*table_of([*cohort(), ("", "", "final")]), SplitSpec("patient"))
    assert found.certificate.unused == 1


@pytest.mark.parametrize("patients", [2, 4, 6])
def test_too_few_patients_are_told(patients: int):
    with pytest.raises(BadInput, match=r"Too few patients for a \w+ side: class 'healthy' has 1 left") as caught:
        splits.split(*table_of(cohort(patients)), SplitSpec("patient"))
    assert "4 patients at least, 2 where tune and calibrate are left out" in caught.value.hint


@pytest.mark.parametrize("seed", range(5))
def test_as_many_patients_as_it_says_suffice(seed: int):
    found = splits.split(*table_of(cohort(8)), SplitSpec("patient", seed=seed))
    assert [side.subjects for side in found.certificate.sides.values()] == [2, 2, 2, 2]
    found = splits.split(*table_of(cohort(4)), SplitSpec("patient", seed=seed, tune=0, calibrate=0))
    assert {name: side.subjects for name, side in found.certificate.sides.items()} == {"train": 2, "test": 2}


def test_no_official_split_without_its_phases():
    with pytest.raises(BadInput, match="'training' and 'preliminary'"):
        splits.split(*table_of(cohort()), SplitSpec("official"))


def test_an_official_test_side_of_one_class_is_refused():
    rows = cohort(12) + [("leukemia", "Q", "preliminary")] * 3
    with pytest.raises(BadInput, match="test side has no image of class 'healthy'"):
        splits.split(*table_of(rows), SplitSpec("official"))


@pytest.mark.parametrize(
    "wrong", [{"level": "cell"}, {"test": 0.0}, {"test": 1.0}, {"tune": -0.1}, {"test": 0.5, "tune": 0.3, "calibrate": 0.2}]
)
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, object]):
    with pytest.raises(BadInput, match=r"."):
        SplitSpec(**{"level": "patient", **wrong})


@pytest.mark.parametrize("level", splits.LEVELS)
def test_splitting_says_nothing_on_the_side(level: str, recwarn: pytest.WarningsRecorder):
    splits.split(*table_of(cohort(12, 2) + cohort(6, 1, phase="preliminary", start=20)), SplitSpec(level))
    assert not [warning for warning in recwarn.list if "sklearn" in str(warning.filename)]


def folded(spec: SplitSpec, data: tuple[pd.DataFrame, SimpleNamespace]) -> list[Split]:
    return [splits.split(*data, replace(spec, fold=fold)) for fold in range(spec.folds)]


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 5), st.integers(0, 2**31 - 1), st.sampled_from(["image", "patient"]), st.sampled_from([0.0, 0.1]))
def test_each_image_is_tested_in_exactly_one_fold(folds: int, seed: int, level: str, held_back: float):
    data = table_of(cohort(30, 3) + [("", "", "")] * 2)
    spec = SplitSpec(level, seed=seed, folds=folds, tune=held_back, calibrate=held_back)
    found = folded(spec, data)
    tested = np.stack([one.sides == "test" for one in found])
    assert (tested.sum(axis=0) == (data[0]["label"] != "").to_numpy()).all()
    for number, one in enumerate(found):
        assert (one.certificate.folds, one.certificate.fold) == (folds, number)
        assert set(data[0]["label"].to_numpy()[one.rows("test")]) == set(CLASSES[:2])
        assert abs(len(one.rows("test")) - 90 / folds) <= 6
        if level == "patient":
            assert one.certificate.overlapping_subjects == 0
            assert not subjects_on(data[0], one, "test") & subjects_on(data[0], one, "train", "tune", "calibrate")


def test_official_folds_are_the_data_sets_own():
    table, card = table_of(cohort(24) + cohort(4, phase="preliminary", start=50))
    number = table["subject"].str[1:].astype(int).to_numpy()
    table["fold"] = np.where(number < 50, number // 2 % 3, -1)
    for one in folded(SplitSpec("official", folds=3), (table, card)):
        assert set(table["fold"].to_numpy()[one.rows("test")]) == {one.certificate.fold}
        assert set(table["fold"].to_numpy()[one.rows("train")]) == {0, 1, 2} - {one.certificate.fold}
        assert (one.certificate.unused, one.certificate.overlapping_subjects) == (24, 0)
    with pytest.raises(BadInput, match="has the folds 0, 1, 2, not 5"):
        splits.split(table, card, SplitSpec("official", folds=5))
    with pytest.raises(BadInput, match="has no folds of its own"):
        splits.split(table.assign(fold=-1), card, SplitSpec("official", folds=3))


@pytest.mark.parametrize(("folds", "fold"), [(1, 0), (3, 3), (3, -1), (21, 0), (0, 1)])
def test_a_fold_that_is_not_there_is_refused(folds: int, fold: int):
    with pytest.raises(BadInput, match="There is no fold"):
        SplitSpec("image", folds=folds, fold=fold)


def test_too_few_patients_for_so_many_folds_are_refused():
    with pytest.raises(BadInput, match="has 3 patients: too few for 5 folds"):
        splits.split(*table_of(cohort(6)), SplitSpec("patient", folds=5))


@settings(deadline=None, max_examples=60)
@given(data_sets(subjects=False), SPECS, st.data())
def test_near_duplicates_stay_together_where_patients_are_unknown(data: tuple[pd.DataFrame, SimpleNamespace], spec: SplitSpec, more):
    table, card = data
    groups = np.array([more.draw(st.sampled_from(["", "", "a", "b", "c"])) for _ in range(len(table))])
    try:
        found = splits.split(table, card, replace(spec, level="image", folds=0, fold=0), duplicates=groups)
    except BadInput:
        return
    labelled = (table["label"] != "").to_numpy()
    assert (np.isin(found.sides, SIDES) == labelled).all()
    for group in "abc":
        assert len(set(found.sides[labelled & (groups == group)])) <= 1
    assert found.certificate.near_duplicate_test_images == 0
    sizes = {group: int((labelled & (groups == group)).sum()) for group in "abc"}
    assert found.certificate.held_together == sum(size for size in sizes.values() if size > 1)


def test_copies_of_a_single_picture_cannot_be_split():
    table, card = table_of([(label, "", phase) for label, _, phase in cohort(20)])
    spec = SplitSpec("image", tune=0.0, calibrate=0.0, stratified=False)
    with pytest.raises(BadInput, match="Too few different images for a test side: 1"):
        splits.split(table, card, spec, duplicates=np.full(len(table), "same"))


def test_near_duplicates_across_sides_are_counted_where_patients_decide():
    table, card = table_of(cohort(20))
    groups = np.where(np.arange(len(table)) < 60, "same", "")
    found = splits.split(table, card, SplitSpec("patient"), duplicates=groups)
    assert found.certificate.near_duplicate_test_images == (groups[found.rows("test")] == "same").sum() > 0
    assert found.certificate.held_together == 0
    assert splits.split(table, card, SplitSpec("patient")).certificate.near_duplicate_test_images is None


def test_nothing_changes_where_no_image_has_a_duplicate():
    data = table_of([("leukemia", "", "")] * 70 + [("healthy", "", "")] * 30)
    bare = splits.split(*data, SplitSpec("image")).certificate
    assert splits.split(*data, SplitSpec("image"), duplicates=np.full(100, "")).certificate.hash == bare.hash


def test_splits_made_before_folds_were_are_made_again_alike():
    """Hashes of an earlier version: a run that resumes, or is done again, meets the same sides."""
    data = table_of(cohort(40) + cohort(8, phase="preliminary", start=40))
    hashes = {level: splits.split(*data, SplitSpec(level)).certificate.hash[:12] for level in splits.LEVELS}
    assert hashes == HASHES


def test_groups_are_read_from_the_data_sets_folder(tmp_path):
    table, _ = table_of([("leukemia", "", "")] * 4)
    paths = DatasetPaths(tmp_path)
    assert splits.duplicate_groups(paths, table) is None
    pd.DataFrame({"image_id": ["00001.png", "00003.png"], "group": [7, 7]}).to_parquet(paths.duplicates)
    assert splits.duplicate_groups(paths, table).tolist() == ["", "7", "", "7"]
