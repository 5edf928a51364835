"""A job of kind `robustness`: a finished run answers for its own test images again, disturbed in known ways and strengths."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts, DatasetPaths, JobPaths
from allcore.data import cache, records, strained
from allcore.inference import served
from allcore.metrics import intervals
from allcore.metrics import robustness as figures
from allcore.metrics.robustness import Answered, Robustness
from allcore.runs import spec, store
from allcore.runs.attempt import Attempt

_AT_ONCE = 256


def measure(attempt: Attempt) -> None:
    """Do the job: its folder then holds `metrics.json`."""
    artifacts = attempt.artifacts
    run = artifacts.run(attempt.spec.params["run"])
    attempt.progress(0.0, "Opening the data")
    dataset = home(artifacts, run)
    model = served.load(run)
    names, pixels = model.card.class_names, cache.opened(dataset, model.card.input_size)
    split = pd.read_parquet(run.split)
    rows = np.flatnonzero(split["side"].to_numpy() == "test")
    test = store.predictions(run).set_index("image_id").loc[split["image_id"].iloc[rows]]
    labels = test["label"].map({name: index for index, name in enumerate(names)}).to_numpy(int)
    plain = test[[f"p_{name}" for name in names]].to_numpy().argmax(axis=1)
    total = sum(len(kind.strengths) - 1 for kind in strained.KINDS.values()) * len(rows)
    done, found = 0, []
    for kind in strained.KINDS.values():
        said = np.tile(plain, (len(kind.strengths), 1))
        for start in range(0, len(rows), _AT_ONCE):  # images outside, strengths inside: pixels are read once a kind
            piece = np.asarray(pixels[rows[start : start + _AT_ONCE]])
            for place, strength in enumerate(kind.strengths):
                if strength == kind.none:
                    continue
                attempt.progress(0.01 + 0.97 * done / total, f"Answering under {kind.name} {strength:g}")
                said[place, start : start + len(piece)] = model.answer(kind.applied(piece, strength)).probabilities.argmax(axis=1)
                done += len(piece)
        found.append(Answered(kind.name, kind.strength, kind.none, kind.strengths, said))
    attempt.progress(0.98, "Computing the figures")
    codes = intervals.cluster_codes(test["subject"])
    told = Robustness(
        run=run.id,
        data=model.card.data,
        synthetic=model.card.synthetic,
        n=len(rows),
        subjects=None if codes is None else len(np.unique(codes)),
        classes=names,
        base=intervals.balanced_accuracy(labels, plain == labels, codes),
        curves=figures.curves(labels, plain, found, codes),
    )
    attempt.write_json(attempt.paths.metrics, told.to_dict())


def home(artifacts: Artifacts, run: JobPaths) -> DatasetPaths:
    """The data set of a run. Raises BadInput where it has changed, NotFound where it is gone."""
    params = spec.read(run).params
    dataset = artifacts.dataset(params["data"])
    if records.read_card(dataset).fingerprint != params["data_fingerprint"]:
        raise BadInput(f"Data set '{params['data']}' is no longer the one that '{run.id}' was tested on.", "Its test images are needed.")
    return dataset


def example(artifacts: Artifacts, run: JobPaths) -> np.ndarray:
    """A test image as the run sees it, uint8 (size, size, 3). Raises as `home`."""
    first = int(np.flatnonzero(pd.read_parquet(run.split)["side"].to_numpy() == "test")[0])
    return np.asarray(cache.opened(home(artifacts, run), served.read_card(run).input_size)[first])
