"""The phantom's twin of C-NMC 2019: the published list, with drawn cells."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.data import importers, importing, official, records, splits
from allcore.data.importers.listing import table
from allcore.data.phantom import PhantomSpec, draw, plan, twin
from allcore.data.splits import SplitSpec


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    """What the records of the whole twin say."""
    return table([cell.row for cell in plan(twin())])


def test_it_has_the_published_names_phases_folds_classes_and_subjects(whole: pd.DataFrame):
    listed = official.cnmc()
    assert (whole["image_id"].str.removeprefix(f"{official.TOP}/") == listed["path"]).all()
    for column in ("label", "subject", "phase", "fold"):
        assert (whole[column] == listed[column]).all(), column
    counts = records.counted(whole, ("healthy", "leukemia"))
    assert counts["classes"] == {"healthy": 4_037, "leukemia": 8_491}
    assert counts["subjects"] == {"healthy": 26 + 15, "leukemia": 47 + 13}
    assert counts["phases"] == {"training": 10_661, "preliminary": 1_867, "final": 2_586}
    assert counts["folds"] == {"0": 3_527, "1": 3_581, "2": 3_553}


def test_the_official_split_trains_on_73_subjects_and_tests_on_28(whole: pd.DataFrame):
    whole = whole.assign(sha256=whole["image_id"])
    card = SimpleNamespace(id="twin", class_names=("healthy", "leukemia"), has_subjects=True)
    certificate = splits.split(whole, card, SplitSpec("official")).certificate
    assert (certificate.sides["test"].images, certificate.sides["test"].subjects) == (1_867, 28)
    assert certificate.sides["test"].subjects_by_class == {"healthy": 15, "leukemia": 13}
    rest = [side for name, side in certificate.sides.items() if name != "test"]
    assert (sum(side.images for side in rest), sum(side.subjects for side in rest)) == (10_661, 73)
    assert (certificate.unused, certificate.overlapping_subjects) == (2_586, 0)


def test_somebody_stands_behind_each_cell_of_the_final_phase_but_nobody_is_told():
    cells = plan(twin())
    assert {(cell.phase == "final") for cell in cells if not cell.told} == {True}
    hidden = {(cell.subject, cell.label) for cell in cells if not cell.told}
    assert sorted(label for _, label in hidden) == ["healthy"] * 8 + ["leukemia"] * 9
    assert len({cell.subject for cell in cells}) == 118
    first = next(index for index, cell in enumerate(cells) if not cell.told)
    assert draw(twin(size=32), first).any()


@pytest.mark.parametrize("wrong", [{"images": 1000}, {"patients": 40}, {"like": "imagenet"}])
def test_a_twin_of_another_size_or_of_another_set_is_refused(wrong: dict):
    with pytest.raises(BadInput, match=r"twin") as caught:
        replace(twin(), **wrong)
    assert caught.value.hint


def test_a_set_that_is_no_twin_is_drawn_as_ever():
    assert PhantomSpec().like == ""
    assert {cell.phase for cell in plan(PhantomSpec(images=40, patients=8))} == {""}


def test_its_folder_can_be_imported_like_the_published_one(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch):
    few = official.cnmc().groupby(["phase", "label", "subject", "fold"]).head(2).sort_values("path", ignore_index=True)
    monkeypatch.setattr(official, "cnmc", lambda: few)
    monkeypatch.setattr("allcore.data.phantom.spec.CNMC_IMAGES", len(few))
    card = importing.make_phantom(artifacts, "twin", twin(size=32))
    assert (card.synthetic, card.images, card.drawn_with["like"]) == (True, len(few), "cnmc")
    paths = artifacts.dataset("twin")
    made = records.read_records(paths)
    assert set(made["format"]) == {"BMP"}
    found = importers.listed(records.image_root(paths, card))
    assert found.layout == "cnmc"
    columns = ["image_id", "label", "subject", "phase", "fold"]
    assert found.images[columns].to_numpy().tolist() == made[columns].to_numpy().tolist()
