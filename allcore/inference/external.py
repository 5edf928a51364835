"""A job of kind `evaluate`: a finished run answers for all images of another data set, and is judged by them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allcore.base import fileio
from allcore.base.errors import BadInput, NotFound
from allcore.base.paths import Artifacts, DatasetPaths, JobPaths
from allcore.checks import duplicates
from allcore.data import cache, looks, matching, records
from allcore.data.progress import Progress, part
from allcore.data.records import DatasetCard
from allcore.data.splits import Certificate
from allcore.inference import distances, served
from allcore.inference.served import Answer, ServedCard, ServedModel
from allcore.metrics import classification, external, intervals
from allcore.metrics.external import External, Shared
from allcore.runs import spec, store
from allcore.runs.attempt import Attempt

SAME, NEAR = "same", "near"
_TRAINED = ("train", "tune", "calibrate")
_AT_ONCE = 256


@dataclass(frozen=True)
class _Side:
    """Images that are judged: those of the run's own test side, or of the other data set."""

    table: pd.DataFrame
    labels: np.ndarray
    """int (n,), indices into the run's classes."""
    probabilities: np.ndarray
    distances: np.ndarray
    known: bool
    """Whether its patients are."""

    @property
    def subjects(self) -> np.ndarray | None:
        return self.table["subject"].to_numpy() if self.known else None

    @property
    def codes(self) -> np.ndarray | None:
        return intervals.cluster_codes(self.subjects)

    def of(self, rows: np.ndarray) -> _Side:
        """Some of the images; `rows` (n,) bool."""
        return _Side(self.table[rows].reset_index(drop=True), self.labels[rows], self.probabilities[rows], self.distances[rows], self.known)


def evaluate(attempt: Attempt) -> None:
    """Do the job: its folder then holds `predictions.parquet`, `embeddings.npy` and, last, `metrics.json`."""
    params, artifacts = attempt.spec.params, attempt.artifacts
    attempt.progress(0.0, "Opening the data")
    run, dataset = artifacts.run(params["run"]), artifacts.dataset(params["data"])
    model, card = served.load(run), records.read_card(dataset)
    if card.fingerprint != params["data_fingerprint"]:
        raise BadInput(f"Data set '{card.id}' is not the one this was submitted for.", "Submit it anew.")
    table = records.read_records(dataset)
    answer = _answered(attempt, model, cache.opened(dataset, model.card.input_size))
    home = _home(artifacts, run)
    met, tested = _met(home, run, dataset, table, part(attempt.progress, 0.4, 0.85))
    attempt.progress(0.85, "Measuring distances")
    mapping = matching.matched(card.class_names, model.card.class_names, params["mapping"])
    own, other = _sides(run, model.card, card, table, answer, mapping)
    _write(attempt, table, other, met, model.card)
    attempt.progress(0.92, "Computing the figures")
    judged = other.of((other.labels >= 0) & (met == ""))
    if not len(judged.labels):
        raise BadInput(f"No image of '{card.id}' is left to judge by.", "All were shown to the run while it learnt, or have no label.")
    # Balanced accuracy over other classes would be another figure: what one side lacks counts on neither.
    common = np.intersect1d(own.labels, judged.labels)
    if len(common) < 2:
        raise BadInput("Fewer than two classes are left that both data sets have.", "Choose a data set with images of both.")
    own, judged = (side.of(np.isin(side.labels, common)) for side in (own, judged))
    scores = [_scores(side, model.card) for side in (own, judged)]
    names = set(records.read_records(home)["subject"]) if home else set(own.table["subject"])
    found = External(
        run=run.id,
        data=card.id,
        run_data=model.card.data,
        mapping=mapping,
        unlabelled=int((other.labels < 0).sum()),
        own=scores[0],
        other=scores[1],
        compared=external.compared(*scores),
        shift=external.shift(own.distances, judged.distances, (own.codes, judged.codes), neighbours=distances.NEIGHBOURS),
        moved=_moved(home, dataset, own, judged) if home else (),
        prevalence=external.prevalence(model.card.class_names, (own.labels, judged.labels), (own.codes, judged.codes)),
        shared=Shared(
            same=int((met == SAME).sum()) if home else None,
            near=int((met == NEAR).sum()) if home else None,
            tested=tested,
            names=len((names & set(table["subject"])) - {""}),
        ),
        learnt_drawn=model.card.synthetic,
        judged_drawn=card.synthetic,
        own_trusted=Certificate.from_dict(fileio.read_json(run.certificate)).overlapping_subjects == 0,
    )
    attempt.write_json(attempt.paths.metrics, found.to_dict())


