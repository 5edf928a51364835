"""The evidence pack on the Results page."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest

from allcore.base.paths import Artifacts, JobPaths
from allcore.reports import evidence, pack, tracking


def test_the_report_is_offered_where_results_are(forest: JobPaths, visit: Callable):
    page = visit("results", details="Report")
    assert "Evidence pack" in page.words
    assert "Mitchell et al. 2019" in page.words
    assert "trained on drawn cells" in page.words


def test_what_is_downloaded_is_the_pack(artifacts: Artifacts, blood: JobPaths):
    """Of three classes, whose patients are unknown: no threshold, no patients, and said so."""
    with pack.opened(artifacts, [blood.id]) as file:
        archive = zipfile.ZipFile(io.BytesIO(file.read()))
    names = {name.rpartition("/")[2] for name in archive.namelist()}
    assert {"report.html", "model-card.md", "model.onnx", "roc.csv", "confusion.csv"} <= names
    assert not names & {"precision-recall.csv", "patients.csv", "threshold.json"}
    report = archive.read(pack.REPORT).decode()
    assert "The patients are not known" in report
    assert "monocyte" in report
    one = evidence.of(artifacts, blood.id)
    assert one.binary is None
    assert {each.name for each in one.figures} >= {"balanced accuracy", "AUROC, macro", "log loss"}


def test_a_server_that_is_known_is_offered(forest: JobPaths, visit: Callable, monkeypatch: pytest.MonkeyPatch):
    assert "Send to MLflow" not in _buttons(visit("results", details="Report"))
    sent = []
    monkeypatch.setattr(tracking, "configured", lambda: "http://mlflow.example")

    def send(runs, address):
        sent.append(([one.id for one in runs], address))
        yield tracking.Sent(forest.id, "abc", "tiny", already=False)

    monkeypatch.setattr(tracking, "send", send)
    page = visit("results", details="Report")
    next(one for one in page.app.button if one.label == "Send to MLflow").click().run()
    assert sent == [([forest.id], "http://mlflow.example")]
    assert "experiment 'tiny'" in "".join(one.value.replace("\\", "") for one in page.app.caption)


def _buttons(page) -> list[str]:
    return [one.label for one in page.app.button]
