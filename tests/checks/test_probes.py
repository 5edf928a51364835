"""The probes ring where they should and are quiet where they should not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allcore.checks import identity, morphology, nuisance, pictures, probe
from allcore.checks.report import GOOD, NOTE, WARNING
from allcore.metrics import intervals

CLASSES = ("healthy", "leukemia")


def probed(pixels: np.ndarray, table: pd.DataFrame) -> nuisance.Nuisance:
    looks = pictures.measured(pixels, table)
    codes = np.array([CLASSES.index(label) for label in table["label"]])
    return nuisance.probed(looks, table, codes, table["subject"].to_numpy(), patients=True, positive=1)


def said(found: nuisance.Nuisance, table: pd.DataFrame):
    codes = np.array([CLASSES.index(label) for label in table["label"]])
    return nuisance.finding(found, table["image_id"].to_numpy(), codes)


def test_balanced_stains_are_quiet(alike):
    found = probed(*alike)
    assert found.rings == ()
    assert said(found, alike[1]).severity == GOOD


def test_a_planted_stain_rings_and_shows_pictures_of_each_class(alike):
    pixels, table = alike[0].astype(np.float32), alike[1]
    pixels[(table["label"] == "leukemia").to_numpy()] *= np.array([1.2, 1.0, 0.9], np.float32)
    found = probed(np.clip(np.rint(pixels), 0, 255).astype(np.uint8), table)
    assert "colour" in found.rings
    assert found.probes["colour"].auroc.estimate > 0.95
    assert "brightness" not in found.rings
    one = said(found, table)
    assert one.severity == WARNING
    shown = table.set_index("image_id").loc[list(one.images), "label"].value_counts()
    assert shown.to_dict() == {"healthy": 6, "leukemia": 6}


def test_the_area_of_a_cell_on_black_is_no_colour(alike):
    """The mean over the whole frame would tell these classes apart by size alone."""
    pixels, table = alike[0].copy(), alike[1]
    row, column = np.mgrid[:70, :70] - 34.5
    rng = np.random.default_rng(0)
    large = (table["label"] == "leukemia").to_numpy()
    for at in range(len(pixels)):
        radius = rng.normal(17 if large[at] else 12, 0.7)
        pixels[at] = np.where((np.hypot(row, column) < radius)[..., None], rng.normal((70, 30, 80), 3), 0)
    found = probed(pixels, table)
    assert found.rings == ()
    looks = pictures.measured(pixels, table)
    area = morphology.probed(looks, large.astype(int), table["subject"].to_numpy(), patients=True, positive=1)["area"]
    assert area.auroc.estimate > 0.95
    finding = morphology.finding(dict.fromkeys(morphology.TRAITS, area), looks, table["image_id"].to_numpy())
    assert finding.severity == NOTE
    assert set(table.set_index("image_id").loc[list(finding.images[6:]), "label"]) == {"leukemia"}


@pytest.mark.parametrize(
    ("column", "value", "sign"), [("bytes", 9000, "file size"), ("format", "BMP", "file format"), ("width", 90, "dimensions")]
)
def test_files_that_go_with_the_class_ring(alike, column: str, value: object, sign: str):
    table = alike[1].copy()
    table[column] = table[column].where(table["label"] == "healthy", value)
    table["height"] = table["width"]
    assert sign in probed(alike[0], table).rings


def test_file_size_that_only_follows_the_content_is_quiet(alike):
    """Larger, richer cells take more bytes: that is the cell, not the file."""
    table = alike[1].copy()
    needed = pictures.measured(*alike)["needed"].to_numpy(float)
    table["bytes"] = (needed**1.2 * 3).astype(int)
    codes = np.array([CLASSES.index(label) for label in table["label"]])
    raw = probe.grouped(codes, np.log(table[["bytes"]].to_numpy(float)), table["subject"].to_numpy(), patients=True)
    assert raw.auroc.estimate > 0.62
    assert probed(alike[0], table).probes["file size"].auroc.estimate < 0.57


def test_identity_is_high_with_habits_and_within_chance_without(cells, alike):
    for (pixels, table), leaks in ((cells, True), (alike, False)):
        looks = pictures.measured(pixels, table)
        found = identity.probed(looks, table["label"].to_numpy(), table["subject"].to_numpy(), np.arange(len(table)))
        assert found.leaks == leaks
        assert found.low < found.expected < found.high
        assert found.patients == 24
        finding = identity.finding(found, table["image_id"].to_numpy())
        assert finding.severity == (WARNING if leaks else GOOD)
        who = table.set_index("image_id").loc[list(finding.images), "subject"].to_numpy()
        assert (who[::2] == who[1::2]).all()
        assert len(set(finding.images)) == len(finding.images)


def test_copies_are_nobodys_neighbours(alike):
    """A set where each picture stands twice would else look like a leak of 100 %."""
    pixels, table = np.concatenate([alike[0]] * 2), pd.concat([alike[1]] * 2, ignore_index=True)
    looks = pictures.measured(pixels, table)
    whose = (looks, table["label"].to_numpy(), table["subject"].to_numpy())
    assert identity.probed(*whose, np.arange(240)).share == 1
    assert identity.probed(*whose, np.tile(np.arange(120), 2)).share < 0.3


def test_identity_needs_patients(cells):
    looks = pictures.measured(cells[0][:20], cells[1].iloc[:20])
    labels = cells[1]["label"].to_numpy()[:20]
    assert identity.probed(looks, labels, np.full(20, ""), np.arange(20)) is None
    assert identity.probed(looks, labels, np.arange(20).astype(str).astype(object), np.arange(20)) is None
    assert identity.finding(None, np.array([])) is None


def test_a_probe_never_learns_from_the_patients_it_is_tested_on():
    """Every patient has a colour of his own, and classes differ in nothing: only leakage could tell them apart."""
    patients = np.repeat(np.arange(24), 12)
    labels = (patients % 2).astype(int)
    held, leaking = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        features = rng.normal(size=(24, 4))[patients] + rng.normal(0, 0.01, (288, 4))
        held.append(probe.grouped(labels, features, patients, patients=True).auroc)
        leaking.append(probe.grouped(labels, features, np.arange(288), patients=False).auroc)
    assert np.mean([one.estimate for one in held]) < 0.55
    assert np.mean([one.estimate for one in leaking]) > 0.8
    assert not any(one.low > nuisance.ALARM for one in held)
    assert {one.clusters for one in held} == {24}
    assert {one.clusters for one in leaking} == {None}
    assert all("independent" in one.note for one in leaking)


def test_what_can_not_be_probed_says_why():
    labels = np.repeat([0, 1], 10)
    assert probe.grouped(labels, np.ones((20, 2)), np.arange(20), patients=False).auroc.note == probe.CONSTANT
    alone = probe.grouped(labels, np.random.default_rng(0).normal(size=(20, 2)), labels, patients=True)
    assert (alone.auroc.estimate, alone.auroc.note) == (None, probe.TOO_FEW_GROUPS)
    few = probe.grouped(labels, np.random.default_rng(0).normal(size=(20, 1)), np.arange(20) // 3, patients=True)
    assert few.auroc.low is None


def test_the_mean_area_of_two_classes_is_the_area_of_one():
    rng = np.random.default_rng(1)
    codes = np.repeat(np.arange(30), 8)
    labels = codes % 2
    scores = labels + rng.normal(0, 1, 30)[codes] + rng.normal(0, 1, 240)
    both = np.column_stack([-scores, scores])
    macro, one = intervals.macro_auroc(labels, both, codes), intervals.auroc(labels == 1, scores, codes)
    assert macro.estimate == pytest.approx(one.estimate)
    assert macro.low == pytest.approx(one.low, abs=0.01)
    assert macro.high == pytest.approx(one.high, abs=0.01)
    assert intervals.macro_auroc(labels * 0, both, codes).estimate is None


def test_the_mean_area_of_three_classes_covers_the_truth():
    """Simulated patients of three classes: the interval holds the long-run value about 95 times in 100."""
    rng = np.random.default_rng(2)

    def area(patients: int) -> intervals.Interval:
        codes = np.repeat(np.arange(3 * patients), 5)
        labels = codes % 3
        signal = np.eye(3)[labels] + rng.normal(0, 1, (3 * patients, 3))[codes] + rng.normal(0, 1, (len(codes), 3))
        return intervals.macro_auroc(labels, signal, codes)

    truth = area(4000).estimate
    holds = [one.low <= truth <= one.high for one in (area(15) for _ in range(300))]
    assert 0.91 <= np.mean(holds) <= 0.99


def test_real_smears_ring_and_real_cells_are_quiet(real_data, artifacts):
    from allcore.checks import run
    from allcore.data import importing

    importing.import_folder(artifacts, real_data / "taleqani", "smears")
    importing.import_folder(artifacts, real_data / "cnmc" / "C-NMC_Leukemia", "cells")
    smears, cells_ = (run.check(artifacts, name) for name in ("smears", "cells"))
    (rings,) = [one for one in smears.findings if one.check == "nuisance"]
    assert rings.severity == WARNING
    assert rings.numbers["colour"]["low"] > 0.9
    (quiet,) = [one for one in cells_.findings if one.check == "nuisance"]
    assert quiet.severity == GOOD
    # Published so: patients H2 and H6 share cells, in different folds.
    across = [one for one in cells_.findings if "different patients" in one.title]
    assert across[0].numbers["patients"] == [["H2", "H6"]]
