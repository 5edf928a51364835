"""Everything that is reported of a finished run, read from its folder and computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allcore.base import fileio
from allcore.base.errors import AllcoreError, BadInput, NotFound
from allcore.base.paths import Artifacts
from allcore.data import records
from allcore.data.records import DatasetCard
from allcore.data.splits import Certificate
from allcore.inference import served
from allcore.inference.served import ServedCard
from allcore.metrics import bands, calibration, classification, intervals, operating, thresholds
from allcore.metrics import patients as of_patients
from allcore.metrics.bands import Band, PrecisionRecall
from allcore.metrics.calibration import Calibration
from allcore.metrics.operating import Figure
from allcore.metrics.patients import Patients
from allcore.metrics.scores import ConstantScores, OperatingPoint, Scores
from allcore.metrics.thresholds import Chosen
from allcore.models import registry
from allcore.models.spec import ModelCard, Preset
from allcore.runs import events, status, store
from allcore.runs import threshold as kept
from allcore.runs.spec import TrainSpec
from allcore.runs.store import Job

MOST_RUNS = 8
"""So many runs at most stand in one report."""
TEST, CALIBRATE = "test", "calibrate"


@dataclass(frozen=True)
class Binary:
    """What exists for two classes only: the test side at the threshold that new pictures are judged by, and its curves."""

    threshold: float
    chosen: Chosen | None
    """How the threshold was chosen; None: nobody chose, so 0.5 holds."""
    point: OperatingPoint
    figures: tuple[Figure, ...]
    roc_band: Band
    precision: PrecisionRecall | None
    precision_band: Band
    reliability: Mapping[str, Calibration]
    mending: tuple[str, ...]
    """What was and wasn't mended on the calibrate part, in sentences."""
    patients: Patients | None

    @property
    def optimistic(self) -> bool:
        """Whether the threshold was chosen on the very images that are judged."""
        return self.chosen is not None and self.chosen.optimistic


@dataclass(frozen=True)
class Evidence:
    """One finished run, whole."""

    job: Job
    plan: TrainSpec
    served: ServedCard
    model: ModelCard | None
    """None for a model of another version of this software."""
    data: DatasetCard | None
    """None where the data set is gone, or is no longer the one that was trained on."""
    scores: Scores
    constant: ConstantScores
    certificate: Certificate
    training: Mapping[str, Any]
    parity: Mapping[str, Any]
    environment: Mapping[str, Any]
    history: pd.DataFrame
    predictions: pd.DataFrame
    """Of all sides that were not trained on."""
    binary: Binary | None

    @property
    def id(self) -> str:
        return self.job.id

    @property
    def model_name(self) -> str:
        return self.model.name if self.model else self.plan.model

    @property
    def name(self) -> str:
        """`Random forest 6b95`: a run among others."""
        return f"{self.model_name} {self.id.rsplit('-', 1)[-1]}"

    @property
    def synthetic(self) -> bool:
        """Trained on drawn cells."""
        return self.served.synthetic

    @property
    def negative(self) -> str:
        """Of two classes the one that is not positive."""
        return next(name for name in self.scores.classes if name != self.scores.positive)

    @property
    def preset(self) -> Preset | None:
        """None where the model's card does not know it."""
        return next((one for one in self.model.presets if one.id == self.plan.preset), None) if self.model else None

    @property
    def settings(self) -> list[tuple[str, str]]:
        """Every knob as the form calls it, with its value."""
        labels = {knob.name: knob.label for knob in self.model.knobs} if self.model else {}
        return [(labels.get(name, name), _told(value)) for name, value in self.plan.settings.items()]

    @property
    def threshold(self) -> float:
        """From which an image is called positive; without meaning for more than two classes."""
        return self.binary.threshold if self.binary else thresholds.DEFAULT

    def predictions_of(self, name: str) -> pd.DataFrame:
        """Predictions of one side."""
        return self.predictions[self.predictions["side"] == name].reset_index(drop=True)

    @property
    def confusion(self) -> Sequence[Sequence[int]]:
        """Counts by true and called class, in the order of the classes; of two classes at the threshold in use."""
        if self.binary is None:
            return self.scores.confusion
        index, point = self.scores.classes.index(self.scores.positive), self.binary.point
        counts = np.zeros((2, 2), int)
        counts[index, index], counts[index, 1 - index] = point.tp, point.fn
        counts[1 - index, index], counts[1 - index, 1 - index] = point.fp, point.tn
        return counts.tolist()

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The figures of the test side with intervals; of two classes at the threshold in use."""
        return self.binary.figures if self.binary else _several(self.scores, self.constant)


def of(artifacts: Artifacts, run: str) -> Evidence:
    """All that there is of a finished run. Raises NotFound where there is no such run, BadInput where it has not finished."""
    paths = artifacts.run(run)
    if not paths.folder.exists():
        raise NotFound(f"There is no run '{run}'.", "`runs list` shows what there is.")
    job = store.read(paths)
    if job.state != status.DONE or not job.metrics:
        raise BadInput(f"Run '{run}' is {job.state}: it has no results to report.", "Wait until it is done, or choose another run.")
    plan = TrainSpec.from_params(job.spec.params)
    scores = Scores.from_dict(job.metrics["test"])
    constant = ConstantScores.from_dict(job.metrics["constant"])
    table = store.predictions(paths)
    return Evidence(
        job=job,
        plan=plan,
        served=served.read_card(paths),
        model=_model(plan.model),
        data=_data(artifacts, plan),
        scores=scores,
        constant=constant,
        certificate=Certificate.from_dict(fileio.read_json(paths.certificate)),
        training=job.metrics["training"],
        parity=job.metrics["onnx_parity"],
        environment=fileio.read_json(paths.environment),
        history=events.epochs(events.read(paths)),
        predictions=table,
        binary=_binary(table, scores, constant, kept.read(paths)) if len(scores.classes) == 2 else None,
    )


def side(table: pd.DataFrame, scores: Scores, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Truth (n,) bool, probability of the positive class (n,) and patients (n,) or None, of one side of a run's predictions."""
    mine = table[table["side"] == name]
    subjects = mine["subject"].to_numpy() if scores.subjects else None
    return (mine["label"] == scores.positive).to_numpy(), mine[f"p_{scores.positive}"].to_numpy(), subjects


