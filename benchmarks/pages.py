"""How fast the pages answer, and how much memory their server takes.

    python -m benchmarks.pages [--check] [--quick] [--only results] [--repeats 5] [--keep DIR]

Starts a server of its own and looks at it: first a laboratory of 2,000 images and 40 runs, on every page; then the 15,114 images of a twin
of C-NMC, on each view of the Dataset page. Each view is asked for in new sessions, without a browser (`_session.py`):

- server: from asking for the page to the message that its script has finished;
- cpu: the processor's time that the server took for it, which other work on the machine does not lengthen.

Then each control of the view is used a few times in Chromium, headless:

- change: from the click or key to the first change on the page after the server's first word;
- heard: from the click or key to the server's first word. The rest of `change` is the browser's.

Bars: first view of any page at most 1.5 s of server time (median); change at most 0.4 s (median) on every control; each view of the
Dataset page at 15,114 images at most 0.4 s of server time (95th percentile of 20); the web process at most 450 MB there. The last line is
JSON. With --check, exits 1 where a bar is missed. With --keep, the laboratories are drawn in that folder once and used again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Browser, Error, Page

from allcore import worker
from allcore.base import fileio
from allcore.base.paths import Artifacts
from allcore.data import importing
from allcore.data import looks as data_looks
from allcore.data.phantom import PhantomSpec, twin
from allcore.jobs import submit
from allcore.runs import status
from benchmarks import _session
from benchmarks._controls import controls
from tests.e2e import stage

IMAGES, RUNS, MANY = 2_000, 40, 15_114
FIRST_BAR, CHANGE_BAR, VIEW_BAR, MEMORY_BAR = 1.5, 0.4, 0.4, 450.0
VIEW_REPEATS = 20
"""A 95th percentile of fewer is the slowest."""
VIEWS = {
    "home": [""],
    "lesson": [""],
    "dataset": ["", "?view=Map", "?view=Colour+and+shape", "?view=Compare", "?view=Splits"],
    "train": [""],
    "jobs": [""],
    "studies": [""],
    "results": [
        "",
        "?details=Training",
        "?details=Probabilities",
        "?details=Compare",
        "?details=Beyond",
        "?details=Report",
        "?details=How+it+was+made",
    ],
    "leakage": [""],
    "paper": [""],
    "classify": [""],
}
"""Every page's views, by what stands behind its address."""
QUICK = {"home": [""], "dataset": ["", "?view=Map"], "results": [""]}
_WATCH = """
(() => {
  const watch = {input: null, sent: null, answered: null, heard: null, changed: null};
  window.__watch = watch;
  window.__arm = () => Object.assign(watch, {input: null, sent: null, answered: null, heard: null, changed: null});
  for (const kind of ['pointerdown', 'keydown'])
    addEventListener(kind, () => { if (watch.sent === null) watch.input = performance.now(); }, true);
  const Native = WebSocket;
  window.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', () => {
        if (watch.sent === null) return;
        watch.heard = performance.now();
        watch.answered ??= watch.heard;
      });
    }
    send(data) { if (watch.input !== null) watch.sent ??= performance.now(); super.send(data); }
  };
  const observer = new MutationObserver((found) => {
    const telling = ['src', 'd', 'aria-selected', 'aria-checked', 'aria-valuenow', 'alt'];
    const status = '[data-testid=stStatusWidget], [data-testid=stToolbar]';  // says that the script runs, whatever it brings
    const real = (one) => !(one.target.closest ? one.target : one.target.parentElement)?.closest(status)
        && (one.type !== 'attributes' || telling.includes(one.attributeName));
    if (watch.answered !== null && watch.changed === null && found.some(real)) watch.changed = performance.now();
  });
  const all = {subtree: true, childList: true, characterData: true, attributes: true};
  observer.observe(document, all);
  const attach = Element.prototype.attachShadow;  // what stands in a component's own tree is not seen from outside
  Element.prototype.attachShadow = function (given) {
    const root = attach.call(this, given);
    observer.observe(root, all);
    return root;
  };
})();
"""


@dataclass(frozen=True)
class Look:
    """One measured answer of the server. Seconds."""

    images: int
    view: str
    control: str
    """'' for a first view."""
    cpu: float
    """Processor time that the server took."""
    server: float | None = None
    """Of a first view."""
    heard: float | None = None
    """Of a control."""
    change: float | None = None
    """Of a control; None where nothing changed."""
    kilobytes: float | None = None
    """Sent by the server for a first view."""


