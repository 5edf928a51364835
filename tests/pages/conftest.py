"""Pages without a browser: each is run as its server would run it, and read as a person would read it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import RerunData
from streamlit.testing.v1 import AppTest, local_script_runner

from allcore.base import fileio
from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts, JobPaths
from allcore.data import importing, records
from allcore.inference import answers, served, uploads
from allcore.inference.uploads import Upload
from allcore.jobs import control, submit
from allcore.runs import attempt as attempts
from allcore.runs import events, heartbeat, spec, status

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "streamlit_app.py"
BLOOD = "blood"
MANY = 40


@dataclass
class Page:
    """One person's view of one page."""

    app: AppTest

    def again(self) -> Page:
        """Let it be drawn again after what was clicked and typed; fails where it does not hold."""
        self.app.run()
        assert not self.app.exception, [one.message for one in self.app.exception]
        assert "that should not have" not in self.words, self.words
        return self

    @property
    def words(self) -> str:
        """All that can be read, without the marks of Markdown."""
        kinds = ("title", "header", "subheader", "markdown", "caption", "error", "code")
        texts = [one.value for kind in kinds for one in self.app.get(kind)]
        texts += [one.label for kind in ("button", "checkbox", "expander", "tab") for one in self.app.get(kind)]
        # Of what Streamlit's tests have no class for, the message that goes to the browser is read.
        for kind in ("page_link", "progress", "badge", "download_button", "file_uploader"):
            texts += [str(getattr(one.proto, "label", "") or getattr(one.proto, "text", "")) for one in self.app.get(kind)]
        return re.sub(r"\\([^\w\s]|_)", r"\1", "\n".join(texts))

    @property
    def errors(self) -> list[str]:
        return [one.value for one in self.app.error]

    def button(self, label: str):
        """The only button of that label."""
        (found,) = [one for one in self.app.button if one.label == label]
        return found

    def click(self, label: str) -> Page:
        self.button(label).click()
        return self.again()

    def asked(self, name: str) -> str | None:
        """What stands in the address behind the question mark."""
        value = self.app.query_params.get(name)
        return value[0] if isinstance(value, list) else value

    def table(self, words: str):
        """The first table whose description has these words."""
        return next(one.value for one in self.app.dataframe if words in one.proto.alt)

    @property
    def values(self) -> WidgetStates:
        """What a browser would send: the value of each widget that is drawn."""
        return self.app._tree.get_widget_states()

    def select(self, chart: str, *points: dict) -> Page:
        """Click points of the chart of that key: Streamlit's own tests have no class for charts."""
        (found,) = [one.proto for one in self.app.get("plotly_chart") if one.proto.id.endswith(f"-{chart}")]
        values = self.values
        selection = {"points": list(points), "point_indices": list(range(len(points))), "box": [], "lasso": []}
        values.widgets.add(id=found.id, string_value=json.dumps({"selection": selection}))
        self.app._run(values)
        return self

    def alone(self, part: str, monkeypatch: pytest.MonkeyPatch) -> Page:
        """Draw the part of that name again, and nothing else: then only what is in it can be read."""
        (which,) = self.app._fragment_storage.resolve_target(part)
        with monkeypatch.context() as patched:
            patched.setattr(local_script_runner, "RerunData", partial(RerunData, fragment_id_queue=[which]))
            return self.again()


@pytest.fixture(autouse=True)
def no_runner(monkeypatch: pytest.MonkeyPatch) -> list[Artifacts]:
    """Pages here start no process; whom they would have started is listed."""
    asked: list[Artifacts] = []
    monkeypatch.setattr(control, "ensure", asked.append)
    return asked


@pytest.fixture(autouse=True)
def patient_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that this slow machine holds up is not taken for dead."""
    monkeypatch.setattr(heartbeat, "STALE", 3600.0)
    monkeypatch.setattr(heartbeat, "GONE", 3600.0)


@pytest.fixture
def read() -> Callable[[AppTest], Page]:
    """Runs what is given, as a page to be read."""
    return lambda app: Page(app).again()


@pytest.fixture
def visit() -> Callable[..., Page]:
    """Opens a page, with what stands behind the question mark of its address."""

    def opened(name: str, **query: str) -> Page:
        app = AppTest.from_file(str(SCRIPT), default_timeout=120)
        for key, value in query.items():
            app.query_params[key] = value
        app.switch_page(f"pages/{name}.py")
        return Page(app).again()

    return opened


@pytest.fixture(scope="session")
def blood_laboratory(tmp_path_factory: pytest.TempPathFactory, do: Callable[[Artifacts, JobPaths], int]) -> Artifacts:
    """One artifacts folder for the session, never to be altered: three classes without patients, and a finished forest on them."""
    made = Artifacts(tmp_path_factory.mktemp("blood"))
    source = tmp_path_factory.mktemp("three")
    rng = np.random.default_rng(0)
    row, column = np.mgrid[:40, :40]
    for place, name in enumerate(("basophil", "eosinophil", "monocyte")):
        (source / name).mkdir()
        for number in range(16):
            radius = 8 + 3 * place + rng.normal(0, 1)
            cell = ((row - 20) ** 2 + (column - 20) ** 2 < radius**2)[..., None] * np.array([120, 60, 150])
            picture = np.clip(cell + rng.normal(0, 12, cell.shape) * (cell > 0), 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(source / name / f"{number}.png")
    importing.import_folder(made, source, BLOOD)
    small = {"input_size": 32, "trees": 10, "components": 8}
    plan, _ = submit.planned(made, data=BLOOD, model="random_forest", preset="paper", changed=small)
    do(made, submit.training(made, plan))
    return made


@pytest.fixture
def blood(artifacts: Artifacts, blood_laboratory: Artifacts) -> JobPaths:
    """The finished forest of three classes in this test's own artifacts folder."""
    shutil.copytree(blood_laboratory.root, artifacts.root, dirs_exist_ok=True)
    (run,) = blood_laboratory.runs.iterdir()
    return artifacts.run(run.name)


