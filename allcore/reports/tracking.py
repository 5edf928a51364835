"""Finished runs sent to an MLflow server, for those who keep one: settings, figures, curves, and the evidence pack as artifacts.

Needs MLflow's own client (`pip install mlflow-skinny`), which is imported here alone and only when something is sent.
"""

from __future__ import annotations

import importlib.util
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from allcore.base.errors import AllcoreError, BadInput
from allcore.metrics import text
from allcore.reports import modelcard, pack
from allcore.reports.evidence import Evidence
from allcore.runs import status

ADDRESS = "MLFLOW_TRACKING_URI"
"""MLflow's own variable for where its server is."""
RUN = "allcore.run"
"""The tag by which a run is known again on the server."""
_MANNERS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
"""What the client is told unless somebody said otherwise: with its own seven tries, each waiting twice as long, nobody would hear for
minutes that the server is down; and it would print into the one document of `--json`."""
_BATCH = {"metrics": 1000, "params": 100, "tags": 100}
"""What the server takes at once; together no more than 1,000."""
_LONGEST = {"params": 6000, "tags": 8000, "key": 250}


@dataclass(frozen=True)
class Sent:
    """Where a run stands on the server."""

    run: str
    mlflow_run: str
    experiment: str
    already: bool
    """It stood there before, and nothing was sent."""


@dataclass(frozen=True)
class Figure:
    """A number of a run: at an epoch, or at its end (step 0). `moment`: milliseconds since 1970."""

    key: str
    value: float
    step: int
    moment: int


def configured() -> str | None:
    """The server that this process was told of by MLFLOW_TRACKING_URI, where the client is installed too; None otherwise."""
    address = os.environ.get(ADDRESS, "").strip()
    return address if address and importlib.util.find_spec("mlflow") else None


def shown(address: str) -> str:
    """An address without the name and password that may stand in it."""
    parts = urlsplit(address)
    return address if "@" not in parts.netloc else parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def send(runs: Sequence[Evidence], address: str, *, experiment: str | None = None) -> Iterator[Sent]:
    """Send runs to the MLflow server at `address`, one after another; a run that stands there already is left alone.

    `experiment`: None is one called after the run's data set. Raises BadInput where the client is missing or the address is no address,
    AllcoreError where the server does not take a run; on the server that one is then marked as failed.
    """
    if not address.strip():
        raise BadInput("It is not said where the MLflow server is.", f"Name it: --server http://HOST:5000, or set {ADDRESS}.")
    for name, value in _MANNERS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError:
        raise BadInput("MLflow's client is not installed here.", "`pip install mlflow-skinny` brings it.") from None
    try:
        client = MlflowClient(tracking_uri=address)
        for one in runs:
            yield _sent(client, one, experiment or one.plan.data)
    except (MlflowException, OSError) as error:
        first = " ".join(str(error).splitlines()[:1])[:300].replace(address, shown(address))
        raise AllcoreError(f"The MLflow server at {shown(address)} did not take it: {first}", "See that it is up; try again.") from error


def _sent(client: Any, one: Evidence, experiment: str) -> Sent:
    from mlflow.entities import Metric, Param, RunTag

    known = client.get_experiment_by_name(experiment)
    place = client.create_experiment(experiment) if known is None else known.experiment_id
    before = client.search_runs([place], f"tags.`{RUN}` = '{one.id}' and attributes.status = 'FINISHED'", max_results=1)
    if before:
        return Sent(one.id, before[0].info.run_id, experiment, already=True)
    moments = {change.state: _milliseconds(change.time) for change in one.job.status.history}
    made = client.create_run(place, start_time=moments.get(status.RUNNING, min(moments.values())), run_name=one.name, tags={RUN: one.id})
    id_ = made.info.run_id
    try:
        content = {
            "metrics": [Metric(each.key, each.value, each.moment, each.step) for each in figures(one)],
            "params": [Param(key, value) for key, value in params(one).items()],
            "tags": [RunTag(key, value) for key, value in tags(one).items()],
        }
        for kind, entries in content.items():
            for start in range(0, len(entries), _BATCH[kind]):
                client.log_batch(id_, **{kind: entries[start : start + _BATCH[kind]]})
        with tempfile.TemporaryDirectory() as folder:
            client.log_artifacts(id_, str(_unpacked(one, Path(folder))))
        client.set_terminated(id_, "FINISHED", moments[status.DONE])
    except BaseException:
        client.set_terminated(id_, "FAILED")
        raise
    return Sent(one.id, id_, experiment, already=False)