def laboratory(folder: Path, images: int, runs: int) -> Artifacts:
    """`demo` with so many images; AllNet trained on it for some epochs, under `runs` names and with figures that differ a little."""
    artifacts = Artifacts(folder)
    importing.make_phantom(artifacts, "demo", PhantomSpec(images=images, patients=80, difficulty=0.0))
    plan, _ = submit.planned(artifacts, data="demo", model="allnet", changed={"epochs": 4, "input_size": 32})
    paths = submit.training(artifacts, plan)
    worker.work(artifacts, paths, status.change(paths, status.STARTING).attempt)
    rng = np.random.default_rng(0)
    for number in range(1, runs):
        copy = artifacts.run(f"{paths.id[:-4]}{number:04x}")
        shutil.copytree(paths.folder, copy.folder)
        spec = fileio.read_json(copy.spec)
        began = datetime.fromisoformat(spec["created"]) - timedelta(minutes=7 * number)
        created = began.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fileio.write_json(copy.spec, {**spec, "id": copy.id, "created": created})
        shift = float(rng.uniform(0, 0.1))
        for file in (copy.metrics, copy.summary):
            told = fileio.read_json(file)
            told["test"]["balanced_accuracy"] -= shift
            interval = told["test"]["intervals"]["balanced_accuracy"]
            interval |= {name: interval[name] - shift for name in ("estimate", "low", "high")}
            fileio.write_json(file, told)
    return artifacts


def measured(page: Page, images: int, view: str, control: str, cpu: float) -> Look | None:
    """What the browser saw since it was armed; None where the server was not asked."""
    seen = page.evaluate("__watch")
    if seen["sent"] is None or seen["answered"] is None:
        return None
    change = None if seen["changed"] is None else (seen["changed"] - seen["input"]) / 1000
    look = Look(images, view, control, cpu, heard=(seen["answered"] - seen["input"]) / 1000, change=change)
    _say(look, f"heard {look.heard:.2f} s, change {'none' if change is None else f'{change:.2f} s'}")
    return look


def first_view(server: stage.Server, images: int, name: str, query: str) -> Look:
    """Ask for a view in a session of its own."""
    before = _cpu(server)
    answer = _session.visited(server.url, stage.PAGES[name][0], query)
    look = Look(images, name + query, "", _cpu(server) - before, server=answer.seconds, kilobytes=answer.received / 1000)
    _say(look, f"{answer.seconds:.2f} s, {look.kilobytes:.0f} KB")
    return look


def _say(look: Look, figures: str) -> None:
    print(f"{look.images:,} images, {look.view}, {look.control or 'first view'}: {figures}, cpu {look.cpu:.2f} s", file=sys.stderr)


def looked_at(
    browser: Browser, server: stage.Server, images: int, views: dict[str, list[str]], *, repeats: int, views_repeats: int
) -> Iterator[Look]:
    """First views, then controls."""
    _session.visited(server.url, "")  # a server's very first page waits for its imports
    for name, queries in views.items():
        for query in queries:
            for _ in range(views_repeats):
                yield first_view(server, images, name, query)
    for name, queries in views.items():
        for query in queries:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.add_init_script(_WATCH)
            page.set_default_timeout(15_000)
            stage.opened(page, server, name, query)
            yield from used(page, server, images, name, query, repeats)
            page.close()


def used(page: Page, server: stage.Server, images: int, name: str, query: str, repeats: int) -> Iterator[Look]:
    """Every control of an open view, one after the other; the view is opened anew where one led elsewhere."""
    for control_name in dict.fromkeys(control.name for control in controls(page)):
        for number in range(repeats):
            try:
                control = next((one for one in controls(page) if one.name == control_name), None)
                if control is None:
                    stage.opened(page, server, name, query)
                    control = next((one for one in controls(page) if one.name == control_name), None)
                if control is None:
                    break
                page.evaluate("__arm()")
                before = _cpu(server)
                control.use(number)
                stage.settled(page, quiet=200)
                look = measured(page, images, name + query, control_name, _cpu(server) - before)
                if look:
                    yield look
            except Error as error:
                print(f"{name}{query}, {control_name}: {str(error).splitlines()[0]}", file=sys.stderr)
                stage.opened(page, server, name, query)
                break


def _cpu(server: stage.Server) -> float:
    times = server.process.cpu_times()
    return times.user + times.system