@pytest.fixture(scope="session")
def many_laboratory(tmp_path_factory: pytest.TempPathFactory, tiny_laboratory: Artifacts, finished: Callable[[str], JobPaths]) -> Artifacts:
    """One artifacts folder for the session, never to be altered: `tiny`, and one run forty times under other names."""
    made = Artifacts(tmp_path_factory.mktemp("many"))
    shutil.copytree(tiny_laboratory.datasets, made.datasets)
    run = finished("random_forest")
    for number in range(MANY):
        copied(run, made, number)
    return made


def copied(run: JobPaths, into: Artifacts, number: int) -> JobPaths:
    """A finished run under another name; two begin in each minute, as runs of one click do."""
    document = fileio.read_json(run.spec)
    began = datetime.fromisoformat(document["created"]) + timedelta(minutes=number // 2)
    copy = into.run(f"{run.id[:-4]}{number:04x}")
    shutil.copytree(run.folder, copy.folder)
    created = began.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fileio.write_json(copy.spec, {**document, "id": copy.id, "created": created})
    return copy


@pytest.fixture
def copy_of() -> Callable[[JobPaths, Artifacts, int], JobPaths]:
    """As `copied`."""
    return copied


@pytest.fixture
def many(many_laboratory: Artifacts, monkeypatch: pytest.MonkeyPatch) -> Artifacts:
    """The laboratory of forty runs as the one that pages show. A test must not write there."""
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(many_laboratory.root))
    return many_laboratory


@dataclass(frozen=True)
class Trainings:
    """Puts trainings of the network on `tiny` into every state that a page may meet."""

    artifacts: Artifacts
    data: str
    held: list = field(default_factory=list)

    def queued(self, model: str = "proposed_cnn", **wanted) -> JobPaths:
        plan, _ = submit.planned(self.artifacts, data=self.data, model=model, changed={"input_size": 32}, **wanted)
        return submit.training(self.artifacts, plan)

    def at_epoch_1(self, **wanted) -> JobPaths:
        """Running, one of its epochs done; its sign of life goes on until the test ends."""
        paths = self.queued(**wanted)
        attempt = self._held(paths)
        plan = spec.TrainSpec.from_params(spec.read(paths).params)
        _, certificate = submit.planned(self.artifacts, data=self.data, model=plan.model, preset=plan.preset)
        attempt.write_json(paths.certificate, {**certificate.to_dict(), "verdict": certificate.verdict()})
        attempt.event(events.EPOCH, epoch=1, loss=0.7, accuracy=0.6, tune_loss=0.69, tune_accuracy=0.55, seconds=8.0)
        attempt.progress(0.4, "Epoch 2 of 3")
        attempt._beat()
        return paths

    def ended(self, state: str, reason: str, **wanted) -> JobPaths:
        paths = self.queued(**wanted)
        self._held(paths).become(state, reason)
        return paths

    def _held(self, paths: JobPaths) -> attempts.Attempt:
        begun = status.change(paths, status.STARTING)
        holding = attempts.held(self.artifacts, paths, begun.attempt)
        attempt = holding.__enter__()
        self.held.append(holding)
        attempt.become(status.RUNNING)
        return attempt


@pytest.fixture
def trainings(artifacts: Artifacts, tiny: str) -> Iterator[Trainings]:
    made = Trainings(artifacts, tiny)
    yield made
    for holding in reversed(made.held):
        holding.__exit__(None, None, None)


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[..., list[tuple[str, bytes, str]]]:
    """As many pictures of blobs as asked for, and files that are none, as a browser would send them."""

    def made(good: int, bad: Mapping[str, bytes] | None = None) -> list[tuple[str, bytes, str]]:
        rng = np.random.default_rng(1)
        sent = []
        for number in range(good):
            file = tmp_path / f"cell {number}.png"
            Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(file)
            sent.append((file.name, file.read_bytes(), "image/png"))
        return sent + [(name, content, "image/png") for name, content in (bad or {}).items()]

    return made


@pytest.fixture
def proper(artifacts: Artifacts) -> Callable[[JobPaths], tuple[str, bytes, str]]:
    """A picture of the run's own data set that its guard lets pass, as a browser would send it."""

    def found(run: JobPaths) -> tuple[str, bytes, str]:
        data = artifacts.dataset(spec.read(run).params["data"])
        root = records.image_root(data, records.read_card(data))
        adviser, model = answers.adviser(artifacts, run), served.load(run)
        for image_id in records.read_records(data)["image_id"]:
            name, content = image_id.rsplit("/", 1)[-1], (root / image_id).read_bytes()
            (one,) = uploads.classify(model, [Upload(name, content)], adviser=adviser)
            if one.judged:
                return name, content, "image/png"
        raise AssertionError("The guard lets no picture pass.")

    return found
