"""Jobs about a finished run: on another laboratory's data, and under strain."""

from __future__ import annotations

from collections.abc import Mapping

from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts, JobPaths
from allcore.data import matching, records
from allcore.inference import robustness, served
from allcore.jobs import submit
from allcore.runs import spec
from allcore.runs.spec import Tags


def evaluating(
    artifacts: Artifacts, run: str, data: str, *, mapping: Mapping[str, str] | None = None, tags: Tags | None = None
) -> JobPaths:
    """Queue the judging of `run` by all images of data set `data`; `mapping` says of classes with other names which of the run's they are.

    Raises BadInput (NotFound for a name) where it is the run's own data set, or the classes do not match.
    """
    paths = artifacts.run(run)
    card, theirs = served.read_card(paths), records.read_card(artifacts.dataset(data))
    if theirs.fingerprint == spec.read(paths).params["data_fingerprint"]:
        raise BadInput(f"'{data}' is what {run} learnt from.", "Its own test side is under Results; choose another laboratory's data.")
    matching.matched(theirs.class_names, card.class_names, mapping or {})
    params = {
        "name": f"{run} on {data}",
        "run": run,
        "data": data,
        "data_fingerprint": theirs.fingerprint,
        "mapping": dict(mapping or {}),
    }
    return submit.queued(artifacts, spec.EVALUATE, params, name=f"evaluate-{data}", tags=tags)


def straining(artifacts: Artifacts, run: str, *, tags: Tags | None = None) -> JobPaths:
    """Queue the disturbing of a finished run's test images.

    Raises NotFound or BadInput where the run or its data set is not there as it was.
    """
    paths = artifacts.run(run)
    served.read_card(paths)
    robustness.home(artifacts, paths)
    return submit.queued(artifacts, spec.ROBUSTNESS, {"name": run, "run": run}, name="robustness", tags=tags)