def _binary(table: pd.DataFrame, scores: Scores, constant: ConstantScores, chosen: Chosen | None) -> Binary:
    threshold = chosen.threshold if chosen else thresholds.DEFAULT
    truth, p, subjects = side(table, scores, TEST)
    codes = intervals.cluster_codes(subjects)
    precision = bands.precision_recall(truth, p, codes)
    reliability, said = calibration.mended((truth, p, subjects), side(table, scores, CALIBRATE))
    return Binary(
        threshold=threshold,
        chosen=chosen,
        point=classification.at_threshold(truth, p, threshold),
        figures=(
            *operating.beside_constant(
                operating.figures(truth, p, subjects, threshold=threshold, positive=scores.positive),
                constant,
                positive=scores.positive,
                prevalence=float(truth.mean()),
            ),
            Figure("AUROC", scores.intervals["auroc"], f"area under the ROC curve of {scores.positive}", constant.auroc),
            *(
                [Figure("average precision", precision.average, "area under the precision-recall curve", precision.prevalence)]
                if precision
                else []
            ),
            *_plain(scores, reliability["as it comes"].ece),
        ),
        roc_band=bands.roc_band(truth, p, codes),
        precision=precision,
        precision_band=bands.precision_band(truth, p, codes),
        reliability=reliability,
        mending=said,
        patients=None if codes is None else of_patients.evaluate(truth, p, subjects=subjects, threshold=threshold),
    )


def _several(scores: Scores, constant: ConstantScores) -> tuple[Figure, ...]:
    """Of any number of classes, at the most probable one."""
    known = [
        ("balanced accuracy", "balanced_accuracy", "the mean of the classes' recalls", constant.balanced_accuracy),
        ("weighted F1", "weighted_f1", "F1 of the classes, weighted by their images", constant.weighted_f1),
        ("accuracy", "accuracy", "share of images called rightly", constant.accuracy),
        ("AUROC", "auroc", f"area under the ROC curve of {scores.positive} against the rest", constant.auroc),
    ]
    found = [Figure(name, scores.intervals[key], about, floor) for name, key, about, floor in known if key in scores.intervals]
    macro = intervals.Interval(scores.auroc_macro, n=scores.n, clusters=scores.subjects, note=operating.NO_INTERVAL)
    return (*found, Figure("AUROC, macro", macro, "the plain mean over the classes", constant.auroc), *_plain(scores, None))


def _plain(scores: Scores, ece: float | None) -> list[Figure]:
    """Figures of the probabilities, which have no interval here."""
    values = [
        ("Brier score", scores.brier, "mean squared distance of probability and truth; 0 is perfect"),
        ("log loss", scores.log_loss, "in nats; 0 is perfect"),
        ("calibration error", ece, "mean distance of what was said and what came true (ECE)"),
    ]
    return [
        Figure(name, intervals.Interval(value, n=scores.n, clusters=scores.subjects, note=operating.NO_INTERVAL), about)
        for name, value, about in values
        if value is not None
    ]


def _model(model: str) -> ModelCard | None:
    try:
        return registry.card(model)
    except NotFound:
        return None


def _data(artifacts: Artifacts, plan: TrainSpec) -> DatasetCard | None:
    with suppress(AllcoreError):  # deleted or damaged: the run stands without it
        card = records.read_card(artifacts.dataset(plan.data))
        return card if card.fingerprint == plan.data_fingerprint else None
    return None


def _told(value: Any) -> str:
    return ("off", "on")[value] if isinstance(value, bool) else str(value)
