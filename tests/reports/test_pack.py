"""An evidence pack says what was computed, can be checked and repeated, and trusts no name from outside."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allcore.base.errors import BadInput, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.metrics import compare, cycles, text, thresholds
from allcore.metrics.calibration import Temperature
from allcore.metrics.thresholds import Chosen
from allcore.reports import comparison, evidence, modelcard, pack, page, words
from allcore.runs import threshold as kept
from tests.reports.conftest import ODD, OTHER


class Read(HTMLParser):
    """A page as a browser takes it apart: its elements, its words, and the JSON documents in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words, self.charts, self.inside = "", {}, []
        self.feed(text)
        assert self.inside == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.inside.append((tag, dict(attrs).get("id")))

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self.inside.pop()

    def handle_data(self, text):
        if not self.inside:
            self.words += text
        elif self.inside[-1][1]:
            self.charts[self.inside[-1][1]] = json.loads(text)


def opened(artifacts: Artifacts, *runs: str) -> tuple[zipfile.ZipFile, Read]:
    out = io.BytesIO()
    pack.write(pack.gathered(artifacts, runs), out)
    archive = zipfile.ZipFile(out)
    return archive, Read(archive.read(pack.REPORT).decode())


def test_a_pack_holds_what_it_says_and_can_be_checked(artifacts: Artifacts, forest: JobPaths) -> None:
    archive, report = opened(artifacts, forest.id)
    listed = dict(reversed(line.split("  ")) for line in archive.read(pack.SUMS).decode().splitlines())
    assert set(listed) == set(archive.namelist()) - {pack.SUMS}
    assert all(hashlib.sha256(archive.read(name)).hexdigest() == digest for name, digest in listed.items())
    run = f"runs/{forest.id}"
    for path in (forest.spec, forest.certificate, forest.environment, forest.metrics):
        assert archive.read(f"{run}/{path.name}") == path.read_bytes()
    assert archive.read(f"{run}/model/model.onnx") == forest.onnx.read_bytes()
    table = pd.read_csv(archive.open(f"{run}/predictions.csv"), dtype={"subject": str})
    pd.testing.assert_frame_equal(table, pd.read_parquet(forest.predictions), check_dtype=False)
    one = evidence.of(artifacts, forest.id)
    for said in (text.NOT_FOR_DIAGNOSIS, words.DRAWN, one.certificate.verdict(), words.result(one), words.at_threshold(one)):
        assert said in report.words
    figures = pd.read_csv(archive.open(f"{run}/metrics.csv")).set_index("figure")
    assert figures.loc["AUROC", "estimate"] == pytest.approx(one.scores.auroc)
    found = table[(table["side"] == "test") & (table["label"] == "leukemia")]["p_leukemia"] >= 0.5
    assert figures.loc["sensitivity", "estimate"] == pytest.approx(found.mean())
    assert figures.loc["balanced accuracy", "constant"] == 0.5


def test_the_report_asks_nobody_for_anything(artifacts: Artifacts, forest: JobPaths) -> None:
    archive, report = opened(artifacts, forest.id)
    assert not [kept for _, kept in report.elements if "src" in kept or kept.get("href", "#")[0] != "#"]
    assert not [tag for tag, _ in report.elements if tag in ("link", "img", "iframe", "object", "base")]
    (policy,) = [kept["content"] for tag, kept in report.elements if kept.get("http-equiv")]
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    assert archive.read(pack.REPORT).decode().count("plotly.js v") == 1
    charts = [kept["data-chart"] for tag, kept in report.elements if tag == "figure"]
    assert charts == list(report.charts)
    assert {name.rpartition("-")[2] for name in charts} >= {"roc", "confusion", "recall", "reliability", "patients"}
    for key, chart in report.charts.items():
        name = key.removeprefix(f"chart-{forest.id}-")
        assert chart["csv"] == archive.read(f"runs/{forest.id}/charts/{name}.csv").decode()
        assert chart["data"]
    plots = [kept for tag, kept in report.elements if kept.get("class") == "plot"]
    assert all(kept["role"] == "img" and len(kept["aria-label"]) > 40 for kept in plots)
    assert len(plots) == len(charts)


