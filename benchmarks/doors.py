"""What damaged, odd and hostile files do at each door: over HTTP, on the page, on the command line.

    python -m benchmarks.doors [--check] [--files 2000] [--pages 300] [--seed 0]

Trains a quick model on drawn cells and sends the files of `benchmarks.damaged`

- to the HTTP endpoint, in this process, one request each, under their hostile names;
- to Classify, from a server of its own, so many as --pages says, one session for all, each in the place of the one before;
- to `allcore predict --json`, all in one folder, under harmless names, since a disk does not hold the others.

Bars: each answered or refused in words; over HTTP and on the page within 2 seconds; no traceback, nothing that says that something failed
that should not have; over HTTP nothing is opened for writing outside the artifacts folder. The last line is JSON. With --check, exits 1
where one is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from fastapi.testclient import TestClient

from allcore import endpoint
from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts
from benchmarks._session import Unanswered, in_loop
from benchmarks.damaged import SECONDS, files, watched_writes
from benchmarks.serving import command
from benchmarks.visitors import Person
from tests.e2e import stage

BROKEN = ("Traceback", "should not have", "Internal Server Error")


def over_http(artifacts: Artifacts, run: str, count: int, seed: int) -> tuple[Counter[str], float]:
    """How often which outcome, and the slowest in seconds. An outcome that is wrong begins with '!'."""
    client = TestClient(endpoint.application(artifacts), base_url="http://127.0.0.1", raise_server_exceptions=False)
    outcomes, slowest = Counter(), 0.0
    for _, name, content in files(count, seed):
        began = time.perf_counter()
        told = client.post("/predict", params={"run": run}, files=[("files", (name, content))])
        slowest = max(slowest, time.perf_counter() - began)
        try:
            said = told.json()
        except ValueError:
            said = {}
        if told.status_code == 200 and (said["results"] or said["errors"]):
            outcomes["answered" if said["results"] else "refused"] += 1
        elif told.status_code in (400, 413, 422) and said.get("error"):
            outcomes["refused"] += 1
        else:
            outcomes[f"!{told.status_code} {told.text[:80]}"] += 1
    return outcomes, slowest


def on_the_page(artifacts: Artifacts, run: str, count: int, seed: int) -> tuple[Counter[str], float]:
    """As `over_http`."""

    async def sent(url: str) -> tuple[Counter[str], float]:
        person, outcomes, slowest = Person(url, run), Counter(), 0.0
        try:
            await person.opens()
            for _, name, content in files(count, seed):
                try:
                    answer = await person.sends(name or "nameless", content)
                except Unanswered as error:
                    outcomes[f"!{error}"[:100]] += 1
                    continue
                slowest = max(slowest, answer.seconds)
                broken = [one for one in person.alerts if any(word in one for word in BROKEN)]
                outcome = "refused" if person.alerts else "answered" if person.headings else "!silent"
                outcomes[f"!{broken[0][:80]}" if broken else outcome] += 1
        finally:
            await person.leaves()
        return outcomes, slowest

    with stage.serving(artifacts) as server:
        return in_loop(sent(server.url))


def on_the_command_line(artifacts: Artifacts, run: str, count: int, seed: int) -> Counter[str]:
    """As `over_http`, without a time: answers come together."""
    with tempfile.TemporaryDirectory() as folder:
        suffixes = (".png", ".bmp", ".jpg", ".tif", ".webp")
        for number, (_, _, content) in enumerate(files(count, seed)):
            (Path(folder) / f"{number:05d}{suffixes[number % len(suffixes)]}").write_bytes(content)
        said = subprocess.run(
            [sys.executable, "-m", "allcore", "predict", run, folder, "--json"],
            env={**os.environ, ENVIRONMENT_VARIABLE: str(artifacts.root)},
            capture_output=True,
            text=True,
        )
        if said.returncode not in (0, 2) or not said.stdout:
            return Counter({f"!{said.returncode} {said.stderr[-200:]}": 1})
        told = json.loads(said.stdout)
        # A picture in a zip is named after it.
        of = {Path(one["path"][len(folder) + 1 :]).parts[0] for one in (*told["results"], *told["errors"])}
        outcomes = Counter({"answered": len(told["results"]), "refused": len(told["errors"]), "files": len(of)})
        outcomes += Counter({f"!{said.stderr[-80:]}": 1} if any(word in said.stderr for word in BROKEN) else {})
        return outcomes + Counter({"!without a word": count - len(of)} if len(of) < count else {})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        artifacts = Artifacts(Path(folder))
        command(artifacts.root, "data", "phantom", "--name", "drawn", "--images", "120")
        run = command(artifacts.root, "train", "--data", "drawn", "--model", "random_forest", "--wait")["id"]
        command(artifacts.root, "jobs", "stop")
        written = watched_writes()
        http, http_slowest = over_http(artifacts, run, asked.files, asked.seed)
        outside = sorted({path for path in written if not Path(path).resolve().is_relative_to(artifacts.root.resolve())} - {"/dev/null"})
        print(f"HTTP: {dict(http)}, slowest {http_slowest:.2f} s; written outside: {outside or 'nothing'}", flush=True)
        page, page_slowest = on_the_page(artifacts, run, asked.pages, asked.seed)
        print(f"page: {dict(page)}, slowest {page_slowest:.2f} s", flush=True)
        line = on_the_command_line(artifacts, run, asked.files, asked.seed)
        print(f"command line: {dict(line)}", flush=True)
    doors = {"http": http, "page": page, "command line": line}
    missed = [f"{door}: {outcome}" for door, found in doors.items() for outcome in found if outcome.startswith("!")]
    missed += [f"{door}: {slowest:.1f} s" for door, slowest in (("http", http_slowest), ("page", page_slowest)) if slowest > SECONDS]
    missed += [f"written: {path}" for path in outside]
    slowest = {"http": round(http_slowest, 3), "page": round(page_slowest, 3)}
    print(
        json.dumps(
            {"benchmark": "doors", "outcomes": {door: dict(found) for door, found in doors.items()}, "slowest_s": slowest, "missed": missed}
        )
    )
    return 1 if asked.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
