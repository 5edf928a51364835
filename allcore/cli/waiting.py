"""Staying until a job has ended."""

from __future__ import annotations

import time

import click

from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs import control
from allcore.runs import status, store


def until_ended(artifacts: Artifacts, paths: JobPaths, *, quiet: bool, goes_on: str) -> None:
    """Until the job has ended; how it stands goes to stderr unless `quiet`. Ctrl-C ends the waiting alone, and tells that it `goes_on`."""
    told = ""
    try:
        while (job := store.read(paths)).status.state not in status.ENDED:
            control.ensure(artifacts)
            line = f"{job.state} {job.share:.0%} {job.beat.doing if job.beat else ''}".strip()
            if not quiet and line != told:
                click.echo(line, err=True)
                told = line
            time.sleep(0.25)
    except KeyboardInterrupt:
        click.echo(goes_on, err=True)
        raise
