"""Pictures from a person's disk."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from allcore.base.paths import JobPaths
from allcore.inference import served, uploads
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


def answered(forest: JobPaths, file: Path) -> uploads.Classified | uploads.Refused:
    (answer,) = uploads.classify(served.load(forest), [Upload(file.name, file.read_bytes())])
    return answer


def test_one_picture(page: Page, visit, forest: JobPaths, pictures: list[Path]):
    visit(page, "classify", f"?run={forest.id}")
    page.locator("input[type=file]").set_input_files(pictures[0])
    label = {"leukemia": "leukemic"}.get(answered(forest, pictures[0]).label, "healthy")
    expect(page.get_by_role("heading", name=re.compile(f"This model calls the cell {label}"))).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(1)


def test_twenty_files_with_two_bad_ones_and_their_table(page: Page, visit, forest: JobPaths, pictures: list[Path]):
    visit(page, "classify", f"?run={forest.id}")
    page.locator("input[type=file]").set_input_files(pictures)
    expect(page.get_by_role("heading", name=re.compile("20 files: .*2 could not be read"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Table as CSV").click()
    with open(download.value.path(), newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert set(rows) == {file.name for file in pictures}
    for file in pictures:
        answer, row = answered(forest, file), rows[file.name]
        if isinstance(answer, uploads.Refused):
            assert (row["answer"], row["note"]) == ("", answer.error)
        else:
            assert (row["answer"], row["note"]) == (answer.label, "")
            for name, share in answer.probabilities.items():
                assert float(row[f"p({name})"]) == pytest.approx(share, abs=1e-6)
