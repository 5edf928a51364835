"""Every way in which pictures come: files, a folder, the camera, the clipboard; and many of them, stopped on the way."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import stage
from PIL import Image
from playwright.sync_api import Page, expect

from allcore.base.paths import JobPaths
from allcore.inference import sentence
from benchmarks import damaged

pytestmark = pytest.mark.e2e
CANNOT = re.compile(re.escape(sentence.CANNOT[:-1]))
MANY = 900


def noisy(file: Path, seed: int = 0) -> Path:
    Image.fromarray(np.random.default_rng(seed).integers(0, 200, (64, 64, 3), dtype=np.uint8)).save(file)
    return file


def test_a_folder_is_taken_with_what_lies_deeper_in_it(page: Page, visit: Callable, forest: JobPaths, tmp_path: Path):
    (tmp_path / "cells" / "deeper").mkdir(parents=True)
    noisy(tmp_path / "cells" / "one.png", 1)
    noisy(tmp_path / "cells" / "deeper" / "two.png", 2)
    (tmp_path / "cells" / "notes.txt").write_text("no picture")
    visit(page, "classify", f"?run={forest.id}")
    page.get_by_text("A folder").click()
    stage.settled(page)
    page.locator("input[type=file]").set_input_files(tmp_path / "cells")
    expect(page.get_by_role("heading", name=re.compile("^2 files: 2 not judged"))).to_be_visible()


def test_a_photograph_from_the_camera_is_no_cell(newcomer: Callable[..., Page], visit: Callable, forest: JobPaths):
    page = newcomer(permissions=["camera"])
    visit(page, "classify", f"?run={forest.id}")
    page.get_by_text("Camera", exact=True).click()
    page.wait_for_function("document.querySelector('video')?.readyState >= 2")
    page.get_by_role("button", name="Take photo").click()
    expect(page.get_by_role("heading", name=CANNOT)).to_be_visible()
    expect(page.get_by_text("Judged, and not kept.")).to_be_visible()


def test_a_picture_is_pasted_and_what_is_no_picture_is_said_to_be_none(page: Page, visit: Callable, forest: JobPaths, tmp_path: Path):
    visit(page, "classify", f"?run={forest.id}")
    page.get_by_text("Clipboard").click()
    place = page.get_by_role("group", name="Place to paste a picture")
    paste = """(place, file) => {
        const held = new DataTransfer();
        const bytes = Uint8Array.from(atob(file.content), (one) => one.charCodeAt(0));
        held.items.add(new File([bytes], file.name, {type: file.type}));
        place.dispatchEvent(new ClipboardEvent('paste', {clipboardData: held, bubbles: true, cancelable: true}));
    }"""
    place.evaluate(paste, {"content": base64.b64encode(b"a letter").decode(), "name": "a.txt", "type": "text/plain"})
    expect(page.get_by_text("The clipboard holds no picture.")).to_be_visible()
    content = base64.b64encode(noisy(tmp_path / "a.png").read_bytes()).decode()
    place.evaluate(paste, {"content": content, "name": "a.png", "type": "image/png"})
    expect(page.get_by_role("heading", name=CANNOT)).to_be_visible()
    expect(page.get_by_text("pasted picture")).to_be_visible()


def test_names_that_mean_harm_are_only_shown(page: Page, visit: Callable, forest: JobPaths, tmp_path: Path):
    content = noisy(tmp_path / "a.png").read_bytes()
    names = [f"{number} {name[:100]}" for number, name in enumerate(damaged.NAMES) if "\0" not in name]
    files = [{"name": name, "mimeType": "image/png", "buffer": content} for name in names]
    files.append({"name": "<img src=x onerror=alert(2)>.png", "mimeType": "image/png", "buffer": b"no picture"})
    dialogs = []
    page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))
    visit(page, "classify", f"?run={forest.id}")
    page.locator("input[type=file]").set_input_files(files)
    expect(page.get_by_role("heading", name=re.compile(f"^{len(files)} files: .*1 could not be read"))).to_be_visible()
    markup = page.locator("img[src='x'], [onerror], a[href*='example.org']")
    page.get_by_test_id("stDataFrame").first.click(position={"x": 16, "y": 40 + 2 * 48 + 24})
    expect(page.get_by_role("heading", name=CANNOT)).to_be_visible()
    expect(page.get_by_test_id("stMain").get_by_text(re.compile(r"<img src=x onerror=alert\(1\)>\.bmp")).last).to_be_visible()
    assert markup.count() == 0
    page.get_by_test_id("stMain").get_by_text("could not be read", exact=True).click()
    stage.settled(page)
    page.get_by_test_id("stDataFrame").first.click(position={"x": 16, "y": 40 + 24})
    expect(page.get_by_text("<img src=x onerror=alert(2)>.png: This is not an image")).to_be_visible()
    assert markup.count() == 0
    assert dialogs == []


def test_many_pictures_can_be_stopped_and_gone_on_with(page: Page, visit: Callable, forest: JobPaths, tmp_path: Path):
    files = [noisy(tmp_path / f"{number:03d}.png", number) for number in range(MANY)]
    visit(page, "classify", f"?run={forest.id}")
    page.locator("input[type=file]").set_input_files(files)
    expect(page.get_by_text(re.compile("^Judged [1-9]"))).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped: the others were not looked at.")).to_be_visible()
    heading = page.get_by_role("heading", name=re.compile(r"^\d+ files?:"))
    judged = int(re.match(r"\d+", heading.inner_text()).group())
    assert 0 < judged < MANY
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name=re.compile(f"^{MANY} files:"))).to_be_visible()
