"""A copy of C-NMC against the published list."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from allcore.base.errors import BadInput, NotFound
from allcore.base.paths import Artifacts
from allcore.data import importing, official, verifying
from allcore.data.official import File

PRELIMINARY, FINAL = "validation_data/C-NMC_test_prelim_phase_data", "testing_data/C-NMC_test_final_phase_data"
CELLS = {
    "training_data/fold_0/all/UID_1_1_1_all.bmp": ("leukemia", "training", ""),
    "training_data/fold_1/hem/UID_H1_1_1_hem.bmp": ("healthy", "training", ""),
    f"{PRELIMINARY}/1.bmp": ("leukemia", "preliminary", "UID_57_1_1_all.bmp"),
    f"{PRELIMINARY}/2.bmp": ("healthy", "preliminary", "UID_H57_1_1_hem.bmp"),
    f"{FINAL}/1.bmp": ("", "final", ""),
}
LABELS = "Patient_ID,new_names,labels\nUID_57_1_1_all.bmp,1.bmp,1\nUID_H57_1_1_hem.bmp,2.bmp,0\n"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a set of five images, of which the list is made to speak."""
    root = tmp_path / "copy" / official.TOP
    rows = []
    for number, (path, (label, phase, name)) in enumerate(CELLS.items()):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20), (number, 0, 0)).save(root / path)
        rows.append((path, label, phase, name or Path(path).name * (phase == "training"), sha256(root / path)))
    table = root / official.LABELS.path
    table.write_text(LABELS)
    listed = pd.DataFrame(rows, columns=["path", "label", "phase", "name", "sha256"])
    monkeypatch.setattr(official, "cnmc", listed.copy)
    monkeypatch.setattr(official, "LABELS", File(official.LABELS.path, sha256(table), len(LABELS)))
    return root.parent


def test_a_whole_copy_is_whole_wherever_its_files_lie(whole: Path, tmp_path: Path, artifacts: Artifacts):
    found = verifying.against_official(whole)
    assert found.is_whole
    assert (found.expected, found.present, found.missing, found.changed, found.extra) == (6, 6, (), (), ())
    mirror = tmp_path / "mirror"
    shutil.copytree(whole / official.TOP / "training_data", mirror / "train")
    for old, new in ((PRELIMINARY, "prelim"), (FINAL, "final")):
        shutil.copytree(whole / official.TOP / old, mirror / new)
    shutil.copy(whole / official.TOP / official.LABELS.path, mirror / "anything.csv")
    (mirror / ".hidden").touch()
    assert verifying.against_official(mirror).is_whole
    importing.import_folder(artifacts, Path(shutil.make_archive(str(tmp_path / "z"), "zip", whole)), "packed")
    assert verifying.against_official(verifying.root_of(artifacts, "packed")).is_whole


def test_what_is_missing_changed_or_extra_is_named(whole: Path):
    top = whole / official.TOP
    (top / "training_data/fold_0/all/UID_1_1_1_all.bmp").unlink()
    Image.new("RGB", (20, 20), (200, 0, 0)).save(top / f"{PRELIMINARY}/2.bmp")
    Image.new("RGB", (20, 20), (201, 0, 0)).save(top / "training_data/fold_0/all/UID_9_9_9_all.bmp")
    shutil.copy(top / f"{FINAL}/1.bmp", top / f"{FINAL}/7.bmp")
    (top / "readme.txt").write_text("mine")
    found = verifying.against_official(whole)
    assert not found.is_whole
    assert found.present == 4
    assert found.missing == ("training_data/fold_0/all/UID_1_1_1_all.bmp",)
    assert found.changed == (f"{official.TOP}/{PRELIMINARY}/2.bmp",)
    assert set(found.extra) == {
        f"{official.TOP}/readme.txt",
        f"{official.TOP}/{FINAL}/7.bmp",
        f"{official.TOP}/training_data/fold_0/all/UID_9_9_9_all.bmp",
    }


def test_two_files_that_changed_places_are_both_there(whole: Path):
    one, other = (whole / official.TOP / f"{PRELIMINARY}/{number}.bmp" for number in (1, 2))
    one.rename(one.with_name("aside"))
    other.rename(one)
    one.with_name("aside").rename(other)
    found = verifying.against_official(whole)
    assert (found.present, found.missing, found.changed) == (6, (), ())


def test_a_changed_label_table_is_named(whole: Path):
    table = whole / official.TOP / official.LABELS.path
    table.write_text(LABELS + "UID_58_1_1_all.bmp,3.bmp,1\n")
    found = verifying.against_official(whole)
    assert (found.changed, found.missing) == ((f"{official.TOP}/{official.LABELS.path}",), ())


def test_another_format_is_another_content(whole: Path):
    for path in whole.rglob("*.bmp"):
        Image.open(path).save(path.with_suffix(".png"))
        path.unlink()
    found = verifying.against_official(whole)
    assert (found.present, len(found.changed), found.missing, found.extra) == (1, 5, (), ())


def test_the_real_sample_is_found_in_the_real_list(real_data: Path):
    found = verifying.against_official(real_data / "cnmc")
    assert (found.expected, found.present, found.changed, found.extra) == (15_115, 107, (), ("manifest.tsv",))
    assert len(found.missing) == 15_008


def test_what_is_no_copy_of_cnmc_is_told(artifacts: Artifacts, tiny: str, tmp_path: Path):
    with pytest.raises(BadInput, match="no image named as C-NMC's are"):
        verifying.against_official(tmp_path / "nothing")
    with pytest.raises(BadInput, match="was drawn here"):
        verifying.root_of(artifacts, tiny)
    with pytest.raises(NotFound):
        verifying.root_of(artifacts, "nothing")
    with pytest.raises(BadInput, match="There is no folder"):
        verifying.root_of(artifacts, "/no/where")
    with pytest.raises(BadInput, match="is a file"):
        verifying.root_of(artifacts, str(artifacts.dataset(tiny).card))
