"""A run on another laboratory's data: what it has met is left out, what is judged is scikit-learn's figure, what moved is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import importing, matching, records
from allcore.data.importers import Options
from allcore.data.phantom import PhantomSpec
from allcore.inference import distances
from allcore.jobs import beyond as jobs
from allcore.metrics import external, external_words, intervals
from allcore.models import features
from allcore.runs import beyond, spec, status, store


@pytest.fixture
def elsewhere(artifacts: Artifacts, tiny: str, tmp_path: Path) -> str:
    """Another laboratory: 60 drawn cells of 20 patients, brighter, its classes called otherwise."""
    importing.make_phantom(artifacts, "drawn", PhantomSpec(images=60, patients=20, size=32, difficulty=0.0, seed=9))
    paths = artifacts.dataset("drawn")
    folders = {"healthy": "normal", "leukemia": "blast"}
    for row in records.read_records(paths).itertuples():
        into = tmp_path / "lab" / folders[row.label]
        into.mkdir(parents=True, exist_ok=True)
        with Image.open(paths.images / row.image_id) as image:
            Image.fromarray(np.clip(np.asarray(image) * 1.3, 0, 255).astype(np.uint8)).save(into / f"{row.subject}_{row.Index}.png")
    importing.import_folder(
        artifacts, tmp_path / "lab", "elsewhere", options=Options(patient_pattern=r"(?P<patient>[^/_]+)_\d+\.png", positive="blast")
    )
    return "elsewhere"


MAPPING = {"normal": "healthy", "blast": "leukemia"}


@pytest.fixture
def judged(artifacts: Artifacts, forest: JobPaths, elsewhere: str, do: Callable[[Artifacts, JobPaths], int]) -> JobPaths:
    job = jobs.evaluating(artifacts, forest.id, elsewhere, mapping=MAPPING)
    do(artifacts, job)
    assert store.read(job).state == status.DONE, store.read(job).status.reason
    return job


def test_the_figures_are_those_of_the_answers_that_are_kept(artifacts: Artifacts, forest: JobPaths, judged: JobPaths) -> None:
    found, table = beyond.external(judged), store.predictions(judged)
    assert len(table) == 60
    truth, p = table["label"] == "leukemia", table["p_leukemia"]
    assert found.other.balanced_accuracy == pytest.approx(balanced_accuracy_score(truth, p > 0.5))
    assert found.other.auroc == pytest.approx(roc_auc_score(truth, p))
    assert found.own.balanced_accuracy == pytest.approx(store.read(forest).metrics["test"]["balanced_accuracy"])
    assert found.other.subjects == 20
    assert found.main.difference.estimate == pytest.approx(found.other.balanced_accuracy - found.own.balanced_accuracy)
    assert external.External.from_dict(found.to_dict()) == found


def test_what_moved_is_the_light_and_not_the_shape(judged: JobPaths) -> None:
    found = beyond.external(judged)
    moved = {one.measure: one for one in found.moved}
    assert moved["brightness"].shift > 1
    assert moved["brightness"].auroc.estimate > 0.8
    assert abs(moved["roundness"].shift) < 1
    assert found.shift.other_median > found.shift.own_median
    assert found.shift.beyond.estimate > 0.05
    assert sum(found.shift.other_counts) == 60
    assert "What moved most: blue" in external_words.looks(found)
    assert any("learnt from drawn cells" in said for said in external_words.alarms(found))


def test_images_that_the_run_has_met_are_said_and_left_out(
    artifacts: Artifacts, forest: JobPaths, do: Callable[[Artifacts, JobPaths], int], tmp_path: Path
) -> None:
    """Four of its training images are among them, two byte for byte and two turned and saved anew, and two of its test images."""
    home, lab = artifacts.dataset("tiny"), tmp_path / "lab"
    importing.make_phantom(artifacts, "drawn", PhantomSpec(images=40, patients=20, size=32, difficulty=0.0, seed=4))
    split = pd.read_parquet(forest.split).merge(records.read_records(home)[["image_id", "label"]], on="image_id")
    for name in ("healthy", "leukemia"):
        (lab / name).mkdir(parents=True)
    for row in records.read_records(artifacts.dataset("drawn")).itertuples():
        shutil.copy(artifacts.dataset("drawn").images / row.image_id, lab / row.label / f"new{row.Index}.png")
    for at, row in enumerate([*split[split["side"] == "train"].head(4).itertuples(), *split[split["side"] == "test"].head(2).itertuples()]):
        into = lab / row.label / f"old{at}.png"
        if at in (2, 3):
            Image.open(home.images / row.image_id).rotate(90).save(into)
        else:
            shutil.copy(home.images / row.image_id, into)
    importing.import_folder(artifacts, lab, "mixed")
    job = jobs.evaluating(artifacts, forest.id, "mixed")
    do(artifacts, job)
    found = beyond.external(job)
    assert (found.shared.same, found.shared.near, found.shared.tested) == (2, 2, 2)
    assert found.other.n == 42
    assert "4 images of 'mixed' were shown to the run while it learnt" in external_words.alarms(found)[0]
    met = store.predictions(job).set_index("image_id")["met"]
    assert sorted(met[met != ""]) == ["near", "near", "same", "same"]


def test_what_was_answered_is_not_asked_again(
    artifacts: Artifacts, judged: JobPaths, do: Callable[[Artifacts, JobPaths], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that died over the figures leaves its answers to the next."""
    from allcore.inference.served import ServedModel

    before = judged.metrics.read_bytes()
    again = spec.written(artifacts, spec.EVALUATE, spec.read(judged).params, name="again")
    for file in (judged.predictions, judged.embeddings):
        shutil.copy(file, again.folder / file.name)
    monkeypatch.setattr(ServedModel, "answer", lambda *_: pytest.fail("asked again"))
    do(artifacts, again)
    assert again.metrics.read_bytes() == before


