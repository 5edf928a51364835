"""Pictures from a person's disk."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import stage
from PIL import Image
from playwright.sync_api import Page, expect

from allcore.base.paths import JobPaths
from allcore.data import records
from allcore.inference import answers, sentence, served, uploads
from allcore.inference.uploads import Upload

pytestmark = pytest.mark.e2e


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """18 pictures, an empty file and one that is cut short."""
    rng = np.random.default_rng(2)
    files = [tmp_path / f"cell_{number:02d}.png" for number in range(18)]
    for file in files:
        Image.fromarray(rng.integers(0, 200, (64, 64, 3), dtype=np.uint8)).save(file)
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "short.png").write_bytes(files[0].read_bytes()[:300])
    return [*files, tmp_path / "empty.png", tmp_path / "short.png"]


def answered(server: stage.Server, forest: JobPaths, file: Path) -> uploads.Classified | uploads.Refused:
    adviser = answers.adviser(server.artifacts, forest)
    (answer,) = uploads.classify(served.load(forest), [Upload(file.name, file.read_bytes())], adviser=adviser)
    return answer


@pytest.fixture
def cell(server: stage.Server, forest: JobPaths, demo: str) -> Path:
    """A cell of the demo data that the forest's guard lets pass."""
    data = server.artifacts.dataset(demo)
    files = (data.images / image_id for image_id in records.read_records(data)["image_id"])
    return next(file for file in files if answered(server, forest, file).judged)


def test_one_picture(page: Page, visit, server: stage.Server, forest: JobPaths, cell: Path):
    visit(page, "classify", f"?run={forest.id}")
    page.locator("input[type=file]").set_input_files(cell)
    word = sentence.word(answered(server, forest, cell).label)
    expect(page.get_by_role("heading", name=re.compile(f"This model calls the cell {word}"))).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(1)
    expect(page.get_by_role("heading", name="The nearest training cells")).to_be_visible()


def test_twenty_files_with_two_bad_ones_and_their_table(
    page: Page, visit, server: stage.Server, forest: JobPaths, pictures: list[Path], cell: Path
):
    files = [cell, *pictures[1:]]
    visit(page, "classify", f"?run={forest.id}")
    page.locator("input[type=file]").set_input_files(files)
    expect(page.get_by_role("heading", name=re.compile("20 files: .*2 could not be read"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Table as CSV").click()
    with open(download.value.path(), newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert set(rows) == {file.name for file in files}
    for file in files:
        answer, row = answered(server, forest, file), rows[file.name]
        if isinstance(answer, uploads.Refused):
            assert (row["answer"], row["note"]) == ("", answer.error)
        elif answer.judged is False:
            assert (row["answer"], row["note"]) == ("not judged", " ".join(answer.reasons))
        else:
            assert (row["answer"], row["note"]) == (answer.label, "")
            for name, share in answer.probabilities.items():
                assert float(row[f"p({name})"]) == pytest.approx(share, abs=1e-6)
