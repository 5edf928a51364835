"""Verbs that ask a finished run: predict, explain, report."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from allcore.base.paths import Artifacts, JobPaths
from allcore.data import smears
from allcore.inference import limits, uploads
from tests.cli.said import plain


@pytest.fixture
def pictures(artifacts: Artifacts, forest: JobPaths, tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, file in enumerate(sorted(artifacts.dataset("tiny").images.rglob("*.png"))[:3]):
        (folder / f"{number}.png").write_bytes(file.read_bytes())
    return folder


def test_predictions_of_a_folder(say, forest: JobPaths, pictures: Path):
    said = say("predict", forest.id, pictures, "--json", "--anyway")
    assert (said.code, said.err) == (0, "")
    document = said.document
    assert (document["errors"], document["synthetic"]) == ([], True)
    assert document["note"] == "For teaching and research, not for diagnosis."
    assert [Path(one["path"]).name for one in document["results"]] == ["0.png", "1.png", "2.png"]
    for one in document["results"]:
        assert one["label"] in one["probabilities"]
        for shares in (one["probabilities"], one["raw_probabilities"]):
            assert sum(shares.values()) == pytest.approx(1)
        assert one["judged"] is (one["reasons"] == [])
    alone = say("predict", forest.id, pictures / "1.png", "--json", "--anyway").document["results"]
    assert alone[0]["probabilities"] == pytest.approx(document["results"][1]["probabilities"], abs=1e-6)
    spoken = say("predict", forest.id, pictures)
    assert spoken.code == 0
    assert spoken.err.splitlines()[-2:] == ["This model was trained on drawn cells.", "For teaching and research, not for diagnosis."]
    assert "No set of classes is promised." in spoken.err
    assert document["why_no_sets"]
    assert say("predict", forest.id, pictures, "--csv").err == spoken.err
    assert len(spoken.out.splitlines()) == 3
    table = list(csv.DictReader(say("predict", forest.id, pictures, "--csv").out.splitlines()))
    assert [row["answer"] for row in table] == [one["label"] if one["judged"] else "not judged" for one in document["results"]]
    assert [row["note"] for row in table] == [" ".join(one["reasons"]) for one in document["results"]]


@pytest.mark.parametrize("options", [(), ("--csv",)])
def test_answers_are_printed_as_they_come(say, forest: JobPaths, pictures: Path, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch):
    whole = uploads.answered

    def interrupted(*given: object, **named: object) -> Iterator[object]:
        yield next(whole(*given, **named))
        raise KeyboardInterrupt

    monkeypatch.setattr(uploads, "answered", interrupted)
    said = say("predict", forest.id, pictures, *options)
    assert said.code != 0
    assert "0.png" in said.out
    assert "1.png" not in said.out


def test_one_csv_tells_all(say, forest: JobPaths, pictures: Path):
    answers = say("predict", forest.id, pictures, "--json", "--anyway").document["results"]
    rows = list(csv.DictReader(say("predict", forest.id, pictures, "--csv").out.splitlines()))
    for row, answer in zip(rows, answers, strict=True):
        assert (row["path"], row["kind"], row["cell"], row["left"]) == (answer["path"], "cell", "", "")
        assert (row["run"], row["synthetic"]) == (forest.id, "True")
        if answer["judged"]:
            assert float(row["p_leukemia"]) == pytest.approx(answer["probabilities"]["leukemia"])
            assert float(row["raw_p_leukemia"]) == pytest.approx(answer["raw_probabilities"]["leukemia"])
    assert any(answer["judged"] for answer in answers)


def test_a_zip_is_unpacked(say, forest: JobPaths, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with zipfile.ZipFile(tmp_path / "cells.zip", "w") as packed:
        for file in sorted(pictures.iterdir()):
            packed.write(file, file.name)
    told = say("predict", forest.id, tmp_path / "cells.zip", "--json").document
    assert [one["path"] for one in told["results"]] == [f"{tmp_path / 'cells.zip'}/{number}.png" for number in range(3)]
    monkeypatch.setattr(limits, "FILES", 2)
    monkeypatch.setattr(uploads, "answered", None)
    plain(say("predict", forest.id, tmp_path / "cells.zip"), 2, "3 pictures are more than the 2 that can be judged at once")


def test_what_calls_are_worth_where_so_many_are_leukemic(say, forest: JobPaths, pictures: Path):
    said = say("predict", forest.id, pictures, "--prevalence", "0.2")
    assert "Where 20 % of cells are leukemic: of those called leukemic, " in said.err
    plain(say("predict", forest.id, pictures, "--prevalence", "2"), 2, "leaves one class only")
    plain(say("predict", forest.id, pictures, "--prevalence", "cat=0.2"), 2, "knows no class 'cat'")


def test_what_can_not_be_judged_has_an_answer_on_request_alone(say, forest: JobPaths, tmp_path: Path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 70, 3), dtype=np.uint8)).save(tmp_path / "noise.png")
    asked = ("predict", forest.id, tmp_path / "noise.png", "--kind", "cell")
    (one,) = say(*asked, "--json").document["results"]
    assert one["judged"] is False
    assert one["reasons"]
    assert [one[name] for name in ("label", "probabilities", "raw_probabilities", "set")] == [None] * 4
    (anyway,) = say(*asked, "--json", "--anyway").document["results"]
    assert anyway["label"] in anyway["probabilities"]
    assert "(healthy" not in say(*asked).out
    assert "(healthy" in say(*asked, "--anyway").out


def test_too_many_pictures_are_refused_before_the_first_is_judged(say, forest: JobPaths, pictures: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "FILES", 2)
    monkeypatch.setattr(uploads, "answered", None)
    plain(say("predict", forest.id, pictures), 2, "3 pictures are more than the 2 that can be judged at once")


def test_predictions_with_a_file_that_can_not_be_answered(say, forest: JobPaths, pictures: Path, tmp_path: Path):
    (pictures / "x.png").write_text("no picture")
    (tmp_path / "empty").mkdir()
    said = say("predict", forest.id, pictures, tmp_path / "gone.png", tmp_path / "empty", "--json")
    assert (said.code, said.err) == (2, "")
    assert len(said.document["results"]) == 3
    assert {Path(one["path"]).name: one["error"] for one in said.document["errors"]} == {
        "x.png": "This is not an image that can be read here. Use PNG, JPEG, BMP, TIFF or WebP.",
        "gone.png": "The file can't be opened (No such file or directory).",
        "empty": "The folder holds no image.",
    }


def test_what_a_run_looked_at(say, forest: JobPaths, pictures: Path, tmp_path: Path):
    (pictures / "x.png").write_text("no picture")
    said = say("explain", forest.id, pictures, "--class", "leukemia", "--out", tmp_path / "heat", "--json", "--anyway")
    assert (said.code, said.err) == (2, "")
    document = said.document
    assert document["note"] == "For teaching and research, not for diagnosis."
    assert [Path(one["path"]).name for one in document["errors"]] == ["x.png"]
    assert [one["of"] for one in document["results"]] == ["leukemia"] * 3
    shown = [one for one in document["results"] if not one["withheld"]]
    for one in shown:
        assert abs(one["likeness"]) < document["most_likeness"]
        assert Image.open(one["overlay"]).size == (560, 560)
        assert 0 < one["cell"] < 1
    assert all(one["overlay"] is None for one in document["results"] if one["withheld"])
    assert len(list((tmp_path / "heat").glob("*"))) == len(shown)
    judged = say("predict", forest.id, pictures, "--json").document["results"]
    assert [one["judged"] for one in document["results"]] == [one["judged"] for one in judged]
    refused = say("explain", forest.id, pictures / "0.png", "--method", "activation")
    assert (refused.code, refused.out) == (2, "")
    assert "no inner maps" in refused.err


def test_what_can_not_be_judged_is_not_explained_but_on_request(say, forest: JobPaths, tmp_path: Path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 70, 3), dtype=np.uint8)).save(tmp_path / "noise.png")
    Image.fromarray(smears.draw_field(smears.SmearSpec(seed=1)).pixels).save(tmp_path / "field.png")
    asked = ("explain", forest.id, tmp_path / "noise.png", "--out", tmp_path / "heat")
    (one,) = say(*asked, "--json").document["results"]
    assert (one["judged"], "raw_probability" in one, "overlay" in one) == (False, False, False)
    assert "I cannot judge this image." in say(*asked).out
    assert ", before any calibration" not in say(*asked).out
    assert ", before any calibration" in say(*asked, "--anyway").out
    cells = say("explain", forest.id, tmp_path / "field.png", "--out", tmp_path / "heat", "--json").document["results"]
    assert [one["number"] for one in cells] == [1, 2, 3]
    Image.new("RGB", (300, 200), (230, 225, 230)).save(tmp_path / "glass.png")
    glass = say("explain", forest.id, tmp_path / "glass.png", "--out", tmp_path / "heat", "--json")
    assert (glass.code, [(one["judged"], "overlay" in one) for one in glass.document["results"]]) == (0, [(False, False)])
    assert len(say("explain", forest.id, tmp_path / "field.png", "--kind", "cell", "--json").document["results"]) == 1


def test_evidence_is_packed(say, forest: JobPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert "Open report.html in a browser" in say("report", forest.id).out
    written = tmp_path / f"{forest.id}-evidence.zip"
    document = say("report", forest.id, "--out", "mine.zip", "--json").document
    assert (document["path"], document["runs"], document["bytes"]) == ("mine.zip", [forest.id], written.stat().st_size)
    assert {one["name"] for one in document["files"]} >= {"report.html", "SHA256SUMS", f"runs/{forest.id}/model/model.onnx"}
    assert (tmp_path / "mine.zip").read_bytes() == written.read_bytes()
    plain(say("report", forest.id, "--out", tmp_path), 2, "is a folder")
    plain(say("report", forest.id, "gone"), 2, "no run 'gone'")
    plain(say("report"), 2, "Missing argument 'RUN...'")
    assert sorted(path.name for path in tmp_path.glob("*.zip")) == sorted([written.name, "mine.zip"])