def test_a_run_whose_data_are_gone_says_that_it_could_not_look(
    artifacts: Artifacts, forest: JobPaths, elsewhere: str, do: Callable[[Artifacts, JobPaths], int]
) -> None:
    shutil.rmtree(artifacts.dataset("tiny").folder)
    job = jobs.evaluating(artifacts, forest.id, elsewhere, mapping=MAPPING)
    do(artifacts, job)
    found = beyond.external(job)
    assert found.shared.same is None
    assert found.moved == ()
    assert "could not be looked for" in " ".join(external_words.alarms(found))


def test_what_does_not_fit_is_refused_before_there_is_a_job(artifacts: Artifacts, forest: JobPaths, elsewhere: str) -> None:
    with pytest.raises(BadInput, match="does not know the class 'blast'"):
        jobs.evaluating(artifacts, forest.id, elsewhere)
    with pytest.raises(BadInput, match="learnt from"):
        jobs.evaluating(artifacts, forest.id, "tiny")
    with pytest.raises(BadInput, match="no class 'cell' to map"):
        jobs.evaluating(artifacts, forest.id, elsewhere, mapping={"cell": "healthy"})
    assert not store.jobs(artifacts)[1:]  # the run alone


def test_classes_are_matched_by_name_and_by_word() -> None:
    ours = ("healthy", "leukemia")
    assert matching.matched(("Healthy", "LEUKEMIA"), ours, {}) == {"Healthy": "healthy", "LEUKEMIA": "leukemia"}
    three = matching.matched(("healthy", "early", "dust"), ours, {"early": "leukemia", "dust": ""})
    assert three == {"healthy": "healthy", "early": "leukemia", "dust": ""}
    with pytest.raises(BadInput, match="Fewer than two"):
        matching.matched(("healthy", "dust"), ours, {"dust": ""})
    with pytest.raises(BadInput, match="can't be mapped to 'ill'"):
        matching.matched(("healthy", "dust"), ours, {"dust": "ill"})


def test_distances_are_those_to_the_nearest_and_know_units() -> None:
    random = np.random.default_rng(0)
    train = random.normal(size=(40, 3)).astype(np.float32)
    mine, twin = distances.scaled("", train, train[:1])
    others = distances.nearest(mine, twin)
    exact = np.sort(np.linalg.norm(mine - mine[0], axis=1))[: distances.NEIGHBOURS].mean()
    assert others[0] == pytest.approx(exact, abs=1e-4)
    wide = train * np.array([1, 1000, 1], np.float32)
    scaled, _ = distances.scaled(features.CELL, wide, wide)
    assert scaled.std(axis=0) == pytest.approx(np.ones(3), abs=1e-3)


def test_a_shift_of_nothing_is_none() -> None:
    random = np.random.default_rng(1)
    own, other = random.gamma(4, size=(2, 900))
    codes = np.repeat(np.arange(30), 30)
    found = external.shift(own, other, (codes, codes), neighbours=5)
    assert found.auroc.low < 0.5 < found.auroc.high
    assert found.beyond.low < 0.05 < found.beyond.high
    assert found.auroc.clusters == 60
    nobody = external.shift(own, other, (codes, None), neighbours=5)
    assert intervals.INDEPENDENT in nobody.auroc.note
