"""Which executor a runner works with, as its environment says."""

from __future__ import annotations

import os

from allcore.base.errors import AllcoreError
from allcore.base.paths import Artifacts
from allcore.jobs import cluster, slots
from allcore.jobs.cluster import ClusterSeen
from allcore.jobs.executors import Executor
from allcore.jobs.executors.local import LocalExecutor


def chosen(artifacts: Artifacts) -> Executor:
    """Dask's where ALLCORE_SCHEDULER names a scheduler, else this machine's own.

    Where the name, or a certificate, can't be used, nothing runs and `cluster.json` says why: a job that was meant for a cluster must not
    begin here.
    """
    try:
        scheduler = cluster.wanted()
        if scheduler is None:
            cluster.tell(artifacts, None)
            return LocalExecutor(artifacts, slots.found())
        from allcore.jobs.executors.dask import DaskExecutor  # 20 MB that nobody else needs

        return DaskExecutor(artifacts, scheduler)
    except AllcoreError as error:
        cluster.tell(artifacts, ClusterSeen(os.environ.get(cluster.VARIABLE, ""), str(error)))
        return LocalExecutor(artifacts, ())