def test_equal_runs_give_equal_packs(artifacts: Artifacts, forest: JobPaths) -> None:
    def packed() -> bytes:
        out = io.BytesIO()
        pack.write(pack.gathered(artifacts, [forest.id]), out)
        return out.getvalue()

    first = packed()
    for path in forest.folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
    assert packed() == first


def test_names_from_outside_stay_names(artifacts: Artifacts, odd: JobPaths) -> None:
    archive, report = opened(artifacts, odd.id)
    html = archive.read(pack.REPORT).decode()
    assert "<script>alert" not in html
    assert "<b>" not in html.partition("plotly.js v")[0].replace("\\u003cb>", "")
    assert ODD in report.words
    roc = report.charts[f"chart-{odd.id}-roc"]
    assert ODD in roc["csv"]
    # Plotly reads a little HTML: there a name is escaped once more.
    assert any("&lt;script&gt;alert(1)&lt;/script&gt;" in trace["name"] for trace in roc["data"])
    assert not any("<script" in str(trace) for chart in report.charts.values() for trace in chart["data"])
    card = archive.read(f"runs/{odd.id}/model-card.md").decode()
    assert "\\<script\\>" in card
    assert ODD not in card
    assert modelcard.plain(OTHER) == "\\`a\\`\\|\\*b\\*\\&amp;"


def test_a_threshold_chosen_on_the_test_side_is_called_optimistic(artifacts: Artifacts, forest: JobPaths) -> None:
    assert words.OPTIMISTIC not in opened(artifacts, forest.id)[1].words
    kept.write(forest, Chosen(0.31, thresholds.HAND, thresholds.TEST, images=9, patients=3))
    archive, report = opened(artifacts, forest.id)
    assert report.words.count(words.OPTIMISTIC) == 2
    assert "from a probability of 0.310 on, chosen by hand on the test side (9 images of 3 patients)" in report.words
    table = pd.read_parquet(forest.predictions).query("side == 'test'")
    found = pd.read_csv(archive.open(f"runs/{forest.id}/charts/confusion.csv")).set_index(["truly", "called"])["images"]
    assert found["healthy", "leukemia"] == ((table["label"] == "healthy") & (table["p_leukemia"] >= 0.31)).sum()
    assert words.OPTIMISTIC in archive.read(f"runs/{forest.id}/model-card.md").decode()


def test_a_training_that_somebody_ended_early_says_so(artifacts: Artifacts, forest: JobPaths) -> None:
    one = evidence.of(artifacts, forest.id)
    early = {**one.training, "epochs": 7, "kept_epoch": 7, "finished_on_request": True}
    ended = replace(one, plan=replace(one.plan, settings={**one.plan.settings, "epochs": 100}), training=early)
    assert words.training(ended).startswith("7 epochs, of which epoch 7 was kept. It ended after 7 of 100 epochs, on request.")
    assert cycles.ENDED_BY_EYE not in words.limits(ended)
    watched = replace(ended, training={**early, "cycles": {}})
    assert cycles.ENDED_BY_EYE in words.limits(watched)


def test_several_runs_are_compared_in_pairs(artifacts: Artifacts, forest: JobPaths, twin: JobPaths) -> None:
    archive, report = opened(artifacts, forest.id, twin.id, forest.id)
    table = pd.read_csv(archive.open("comparison/difference-auroc.csv"))
    sides = [pd.read_parquet(one.predictions).query("side == 'test'") for one in (twin, forest)]
    truth, p = (sides[0]["label"] == "leukemia").to_numpy(), [one["p_leukemia"].to_numpy() for one in sides]
    expected = compare.paired(truth, *p, thresholds=(0.5, 0.5), subjects=sides[0]["subject"])[0]
    assert table["difference"].tolist() == [pytest.approx(expected.interval.estimate)]
    assert expected.interval.estimate < 0
    assert {f"runs/{one.id}/model-card.md" for one in (forest, twin)} <= set(archive.namelist())
    assert "2 runs compared" in report.words
    assert expected.verdict("Random forest 0001", f"Random forest {forest.id[-4:]}") in report.words


