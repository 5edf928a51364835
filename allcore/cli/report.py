"""`allcore report` and `allcore track`: finished runs as an evidence pack, and on an MLflow server."""

from __future__ import annotations

from pathlib import Path

import click

from allcore.base import fileio
from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.cli import output
from allcore.reports import pack, tracking
from allcore.reports.words import counted, size


@click.command("report")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--out", type=click.Path(path_type=Path), default=None, show_default="RUN-evidence.zip", help="The zip file to write.")
@output.json_option
def command(runs: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Pack the evidence of each RUN, up to 8 of them, into one zip file.

    It holds a report that opens in any browser without a network, a model card, every number as CSV, settings, split certificate,
    the model as ONNX with a script that feeds it, and checksums. Several runs are compared, each with the first.
    """
    found = pack.gathered(Artifacts.locate(), runs)
    path = out or Path(pack.file_name([one.id for one in found]))
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", "Name a file: --out FILE.zip.")
    with fileio.replacing(path) as aside:
        packed = pack.write(found, aside)
    if as_json:
        told = {"path": str(path), "bytes": path.stat().st_size, "runs": [one.id for one in found], "files": pack.described(packed)}
        output.document(told)
        return
    click.echo(f"{path}: {counted(len(packed), 'file')}, {size(path.stat().st_size)}. Open {pack.REPORT} in a browser.")


@click.command("track")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--server", envvar=tracking.ADDRESS, default="", metavar="URI", help="The MLflow server; else MLFLOW_TRACKING_URI.")
@click.option("--experiment", default=None, show_default="the data set's name", help="The experiment that they are to stand in.")
@output.json_option
def track(runs: tuple[str, ...], server: str, experiment: str | None, as_json: bool) -> None:
    """Send each finished RUN to an MLflow server that you keep.

    Settings, figures with their limits, what each epoch said, and the evidence pack as artifacts. A run that stands there is not sent
    again. Needs `pip install mlflow-skinny`.
    """
    sent = []
    for one in tracking.send(pack.gathered(Artifacts.locate(), runs), server, experiment=experiment):
        sent.append(one)
        if not as_json:
            click.echo(tracking.told(one))
    if as_json:
        output.document({"server": tracking.shown(server), "runs": tracking.documents(sent)})
