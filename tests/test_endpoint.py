"""Answers over HTTP, in this process and from a real server."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient
from PIL import Image

from allcore import endpoint
from allcore.base.paths import ENVIRONMENT_VARIABLE, Artifacts, JobPaths
from allcore.cli import main
from allcore.data import records, smears
from allcore.inference import limits, uploads


@pytest.fixture(scope="module")
def forest(finished: Callable[[str], JobPaths]) -> JobPaths:
    return finished("random_forest")


@pytest.fixture(scope="module")
def client(tiny_laboratory: Artifacts) -> TestClient:
    return TestClient(endpoint.application(tiny_laboratory), base_url="http://127.0.0.1")


@pytest.fixture(scope="module")
def cell(tiny_laboratory: Artifacts) -> str:
    """Path of a cell's file."""
    data = tiny_laboratory.dataset("tiny")
    return str(data.images / records.read_records(data)["image_id"].iloc[0])


def sent(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", file) for file in files]


def test_it_says_what_the_command_line_says(
    client: TestClient, forest: JobPaths, cell: str, tiny_laboratory, tmp_path, monkeypatch, capsys
):
    field = str(tmp_path / "field.png")
    Image.fromarray(smears.draw_field(smears.SmearSpec(seed=1)).pixels).save(field)
    files = [(name, Path(name).read_bytes()) for name in (cell, field)]
    told = client.post("/predict", params={"run": forest.id}, files=sent(*files, ("bad <b>.png", b"no picture"))).json()
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tiny_laboratory.root))
    with pytest.raises(SystemExit):
        main(["predict", forest.id, cell, field, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert told["results"] == said["results"]
    assert [one["path"] for one in told["errors"]] == ["bad <b>.png"]
    assert told["synthetic"] is True
    assert [one["kind"] for one in told["results"]] == ["cell", "field"]
    assert [one["number"] for one in told["results"][1]["cells"]] == [1, 2, 3]
    whole = client.post("/predict", params={"run": forest.id, "kind": "cell"}, files=sent(files[1])).json()
    assert (whole["results"][0]["kind"], "cells" in whole["results"][0]) == ("cell", False)
    assert (whole["results"][0]["judged"], whole["results"][0]["label"]) == (False, None)
    whole = client.post("/predict", params={"run": forest.id, "kind": "cell", "anyway": True}, files=sent(files[1])).json()
    assert whole["results"][0]["label"] in ("healthy", "leukemia")
    with pytest.raises(SystemExit):
        main(["predict", forest.id, field, "--csv"])
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["cell"] for row in rows] == ["1", "2", "3"]
    assert [[int(row[edge]) for edge in ("left", "top", "right", "bottom")] for row in rows] == [
        one["box"] for one in told["results"][1]["cells"]
    ]


def test_it_tells_what_calls_are_worth_where_so_many_are_positive(
    client: TestClient, forest: JobPaths, cell: str, tiny_laboratory, monkeypatch, capsys
):
    def asked(prevalence: str) -> httpx.Response:
        return client.post("/predict", params={"run": forest.id, "prevalence": prevalence}, files=sent((cell, Path(cell).read_bytes())))

    told = asked("0.2").json()["predictive_values"]
    assert (told["class"], told["prevalence"]) == ("leukemia", 0.2)
    assert asked("leukemia=0.2").json()["predictive_values"] == told
    assert asked("0.4").json()["predictive_values"]["ppv"]["estimate"] > told["ppv"]["estimate"]
    assert asked("healthy=0.8").json()["predictive_values"]["npv"]["estimate"] == pytest.approx(told["ppv"]["estimate"])
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tiny_laboratory.root))
    with pytest.raises(SystemExit):
        main(["predict", forest.id, cell, "--json", "--prevalence", "0.2"])
    assert json.loads(capsys.readouterr().out)["predictive_values"] == told
    for said, why in (("1", "leaves one class only"), ("many", "is no number"), ("cat=0.2", "knows no class 'cat'")):
        assert (asked(said).status_code, why in asked(said).json()["error"]) == (400, True)


def test_too_many_at_once_are_refused_before_the_first_is_judged(
    client: TestClient, forest: JobPaths, cell: str, monkeypatch: pytest.MonkeyPatch
):
    content = Path(cell).read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(3):
            archive.writestr(f"{number}.png", content)
    whole = client.post("/predict", params={"run": forest.id}, files=sent(("cells.zip", packed.getvalue()))).json()
    assert [one["path"] for one in whole["results"]] == [f"cells.zip/{number}.png" for number in range(3)]
    assert whole["note"] == "For teaching and research, not for diagnosis."
    monkeypatch.setattr(limits, "FILES", 2)
    refused = client.post("/predict", params={"run": forest.id}, files=sent(("cells.zip", packed.getvalue())))
    assert (refused.status_code, "more than the 2 that can be judged at once" in refused.json()["error"]) == (400, True)
    # The number of files is held to by Starlette, with words of its own.
    refused = client.post("/predict", params={"run": forest.id}, files=sent(*[("a.png", b"")] * (limits.REQUEST_FILES + 1)))
    assert (refused.status_code, refused.json()["error"]) == (400, "Too many files. Maximum number of files is 1000.")