def test_runs_tested_on_other_images_are_not_subtracted(artifacts: Artifacts, forest: JobPaths, twin: JobPaths) -> None:
    document = json.loads(twin.summary.read_text("utf-8"))
    twin.summary.write_text(json.dumps({**document, "test_side": "another"}), "utf-8")
    found, apart = comparison.to_first(pack.gathered(artifacts, [forest.id, twin.id]))
    assert (found, [one.id for one in apart]) == ({}, [twin.id])
    assert "Tested on other images" in opened(artifacts, forest.id, twin.id)[1].words


@pytest.mark.parametrize("which", ["forest", "network"])
def test_the_packed_model_answers_alone(which: str, artifacts: Artifacts, unpacked: Path, request: pytest.FixtureRequest) -> None:
    run: JobPaths = request.getfixturevalue(which)
    opened(artifacts, run.id)[0].extractall(unpacked)
    table = pd.read_parquet(run.predictions).query("side == 'test'").head(6)
    pictures = [str(artifacts.dataset("tiny").images / name) for name in table["image_id"]]
    script = unpacked / "runs" / run.id / "model" / "answer.py"
    # -I: neither this folder nor anything of ours can be imported.
    done = subprocess.run([sys.executable, "-I", "-c", _ALONE, str(script), *pictures], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    raw = table[["p_healthy", "p_leukemia"]].to_numpy()
    warm = Temperature(**json.loads(run.calibration.read_text("utf-8"))["temperature"])
    for kind, expected in (("raw_probabilities", raw), ("probabilities", warm(raw))):
        shares = [[answer[kind][name] for name in ("healthy", "leukemia")] for answer in answers]
        assert np.abs(np.array(shares) - expected).max() < 1e-4
    assert [answer["path"] for answer in answers] == pictures


_ALONE = """
import pathlib, runpy, sys
sys.modules["allcore"] = None
sys.argv = sys.argv[1:]
sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_what_can_not_be_reported_is_refused_in_words(artifacts: Artifacts, forest: JobPaths) -> None:
    with pytest.raises(NotFound, match="no run 'gone'"):
        pack.gathered(artifacts, [forest.id, "gone"])
    with pytest.raises(BadInput, match="needs a run"):
        pack.gathered(artifacts, [])
    with pytest.raises(BadInput, match="9 runs are too many"):
        pack.gathered(artifacts, [f"r{number}" for number in range(9)])
    document = json.loads(forest.status.read_text("utf-8"))
    forest.status.write_text(json.dumps({**document, "state": "failed"}), "utf-8")
    with pytest.raises(BadInput, match="is failed"):
        pack.gathered(artifacts, [forest.id])


def test_the_card_has_the_headings_of_its_field(artifacts: Artifacts, forest: JobPaths) -> None:
    card = modelcard.written(evidence.of(artifacts, forest.id))
    headings = [line[3:] for line in card.splitlines() if line.startswith("## ")]
    assert headings == [
        "Model Details",
        "Intended Use",
        "Factors",
        "Metrics",
        "Evaluation Data",
        "Training Data",
        "Quantitative Analyses",
        "Ethical Considerations",
        "Caveats and Recommendations",
    ]
    assert text.NOT_FOR_DIAGNOSIS in card
    assert words.DRAWN in card


def test_a_page_is_written_in_pieces(artifacts: Artifacts, forest: JobPaths) -> None:
    pieces = list(page.written([evidence.of(artifacts, forest.id)], {}, []))
    assert len(pieces) > 20
    assert sum(map(len, pieces)) - max(map(len, pieces)) < 500_000
