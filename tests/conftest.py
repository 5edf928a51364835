"""Fixtures of all tests."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts, JobPaths

ROOT = Path(__file__).resolve().parents[1]
TINY = "tiny"
# Whatever a card has of these makes a training short.
SMALLEST = {"input_size": 32, "epochs": 1, "batch_size": 16, "trees": 10, "components": 8}


@pytest.fixture
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Artifacts:
    """An empty artifacts folder, which child processes find too."""
    root = tmp_path / "artifacts"
    root.mkdir()
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(root))
    return Artifacts(root)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real sample images that ALLCORE_REAL_DATA names; skips where it is absent."""
    folder = Path(os.environ.get("ALLCORE_REAL_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no real images: ALLCORE_REAL_DATA names no folder")
    return folder


@pytest.fixture(scope="session")
def tiny_laboratory(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """One artifacts folder for the whole session, never to be altered by a test: the data set `tiny`, 48 drawn cells of 12 patients.

    Where tests run in several processes, it is one for all of them.
    """
    from allcore.base import locks
    from allcore.data import cache, importing
    from allcore.data.phantom import PhantomSpec

    base = tmp_path_factory.getbasetemp()
    made = Artifacts((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "laboratory")
    made.root.mkdir(exist_ok=True)
    with locks.hold(made.root / "made.lock", timeout=300):
        if not made.dataset(TINY).folder.exists():
            importing.make_phantom(made, TINY, PhantomSpec(images=48, patients=12, size=32, difficulty=0.0))
            cache.opened(made.dataset(TINY), 32)
    return made


@pytest.fixture(scope="session")
def finished(tiny_laboratory: Artifacts) -> Callable[[str], JobPaths]:
    """A finished run of a model, in `tiny_laboratory`: trained on `tiny`, as small as its card allows, once for all processes."""
    from allcore.base import fileio, locks
    from allcore.jobs import submit
    from allcore.models import registry
    from allcore.runs import status

    def trained(model: str) -> JobPaths:
        known = tiny_laboratory.root / f"{model}.json"
        with locks.hold(tiny_laboratory.root / f"{model}.lock", timeout=900):
            if not known.exists():
                names = {knob.name for knob in registry.card(model).knobs}
                changed = {name: value for name, value in SMALLEST.items() if name in names}
                plan, _ = submit.planned(tiny_laboratory, data=TINY, model=model, changed=changed)
                run = submit.training(tiny_laboratory, plan)
                _do(tiny_laboratory, run)
                fileio.write_json(known, {"run": run.id})
        run = tiny_laboratory.run(fileio.read_json(known)["run"])
        ended = status.read(run)
        assert ended.state == status.DONE, ended.reason
        return run

    return trained


@pytest.fixture
def tiny(artifacts: Artifacts, tiny_laboratory: Artifacts) -> str:
    """The id of the data set `tiny` in this test's own artifacts folder."""
    # Without the measures that an earlier training of the session may have left there.
    unmeasured = shutil.ignore_patterns("vectors-*")
    shutil.copytree(tiny_laboratory.dataset(TINY).folder, artifacts.dataset(TINY).folder, ignore=unmeasured)
    return TINY


@pytest.fixture
def forest(artifacts: Artifacts, tiny: str, finished: Callable[[str], JobPaths]) -> JobPaths:
    """A finished random forest in this test's own artifacts folder, beside its data."""
    return _copied(finished("random_forest"), artifacts)


@pytest.fixture
def network(artifacts: Artifacts, tiny: str, finished: Callable[[str], JobPaths]) -> JobPaths:
    """A finished proposed CNN in this test's own artifacts folder, beside its data."""
    return _copied(finished("proposed_cnn"), artifacts)


@pytest.fixture
def started() -> Callable[..., JobPaths]:
    """Copies a finished run under another name, as VGG-16 from random weights or ImageNet's: `started(run, into, number, start=...)`.

    Further settings go into its spec; from ImageNet's, every third answer is turned round, and the figures are of those answers.
    """
    return _as_vgg16


def _as_vgg16(run: JobPaths, into: Artifacts, number: int, *, start: str, **changed: Any) -> JobPaths:
    import pandas as pd

    from allcore.base import fileio
    from allcore.models import registry

    copy = into.run(f"20260101-0000{number:02d}-vgg16-{number:04x}")
    shutil.copytree(run.folder, copy.folder)
    card, document = registry.card("vgg16"), fileio.read_json(run.spec)
    settings = {**card.settings(card.preset("patient"), {}), "start": start, **changed}
    params = {**document["params"], "model": card.id, "settings": settings}
    created = f"2026-01-01T00:00:{number:02d}.000Z"
    fileio.write_json(copy.spec, {**document, "id": copy.id, "created": created, "params": params})
    if start == "imagenet":
        table = pd.read_parquet(copy.predictions)
        columns = [name for name in table if name.startswith("p_")]
        third = table.index % 3 == 0
        table.loc[third, columns] = table.loc[third, columns[::-1]].to_numpy()
        table.to_parquet(copy.predictions)
        _figures_of(table[table["side"] == "test"], copy)
    return copy


def _figures_of(test: Any, run: JobPaths) -> None:
    """Let a run's figures be those of its answers on a test side of two classes whose patients are known."""
    from allcore.base import fileio
    from allcore.metrics import classification

    metrics, short = fileio.read_json(run.metrics), fileio.read_json(run.summary)
    classes, positive = metrics["test"]["classes"], metrics["test"]["positive"]
    p = test[[f"p_{name}" for name in classes]].to_numpy()
    labels = test["label"].map({name: place for place, name in enumerate(classes)}).to_numpy()
    scores = classification.evaluate(labels, p, classes=classes, positive=positive, subjects=test["subject"].tolist()).to_dict()
    fileio.write_json(run.metrics, {**metrics, "test": scores})
    fileio.write_json(run.summary, {**short, "test": scores})


@dataclass(frozen=True)
class Household:
    """The processes of one artifacts folder, but for the one that asks: runners and workers, found by what they were given."""

    artifacts: Artifacts

    def all(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                theirs = process.environ().get(ENVIRONMENT_VARIABLE) == str(self.artifacts.root)
                if theirs and process.pid != psutil.Process().pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def _running(self, module: str, *arguments: str) -> list[psutil.Process]:
        found = []
        for process in self.all():
            try:
                command, parent = process.cmdline(), process.ppid()
            except psutil.Error:
                continue
            if command[1:3] == ["-m", module] and set(arguments) <= set(command):
                found.append((process, parent))
        pids = {process.pid for process, _ in found}
        # What one of them starts looks like it until it has become another program.
        return [process for process, parent in found if parent not in pids]

    def runners(self) -> list[psutil.Process]:
        return self._running("allcore.jobs.runner")

    def workers(self, job: JobPaths) -> list[psutil.Process]:
        return self._running("allcore.worker", job.id)

    def at_work(self, job: JobPaths) -> list[psutil.Process]:
        """Workers that have the job's lock in hand, which one on its way out has not."""
        found = []
        for process in self.workers(job):
            with suppress(psutil.Error):
                if any(file.path == str(job.job_lock) for file in process.open_files()):
                    found.append(process)
        return found


@pytest.fixture
def household(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Household]:
    """This test's runners and workers, ended afterwards whatever happens."""
    monkeypatch.setenv("ALLCORE_RUNNER_IDLE", "60")
    processes = Household(artifacts)
    yield processes
    # A runner that is being killed may be starting a worker at this moment.
    for _ in range(100):
        left = processes.all()
        if not left:
            break
        for process in left:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.05)


@pytest.fixture(scope="session")
def do() -> Callable[[Artifacts, JobPaths], int]:
    """Does a queued job in this very process, as its next attempt; gives the worker's exit code."""
    return _do


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Looks until something is true, and gives it; fails where it never is. Patience costs nothing when all goes well."""

    def look(condition: Callable[[], Any], *, seconds: float = 120.0, what: str = "") -> Any:
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > deadline:
                pytest.fail(f"waited {seconds:.0f} s in vain" + (f" for {what}" if what else ""))
            time.sleep(0.05)
        return found

    return look


def _do(artifacts: Artifacts, paths: JobPaths) -> int:
    from allcore import worker
    from allcore.runs import status

    begun = status.change(paths, status.STARTING)
    return worker.work(artifacts, paths, begun.attempt)


def _copied(run: JobPaths, artifacts: Artifacts) -> JobPaths:
    shutil.copytree(run.folder, artifacts.runs / run.id)
    return artifacts.run(run.id)