def told(looks: Iterable[Look]) -> pd.DataFrame:
    """A row for each view and control: medians and 95th percentiles, in milliseconds and kilobytes."""
    table = pd.DataFrame([vars(look) for look in looks]).astype(dict.fromkeys(("server", "heard", "change", "kilobytes"), float))
    grouped = table.groupby(["images", "view", "control"], sort=False)
    rows = grouped.agg(
        n=("cpu", "size"),
        server=("server", "median"),
        server_p95=("server", lambda values: values.quantile(0.95)),
        server_most=("server", "max"),
        heard=("heard", "median"),
        change=("change", "median"),
        cpu=("cpu", "median"),
        kilobytes=("kilobytes", "median"),
    )
    seconds = ["server", "server_p95", "server_most", "heard", "change", "cpu"]
    rows[seconds] *= 1000
    return rows.round().reset_index()


def missed(table: pd.DataFrame, memory: float | None) -> list[str]:
    """What is over its bar, in words."""
    first = table["control"] == ""
    over = [f"first view of {row.view}" for row in table[first & (table["server"] > 1000 * FIRST_BAR)].itertuples()]
    slow = table[table["change"] > 1000 * CHANGE_BAR]
    over += [f"change at {row.images:,} images: {row.view} {row.control}" for row in slow.itertuples()]
    large = table[first & (table["images"] == MANY) & (table["server_p95"] > 1000 * VIEW_BAR)]
    over += [f"at {row.images:,} images: {row.view}" for row in large.itertuples()]
    return over + ([f"memory {memory:.0f} MB"] if memory and memory > MEMORY_BAR else [])


def made(folder: Path, make: Callable[[Path], object]) -> float | None:
    """See to it that `make(folder)` was once done to its end; seconds that it took, None where it had been done before."""
    whole = folder.with_suffix(".whole")
    if whole.exists():
        return None
    shutil.rmtree(folder, ignore_errors=True)
    began = time.perf_counter()
    make(folder)
    whole.touch()
    return time.perf_counter() - began


def _small(folder: Path) -> None:
    data_looks.of(laboratory(folder, IMAGES, RUNS).dataset("demo"))  # a job does so at the end of an import


def _large(folder: Path) -> None:
    importing.make_phantom(Artifacts(folder), "twin", twin())
    data_looks.of(Artifacts(folder).dataset("twin"))


def _most(column: pd.Series) -> float | None:
    return None if column.dropna().empty else float(column.max())


def main() -> int:
    parser = argparse.ArgumentParser(description="How fast the pages answer.")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    parser.add_argument("--quick", action="store_true", help="few views, each and its controls once")
    parser.add_argument("--repeats", type=int, default=5, help="how often each view and control is used (default 5)")
    parser.add_argument("--only", choices=list(VIEWS), help="one page alone")
    parser.add_argument("--keep", type=Path, help="folder for the laboratories, used again where they are there")
    options = parser.parse_args()
    repeats = 1 if options.quick else options.repeats
    views = QUICK if options.quick else VIEWS
    if options.only:
        views = {options.only: views.get(options.only, [""])}
    looks: list[Look] = []
    memory = drawn = None
    with contextlib.ExitStack() as stack:
        folder = options.keep.resolve() if options.keep else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        small, large = folder / "small", folder / "large"
        made(small, _small)
        browser = stack.enter_context(stage.chromium())
        with stage.serving(Artifacts(small)) as server:
            looks += looked_at(browser, server, IMAGES, views, repeats=repeats, views_repeats=repeats)
        if "dataset" in views:
            drawn = made(large, _large)
            often = 1 if options.quick else max(repeats, VIEW_REPEATS)
            with stage.serving(Artifacts(large)) as server:
                looks += looked_at(browser, server, MANY, {"dataset": views["dataset"]}, repeats=repeats, views_repeats=often)
                memory = server.process.memory_info().rss / 1e6
    table = told(looks)
    print(table.to_string(index=False))
    over = missed(table, memory)
    figures = {
        "benchmark": "pages",
        "first_view_slowest_ms": _most(table["server"]),
        "change_slowest_ms": _most(table["change"]),
        "heard_slowest_ms": _most(table["heard"]),
        "dataset_p95_slowest_ms": _most(table[table["images"] == MANY]["server_p95"]),
        "cpu_slowest_ms": _most(table["cpu"]),
        "memory_mb": memory and round(memory),
        "twin_seconds": drawn and round(drawn),
        "missed": over,
    }
    print(json.dumps(figures))
    return 1 if options.check and over else 0


if __name__ == "__main__":
    sys.exit(main())
