"""Staying until a job has ended."""

from __future__ import annotations

import time

import click

from allcore.base.paths import Artifacts, JobPaths
from allcore.jobs import control, queue
from allcore.runs import status, store


def until_ended(artifacts: Artifacts, paths: JobPaths, *, quiet: bool, goes_on: str) -> None:
    """Until the job has ended; how it stands goes to stderr, where `quiet` only that the queue is paused.

    Ctrl-C ends the waiting alone, and tells that it `goes_on`.
    """
    told = ""
    try:
        while (job := store.read(paths)).status.state not in status.ENDED:
            control.ensure(artifacts)
            paused = job.state == status.QUEUED and queue.paused(artifacts)
            doing = "The queue is paused: `jobs unpause` lets it move." if paused else job.beat.doing if job.beat else ""
            line = f"{job.state} {job.share:.0%} {doing}".strip()
            if line != told and (paused or not quiet):  # who waits for a pause to end, waits for ever
                click.echo(line, err=True)
            told = line
            time.sleep(0.25)
    except KeyboardInterrupt:
        click.echo(goes_on, err=True)
        raise
