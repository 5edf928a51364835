"""What axe-core finds: contrast of text, names of controls, order of headings."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import stage
from playwright.sync_api import Page

from allcore.base.paths import JobPaths

pytestmark = pytest.mark.e2e
FORMS = {
    "wide, light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "narrow, dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
# Streamlit's own: the drop zone of st.file_uploader is a presentation with a name.
NOT_OURS = {"presentation-role-conflict"}
_RUN = """() => axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.flatMap(one => one.nodes.map(node =>
  ({rule: one.id, impact: one.impact, where: node.html.slice(0, 160), why: node.failureSummary}))))"""


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core's script: the file that ALLCORE_AXE names, else the package from npm, where there is npm and it can be reached."""
    named = os.environ.get("ALLCORE_AXE")
    if named:
        return Path(named).read_text()
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no axe-core: neither ALLCORE_AXE nor npm")
    folder = tmp_path_factory.mktemp("axe")
    try:
        subprocess.run([npm, "pack", "axe-core@4", "--silent"], cwd=folder, check=True, timeout=120, capture_output=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("no axe-core: npm could not fetch it")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


@pytest.mark.parametrize("form", list(FORMS))
def test_no_page_has_a_barrier_of_ours(newcomer: Callable[..., Page], visit, forest: JobPaths, axe: str, form: str):
    page, barriers = newcomer(**FORMS[form]), []
    for name in stage.PAGES:
        visit(page, name, f"?run={forest.id}&data=demo")
        page.evaluate(axe)
        barriers += [(name, one["rule"], one["where"], one["why"]) for one in page.evaluate(_RUN) if one["rule"] not in NOT_OURS]
        inner, outer = page.evaluate(
            "() => { const main = document.querySelector('[data-testid=stMain]'); return [main.scrollWidth, main.clientWidth] }"
        )
        assert inner <= outer, f"{name} is wider than its window"
    assert barriers == []
