"""Pictures of every page, light and dark, for README and docs: `python tests/e2e/screenshots.py [ARTIFACTS]`.

Without a folder it makes one: the demo cells, a network trained as in the first lesson, a random forest, leakage measured and a small study
(some minutes).
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

import stage

from allcore import worker
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing
from allcore.jobs import demo, submit
from allcore.jobs.studies import advance, design
from allcore.jobs.studies import control as study_control
from allcore.jobs.studies.design import Wanted
from allcore.models import presets
from allcore.runs import status, store
from allcore.runs.study import GRID

FOLDER = stage.ROOT / "docs" / "images"
WIDTH, HEIGHT = 1280, 800


def prepared(folder: Path) -> Artifacts:
    """A laboratory with something to see."""
    artifacts = Artifacts(folder)
    importing.make_phantom(artifacts, demo.NAME, demo.SPEC)
    for model in ("random_forest", demo.MODEL):
        plan, _ = submit.planned(artifacts, data=demo.NAME, model=model, preset=presets.FIRST_LESSON)
        paths = submit.training(artifacts, plan)
        _done(artifacts, paths)
    _done(artifacts, submit.leakage(artifacts, demo.NAME))
    wanted = Wanted(data=demo.NAME, models=("random_forest",), search=GRID, vary={"components": "8, 24, 64", "trees": "20, 100"})
    study_control.started(artifacts, design.designed(artifacts, wanted))
    for job in store.active(artifacts):
        _done(artifacts, job.paths)
    advance.advance(artifacts)
    return artifacts


def _done(artifacts: Artifacts, paths: JobPaths) -> None:
    """Do a job here and now."""
    worker.work(artifacts, paths, status.change(paths, status.STARTING).attempt)


def taken(artifacts: Artifacts) -> None:
    """Photograph every page in both themes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with stage.serving(artifacts) as server, stage.chromium() as browser:
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
            context.set_default_timeout(stage.PATIENCE)
            page = context.new_page()
            for name, (path, title) in stage.PAGES.items():
                page.goto(f"{server.url}/{path}")
                page.get_by_role("heading", name=title).first.wait_for()
                page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
                if name == "classify":
                    page.get_by_role("button", name="Cell 2", exact=True).click()
                    page.get_by_text("not for diagnosis").first.wait_for()
                page.wait_for_timeout(2500)  # figures and galleries are drawn after the script has ended
                picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                picture.quantize(128, dither=Image.Dither.NONE).save(FOLDER / f"{name}-{scheme}.png", optimize=True)
            context.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        taken(Artifacts(Path(sys.argv[1]).resolve()))
    else:
        with tempfile.TemporaryDirectory() as made:
            taken(prepared(Path(made)))
