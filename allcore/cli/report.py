"""`allcore report`: an evidence pack of finished runs."""

from __future__ import annotations

from pathlib import Path

import click

from allcore.base import fileio
from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts
from allcore.cli import output
from allcore.reports import pack
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
