"""`allcore app` and `allcore stop`: the pages in the browser."""

from __future__ import annotations

import socket
import sys

import click

from allcore import launch
from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.data import records
from allcore.jobs import cluster, control, demo


@click.command("app")
@click.option("--port", default=8501, show_default=True, help="Port on 127.0.0.1.")
def serve_command(port: int) -> None:
    """Serve the pages on this machine, and draw the demo data set where there is none."""
    artifacts = Artifacts.locate()
    cluster.wanted()  # a scheduler that must not be used is told at once
    sys.exit(launch.serve(artifacts, port=port, on_ready=lambda: prepare(artifacts)))


@click.command("serve")
@click.option("--port", default=8600, show_default=True, help="Port to listen on.")
@click.option("--host", default=launch.LOCAL, show_default=True, help="Address to listen on. It asks for no password.")
@click.option("--name", "names", multiple=True, help="A further host name to answer to, as a proxy sends it. Can be repeated.")
def endpoint_command(port: int, host: str, names: tuple[str, ...]) -> None:
    """Answer other programs over HTTP: /predict, /runs, /health, and /docs for people. Ctrl-C ends it."""
    import uvicorn

    from allcore import endpoint

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()  # who reads the line below may call at once
        except OSError as error:
            raise BadInput(f"{host}:{port} can't be had ({error.strerror}).", "Choose another with --port.") from error
        app = endpoint.application(Artifacts.locate(), hosts=(*endpoint.LOCAL, host, *names))
        click.echo(f"Answers on http://{host}:{listener.getsockname()[1]}, described on /docs. Ctrl-C ends it.")
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


@click.command("stop")
def stop_command() -> None:
    """End the web server and the runner. Trainings go on when they are next started."""
    sys.exit(launch.stop(Artifacts.locate()))


def prepare(artifacts: Artifacts) -> None:
    """Queue the demo data set in an empty laboratory, and take up what is unfinished."""
    if not records.all_cards(artifacts):
        demo.queue(artifacts)
    control.ensure_if_needed(artifacts)