def test_what_is_sent_is_written_nowhere(client: TestClient, forest: JobPaths, monkeypatch: pytest.MonkeyPatch):
    def rolled(*args: object) -> None:
        raise AssertionError("a temporary file was made")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", rolled)
    picture = io.BytesIO()
    Image.effect_noise((1600, 1600), 60).convert("RGB").save(picture, "PNG")
    assert len(picture.getvalue()) > 2_000_000
    told = client.post("/predict", params={"run": forest.id, "kind": "cell"}, files=sent(("large.png", picture.getvalue()))).json()
    assert [one["judged"] for one in told["results"]] == [False]


def test_runs_and_health_and_its_own_description(client: TestClient, forest: JobPaths):
    assert client.get("/health").json()["status"] == "ok"
    assert forest.id in [one["run"] for one in client.get("/runs").json()["runs"]]
    assert set(client.get("/openapi.json").json()["paths"]) == {"/health", "/runs", "/predict"}
    page = client.get("/docs").text
    assert "POST /predict" in page
    assert not re.search(r"""(src|href)=['"]https?:""", page)  # nothing is asked of another host


def test_what_is_wrong_is_said_in_words(client: TestClient, forest: JobPaths):
    unknown = client.post("/predict", params={"run": "nobody"}, files=sent(("a.png", b"x")))
    assert (unknown.status_code, unknown.json()["error"]) == (404, "Run 'nobody' has no model to answer with.")
    bad = client.post("/predict", params={"run": "../../etc"}, files=sent(("a.png", b"x")))
    assert (bad.status_code, "can't be a run's id" in bad.json()["error"]) == (400, True)
    unsaid = client.post("/predict", params={"run": forest.id, "kind": "cat"}, files=sent(("a.png", b"x")))
    assert (unsaid.status_code, "kind" in unsaid.json()["error"]) == (422, True)
    empty = client.post("/predict", params={"run": forest.id})
    assert (empty.status_code, "files" in empty.json()["error"]) == (422, True)
    assert client.get("/nothing").json()["hint"] == "/docs says what can be asked."
    assert client.get("/health", headers={"host": "evil.example"}).status_code == 400


def test_a_request_beyond_the_limit_is_refused_said_or_not(tiny_laboratory: Artifacts, forest: JobPaths, monkeypatch):
    monkeypatch.setattr(limits, "REQUEST_BYTES", 1000)
    client = TestClient(endpoint.application(tiny_laboratory), base_url="http://127.0.0.1")
    target = f"/predict?run={forest.id}"
    assert client.post(target, files=sent(("a.png", b"x" * 5000))).status_code == 413
    pieces = (b"x" * 500 for _ in range(10))  # a body of unsaid length
    assert client.post(target, content=pieces, headers={"content-type": "multipart/form-data; boundary=b"}).status_code == 413


def test_what_nobody_waits_for_any_more_is_not_judged(tiny_laboratory: Artifacts, forest: JobPaths, monkeypatch: pytest.MonkeyPatch):
    judged = []

    def slowly(*given: object, **options: object) -> Iterator[uploads.Refused]:
        for number in range(100):
            judged.append(number)
            time.sleep(0.05)
            yield uploads.Refused(f"{number}.png", "Empty.")

    monkeypatch.setattr(uploads, "answered", slowly)
    monkeypatch.setattr(endpoint, "_LOOK_EVERY", 0.0)
    server = uvicorn.Server(uvicorn.Config(endpoint.application(tiny_laboratory), port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/predict?run={forest.id}"
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(address, files=sent(("a.png", b"")), timeout=0.5)
        time.sleep(1)
        so_far = len(judged)
        time.sleep(0.5)
        assert len(judged) == so_far < 100
        # Who waits gets them all.
        assert len(httpx.post(address, files=sent(("a.png", b"")), timeout=60).json()["errors"]) == 100
    finally:
        server.should_exit = True
        thread.join(30)


def test_a_real_server_answers_and_says_where(tiny_laboratory: Artifacts, forest: JobPaths, cell: str):
    environment = {**os.environ, ENVIRONMENT_VARIABLE: str(tiny_laboratory.root), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "allcore", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline()).group()
            with open(cell, "rb") as file:
                told = httpx.post(f"{address}/predict", params={"run": forest.id}, files=sent((cell, file.read())), timeout=60).json()
            assert [one["path"] for one in told["results"]] == [cell]
        finally:
            server.terminate()
            server.wait(30)
