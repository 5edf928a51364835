"""`allcore app` and `allcore stop`: the pages in the browser."""

from __future__ import annotations

import sys

import click

from allcore import launch
from allcore.base.paths import Artifacts
from allcore.data import records
from allcore.jobs import control, demo


@click.command("app")
@click.option("--port", default=8501, show_default=True, help="Port on 127.0.0.1.")
def serve_command(port: int) -> None:
    """Serve the pages on this machine, and draw the demo data set where there is none."""
    artifacts = Artifacts.locate()
    sys.exit(launch.serve(artifacts, port=port, on_ready=lambda: prepare(artifacts)))


@click.command("stop")
def stop_command() -> None:
    """End the web server and the runner. Trainings go on when they are next started."""
    sys.exit(launch.stop(Artifacts.locate()))


def prepare(artifacts: Artifacts) -> None:
    """Queue the demo data set in an empty laboratory, and take up what is unfinished."""
    if not records.all_cards(artifacts):
        demo.queue(artifacts)
    control.ensure_if_needed(artifacts)
