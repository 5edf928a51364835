"""A whole check: what is written, and when nothing is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from allcore.base import fileio
from allcore.base.errors import Cancelled, Conflict, NotFound
from allcore.base.paths import Artifacts
from allcore.checks import duplicates, files, report, run, sizes
from allcore.checks.report import GOOD, NOTE, SERIOUS, SEVERITIES, WARNING, Finding, Report
from allcore.data import importing
from allcore.jobs import submit
from allcore.runs import spec, status, store


@pytest.fixture
def odd(artifacts: Artifacts, cells, tmp_path: Path) -> str:
    """A folder without patients: a copy in the other class, a cut file, a blank picture, one grey and small one."""
    pixels, _ = cells
    root = tmp_path / "odd"
    for name in ("ill", "well"):
        (root / name).mkdir(parents=True)
    for place, (picture, label) in enumerate(zip(pixels[:60], np.tile(["ill", "well"], 30), strict=True)):
        Image.fromarray(picture).save(root / label / f"{place:02}.png")
    Image.fromarray(np.rot90(pixels[0])).save(root / "well" / "turned.png")
    (root / "ill" / "cut.png").write_bytes((root / "ill" / "00.png").read_bytes()[:900])
    Image.new("RGB", (70, 70), (200, 180, 190)).save(root / "ill" / "blank.png")
    Image.fromarray(pixels[70]).convert("L").resize((40, 40)).save(root / "well" / "grey.png")
    importing.import_folder(artifacts, root, "odd")
    return "odd"


def test_what_is_wrong_is_found_told_and_stored(artifacts: Artifacts, odd: str):
    shares: list[float] = []
    found = run.check(artifacts, odd, progress=lambda share, doing: shares.append(share))
    said = {one.title.split(":")[0]: one for one in found.findings}
    assert [SEVERITIES.index(one.severity) for one in found.findings] == sorted(SEVERITIES.index(one.severity) for one in found.findings)
    conflict = said["The same picture stands in different classes"]
    assert (conflict.severity, set(conflict.images)) == (SERIOUS, {"ill/00.png", "well/turned.png"})
    assert said["Files that could not be read"].numbers["files"] == 1
    assert "ill/cut.png" in said["Files that could not be read"].meaning
    assert said["Pictures that show nothing"].images == ("ill/blank.png",)
    assert said["Odd size"].images == said["Odd colour mode"].images == ("well/grey.png",)
    assert said["The patients are unknown"].severity == WARNING
    assert any("one person" in sentence for sentence in found.unknown)
    assert any("1 pictures with hardly any texture" in sentence for sentence in found.unknown)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    paths = artifacts.dataset(odd)
    assert report.read(paths) == found
    assert set(duplicates.stored(paths)) == {"ill/00.png", "well/turned.png"}
    assert report.worst(found, 1) == ((SERIOUS, conflict.title),)


def test_drawn_cells_are_in_order(artifacts: Artifacts, tiny: str):
    found = run.check(artifacts, tiny)
    assert not found.of(SERIOUS)
    assert {one.check for one in found.of(GOOD)} >= {"duplicates", "labels", "nuisance"}


def test_a_report_of_other_data_is_none(artifacts: Artifacts, tiny: str):
    paths = artifacts.dataset(tiny)
    assert report.read(paths) is None
    run.check(artifacts, tiny)
    assert report.read(paths) is not None
    fileio.write_json(paths.card, {**fileio.read_json(paths.card), "fingerprint": "another"})
    assert report.read(paths) is None
    with pytest.raises(NotFound):
        report.read(artifacts.dataset("gone"))


@pytest.mark.parametrize("moment", [0.0, 0.3, 0.9])
def test_a_check_that_is_stopped_leaves_what_was_there(artifacts: Artifacts, tiny: str, moment: float):
    def stop(share: float, doing: str) -> None:
        if share >= moment:
            raise Cancelled("Enough.")

    before = sorted(path.name for path in artifacts.dataset(tiny).folder.iterdir())
    with pytest.raises(Cancelled):
        run.check(artifacts, tiny, progress=stop)
    assert sorted(path.name for path in artifacts.dataset(tiny).folder.iterdir()) == before


def test_a_data_set_that_goes_meanwhile_does_not_come_back(artifacts: Artifacts, tiny: str):
    def delete(share: float, doing: str) -> None:
        if doing == "Done":
            importing.delete(artifacts, tiny)

    with pytest.raises(Conflict, match="deleted or replaced"):
        run.check(artifacts, tiny, progress=delete)
    assert not artifacts.dataset(tiny).folder.exists()


def test_it_runs_in_the_background(artifacts: Artifacts, tiny: str, do: Callable):
    job = submit.checking(artifacts, tiny)
    with pytest.raises(Conflict, match="being checked already"):
        submit.checking(artifacts, tiny)
    do(artifacts, job)
    assert status.read(job).state == status.DONE
    assert report.read(artifacts.dataset(tiny)).images == 48
    assert spec.read(job).kind == spec.CHECK
    with pytest.raises(NotFound):
        submit.checking(artifacts, "gone")


def test_a_cancelled_job_writes_no_report(artifacts: Artifacts, tiny: str, do: Callable):
    job = submit.checking(artifacts, tiny)
    status.change(job, status.STARTING)
    store.ask_to_cancel(job)
    from allcore import worker

    worker.work(artifacts, job, status.read(job).attempt)
    assert status.read(job).state == status.CANCELLED
    assert report.read(artifacts.dataset(tiny)) is None


def test_small_classes_and_patients(cells):
    table = cells[1]
    assert {one.title: one.severity for one in sizes.findings(table, ("healthy", "leukemia"))}[
        "Classes of fewer than 50 images: 1 of 2."
    ] == WARNING
    lonely = table.assign(subject=table["subject"].where(table["label"] == "leukemia", "H1"))
    alone = [one for one in sizes.findings(lonely, ("healthy", "leukemia")) if one.severity == SERIOUS]
    assert alone[0].numbers == {"healthy": 1}
    many = table.loc[table.index.repeat(6)]
    assert GOOD not in {one.severity for one in sizes.findings(table, ("healthy", "leukemia"))}
    assert all("Classes of fewer than 50" not in one.title for one in sizes.findings(many, ("healthy", "leukemia")))


def test_several_common_sizes_are_a_note_and_not_odd(cells):
    table = cells[1].copy()
    looks = files_looks(len(table))
    assert [one.severity for one in files.findings(table, looks, ())] == [GOOD]
    table.loc[:59, "width"] = 90
    (one,) = files.findings(table, looks, ())
    assert (one.severity, one.title) == (NOTE, "More than one size: 2.")


def files_looks(count: int):
    import pandas as pd

    return pd.DataFrame({"contrast": np.full(count, 9.0), "cover": 0.2})


def test_the_worst_come_first_and_one_check_does_not_fill_the_head():
    told = [
        ("labels", SERIOUS, "a"),
        ("labels", SERIOUS, "b"),
        ("duplicates", WARNING, "c"),
        ("duplicates", WARNING, "d"),
        ("sizes", WARNING, "e"),
    ]
    findings = report.ordered([Finding(check, severity, title, "") for check, severity, title in reversed(told)])
    made = Report("mine", "f", "2026-01-01T00:00:00.000Z", 7, findings, (), 1.0)
    assert [title for _, title in report.worst(made, 4)] == ["b", "a", "d", "e"]


def test_nothing_found_is_said_too():
    made = Report("mine", "f", "2026-01-01T00:00:00.000Z", 7, (Finding("files", GOOD, "Fine.", ""),), (), 1.0)
    assert report.worst(made) == ((GOOD, "The checks found nothing to object to in 7 images."),)
    assert Report.from_dict(made.to_dict()) == made
