"""Who stands on which side, and what the certificate says of it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allcore.base.errors import BadInput
from allcore.data import splits
from allcore.data.splits import SIDES, Certificate, Split, SplitSpec

CLASSES = ("healthy", "leukemia", "other")


def table_of(rows: list[tuple[str, str, str]]) -> tuple[pd.DataFrame, SimpleNamespace]:
    """Records and what `split` reads of a card, from (label, subject, phase) of each image."""
    table = pd.DataFrame(rows, columns=["label", "subject", "phase"]).astype("string")
    table.insert(0, "image_id", [f"{number:05}.png" for number in range(len(table))])
    table["sha256"] = [f"{number:064}" for number in range(len(table))]
    known = table[(table["label"] != "") & (table["subject"] != "")]
    names = tuple(name for name in CLASSES if (table["label"] == name).any())
    return table, SimpleNamespace(id="made", class_names=names, has_subjects=len(known) > 0)


def cohort(patients: int = 20, cells: int = 6, *, phase: str = "training", start: int = 0) -> list[tuple[str, str, str]]:
    """Patients of two classes in turn, with `cells` images each."""
    return [(CLASSES[number % 2], f"P{number}", phase) for number in range(start, start + patients) for _ in range(cells)]


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


SPECS = st.builds(
    SplitSpec,
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
    # Every labelled image on exactly one side; for the official split, those of its two phases.
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