def _answered(attempt: Attempt, model: ServedModel, pixels: np.ndarray) -> Answer:
    """The run's answer to every image; what an earlier attempt wrote is not asked again."""
    with suppress(NotFound):
        table = store.predictions(attempt.paths)
        return Answer(table[[f"p_{name}" for name in model.card.class_names]].to_numpy(), np.asarray(store.embeddings(attempt.paths)))
    parts = []
    for start in range(0, len(pixels), _AT_ONCE):
        attempt.progress(0.02 + 0.38 * start / len(pixels), f"Answering for image {start:,} of {len(pixels):,}")
        parts.append(model.answer(np.asarray(pixels[start : start + _AT_ONCE])))
    answer = Answer(*(np.concatenate([getattr(one, name) for one in parts]) for name in ("probabilities", "embeddings")))
    with attempt.replacing(attempt.paths.embeddings) as aside, open(aside, "wb") as file:
        np.save(file, answer.embeddings.astype(np.float16))
    return answer


def _home(artifacts: Artifacts, run: JobPaths) -> DatasetPaths | None:
    """The data set that the run learnt from, None where it is gone or has changed."""
    params = spec.read(run).params
    paths = artifacts.dataset(params["data"])
    with suppress(NotFound):
        if records.read_card(paths).fingerprint == params["data_fingerprint"]:
            return paths
    return None


def _met(
    home: DatasetPaths | None, run: JobPaths, dataset: DatasetPaths, table: pd.DataFrame, progress: Progress
) -> tuple[np.ndarray, int | None]:
    """For each image of the other data set SAME, NEAR or '' (not shown to the run); and how many stand on the run's own test side."""
    met = np.full(len(table), "", dtype="<U4")
    if home is None:
        return met, None
    progress(0.0, "Looking for images that the run has met")
    own = records.read_records(home)
    sides = pd.read_parquet(run.split)["side"].to_numpy()
    trained = np.flatnonzero(np.isin(sides, _TRAINED))
    hashes = table["sha256"].to_numpy(str)
    pixels = np.concatenate([cache.opened(home)[trained], cache.opened(dataset)])
    groups = duplicates.found(pixels, [*own["sha256"].iloc[trained], *hashes], tick=progress).groups
    met[np.isin(groups[len(trained) :], groups[: len(trained)])] = NEAR
    met[np.isin(hashes, own["sha256"].to_numpy(str)[trained])] = SAME
    tested = np.isin(hashes, own["sha256"].to_numpy(str)[sides == "test"]) & (met == "")
    return met, int(tested.sum())


def _sides(
    run: JobPaths, card: ServedCard, theirs: DatasetCard, table: pd.DataFrame, answer: Answer, mapping: dict[str, str]
) -> tuple[_Side, _Side]:
    """The run's own test side, and all images of the other data set; -1 for a label that is in no figure."""
    index = {name: number for number, name in enumerate(card.class_names)}
    split = pd.read_parquet(run.split)
    kept = store.embeddings(run)
    rows = {side: np.flatnonzero(split["side"].to_numpy() == side) for side in ("train", "test")}
    told = store.predictions(run).set_index("image_id").loc[split["image_id"].iloc[rows["test"]]].reset_index()
    train, test, others = distances.scaled(card.features, kept[rows["train"]], kept[rows["test"]], answer.embeddings)
    own = _Side(
        told[["image_id", "subject", "label"]],
        told["label"].map(index).to_numpy(int),
        told[[f"p_{name}" for name in card.class_names]].to_numpy(),
        distances.nearest(train, test),
        known=bool((told["subject"] != "").all()),
    )
    labels = table["label"].map(mapping).map(index).fillna(-1).to_numpy(int)
    other = _Side(
        table[["image_id", "subject", "label"]], labels, answer.probabilities, distances.nearest(train, others), theirs.has_subjects
    )
    return own, other


def _write(attempt: Attempt, table: pd.DataFrame, other: _Side, met: np.ndarray, card: ServedCard) -> None:
    names = np.array([*card.class_names, ""])  # -1 is the last
    out = table[["image_id", "subject"]].assign(their_label=table["label"], label=names[other.labels], met=met, distance=other.distances)
    for index, name in enumerate(card.class_names):
        out[f"p_{name}"] = other.probabilities[:, index].astype(np.float32)
    with attempt.replacing(attempt.paths.predictions) as aside:
        out.to_parquet(aside)


def _scores(side: _Side, card: ServedCard) -> classification.Scores:
    return classification.evaluate(
        side.labels, side.probabilities, classes=card.class_names, positive=card.positive, subjects=side.subjects
    )


def _moved(home: DatasetPaths, dataset: DatasetPaths, own: _Side, other: _Side) -> tuple[external.Moved, ...]:
    found = [looks.of(paths).table.set_index("image_id").loc[side.table["image_id"]] for paths, side in ((home, own), (dataset, other))]
    return tuple(
        external.moved(name, *(one[name].to_numpy(float) for one in found), (own.labels, other.labels), (own.codes, other.codes))
        for name in looks.MEASURES
    )
