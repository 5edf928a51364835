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
from allcore.data import records, smears
from allcore.inference import answers, fields, sentence, served, uploads
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
        rows = {row["path"]: row for row in csv.DictReader(file)}
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
                assert float(row[f"p_{name}"]) == pytest.approx(share, abs=1e-6)

    # A row opens its file, as if it had come alone.
    word = sentence.word(answered(server, forest, cell).label)
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    table.click(position={"x": 16, "y": 40 + 24})  # the first row's box: rows of 48 below a head of 40 pixels
    expect(page.get_by_role("heading", name=re.compile(f"This model calls the cell {word}"))).to_be_visible()
    expect(page.get_by_role("heading", name="The nearest training cells")).to_be_visible()


def test_what_is_corrected_in_a_row_is_corrected_in_the_table(page: Page, visit, forest: JobPaths, cell: Path, tmp_path: Path):
    Image.fromarray(smears.draw_field(smears.SmearSpec(seed=1)).pixels).save(tmp_path / "field.png")

    def table() -> list[tuple[str, str, bool]]:
        with page.expect_download() as download:
            page.get_by_role("button", name="Table as CSV").click()
        assert not page.get_by_text("encountered an error").count()
        with open(download.value.path(), newline="") as file:
            return [(row["path"], row["cell"], row["note"].startswith("Corrected by hand.")) for row in csv.DictReader(file)]

    def choose(row: int) -> None:
        """By its box: rows of 48 below a head of 40 pixels."""
        grid = page.get_by_test_id("stDataFrame").first
        grid.scroll_into_view_if_needed()
        page.wait_for_function("[...document.images].every(one => one.complete)")  # one still on its way is gone once others are shown
        grid.click(position={"x": 16, "y": 40 + 48 * row + 24})
        stage.settled(page)

    visit(page, "classify", f"?run={forest.id}")
    page.locator("input[type=file]").set_input_files([tmp_path / "field.png", cell])
    expect(page.get_by_role("heading", name=re.compile("^2 files: "))).to_be_visible()
    assert table() == [("field.png", number, False) for number in "123"] + [(cell.name, "", False)]
    choose(2)
    expect(page.get_by_role("heading", name=re.compile("3 white cells"))).to_be_visible()
    page.get_by_role("button", name="Delete cell 1").click()
    # The lines have moved; what was looked at is still shown.
    expect(page.get_by_role("heading", name=re.compile("2 white cells"))).to_be_visible()
    stage.settled(page)
    assert table() == [("field.png", number, True) for number in "23"] + [(cell.name, "", False)]

    choose(2)
    expect(page.get_by_role("heading", name=re.compile("This model calls the cell"))).to_be_visible()
    choose(0)
    expect(page.get_by_role("heading", name=re.compile("2 white cells"))).to_be_visible()
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_role("heading", name=re.compile("3 white cells"))).to_be_visible()
    stage.settled(page)
    assert table() == [("field.png", number, False) for number in "123"] + [(cell.name, "", False)]

    choose(3)
    page.get_by_role("button", name="Correct this").click()
    page.get_by_text("a field of a smear", exact=True).last.click()
    stage.settled(page)
    assert table()[3][0] == cell.name
    assert table()[3][2]


def test_a_field_is_counted_and_corrected(page: Page, visit, forest: JobPaths, tmp_path: Path):
    drawn = smears.draw_field(smears.SmearSpec(seed=1))
    Image.fromarray(drawn.pixels).save(tmp_path / "field.png")
    visit(page, "classify", f"?run={forest.id}")
    page.locator("input[type=file]").set_input_files(tmp_path / "field.png")
    expect(page.get_by_role("heading", name=re.compile("3 white cells"))).to_be_visible()
    expect(page.get_by_text("Taken for a field of a smear")).to_be_visible()
    page.get_by_role("button", name="Delete cell 1").click()
    expect(page.get_by_role("heading", name=re.compile("2 white cells"))).to_be_visible()

    page.get_by_text("Add by a click").click()
    stage.settled(page)
    # About the cell that has no number now.
    numbers = page.locator(".js-plotly-plot .textpoint text")
    expect(numbers).to_have_text(["2", "3"])
    left, top, right, bottom = fields.search(drawn.pixels).cell(1).box

    def at(x: float, y: float) -> tuple[float, float]:
        """Where that pixel of the picture is on the screen now: a click elsewhere may have scrolled the page."""
        picture = page.locator(".js-plotly-plot image").first.bounding_box()
        scale = picture["width"] / drawn.pixels.shape[1]
        return picture["x"] + scale * x, picture["y"] + scale * y

    page.mouse.click(*at((left + right) / 2, (top + bottom) / 2))
    expect(page.get_by_text("Cell 4. ")).to_be_visible()
    expect(numbers).to_have_text(["2", "3", "4"])
    page.get_by_role("button", name="Delete cell 4").click()
    expect(numbers).to_have_text(["2", "3"])
    page.get_by_text("Add by a box").click()
    stage.settled(page)
    page.mouse.move(*at(left - 12, top - 12))
    page.mouse.down()
    page.mouse.move(*at(right + 12, bottom + 12), steps=5)
    page.mouse.up()
    expect(page.get_by_role("heading", name=re.compile("3 white cells"))).to_be_visible()
    expect(page.get_by_text("Cell 4. ")).to_be_visible()

    page.get_by_text("See a cell").click()
    stage.settled(page)
    page.locator(".js-plotly-plot .textpoint text", has_text="2").click(force=True)
    expect(page.get_by_text("Cell 2. ")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Table as CSV").click()
    with open(download.value.path(), newline="") as file:
        assert [row["cell"] for row in csv.DictReader(file)] == ["2", "3", "4"]

    page.get_by_role("button", name="Correct this").click()
    page.get_by_text("a cell on black", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("white cells"))).to_be_hidden()
    expect(page.get_by_text("Taken for a cell on black")).to_be_visible()