def params(one: Evidence) -> dict[str, str]:
    """How the run was asked for."""
    split = {f"split.{name}": value for name, value in one.job.spec.params["split"].items()}
    asked = {"model": one.plan.model, "preset": one.plan.preset, "data": one.plan.data, **split, **one.plan.settings}
    return {key(name): str(value)[: _LONGEST["params"]] for name, value in asked.items()}


def tags(one: Evidence) -> dict[str, str]:
    """What must be known beside the figures; the model card as the note that MLflow shows on a run's page."""
    told = {
        "allcore.verdict": one.certificate.verdict(),
        "allcore.certificate": one.certificate.hash,
        "allcore.data_fingerprint": one.plan.data_fingerprint,
        "allcore.synthetic": str(one.synthetic).lower(),
        "allcore.purpose": text.NOT_FOR_DIAGNOSIS,
        "mlflow.source.git.commit": one.environment.get("commit") or "",
        "mlflow.note.content": _whole_lines(modelcard.written(one), _LONGEST["tags"]),
    }
    return {name: value[: _LONGEST["tags"]] for name, value in told.items() if value}


def figures(one: Evidence) -> list[Figure]:
    """Figures of the test side, their limits as `NAME.low` and `NAME.high`; by class; and what each epoch said."""
    found: list[Figure] = []
    ended = _milliseconds(one.job.status.since)

    def add(name: str, value: Any, step: int = 0, moment: int = ended) -> None:
        if value is not None and not pd.isna(value):
            found.append(Figure(key(name), float(value), step, moment))

    for each in one.figures:
        name = f"test/{each.name.partition(' at ')[0]}"
        for suffix, value in (("", each.interval.estimate), (".low", each.interval.low), (".high", each.interval.high)):
            add(name + suffix, value)
        add(f"constant/{each.name.partition(' at ')[0]}", each.constant)
    for number, each in enumerate(one.scores.by_class):
        for name in ("precision", "recall", "f1", "auroc"):
            # With its number: names from outside may be told apart by letters that MLflow does not take.
            add(f"test/{name}/{number} {each.name.replace('/', ' ')}", getattr(each, name))
    if one.binary is not None:
        add("test/threshold", one.binary.threshold)
    for name in ("parameters", "epochs", "seconds", "model_bytes"):
        add(f"training/{name}", one.training.get(name))
    for row in one.history.to_dict("records"):
        for name, value in row.items():
            if isinstance(value, int | float) and name not in ("epoch", "epochs", "attempt"):
                add(f"epoch/{name}", value, int(row["epoch"]), _milliseconds(row["time"]))
    return found


def key(name: str) -> str:
    """A name as MLflow takes it: letters, digits and `_ - . /`; whatever else becomes an underscore."""
    return re.sub(r"[^\w\-./]+", "_", name, flags=re.ASCII)[: _LONGEST["key"]]


def _unpacked(one: Evidence, folder: Path) -> Path:
    """The evidence pack as files, the way that MLflow shows them."""
    zipped, inside = folder / "pack.zip", folder / "pack"
    pack.write([one], zipped)
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(inside)
    return inside


def _whole_lines(text: str, most: int) -> str:
    """As many lines as fit."""
    return text if len(text) <= most else text[:most].rpartition("\n")[0]


def _milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def told(sent: Sent) -> str:
    """A line on where a run stands now."""
    return f"{sent.run}: {'was there already' if sent.already else 'sent'}, run {sent.mlflow_run} of experiment '{sent.experiment}'."


def documents(sent: Sequence[Sent]) -> list[Mapping[str, Any]]:
    """For `--json`."""
    return [vars(one) for one in sent]
