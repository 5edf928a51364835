"""`python -m allcore.worker JOB_ID`: the one process that does a job, whoever started it."""

from __future__ import annotations

import argparse
import shutil
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from allcore.base import fileio, memory
from allcore.base.errors import AllcoreError, Cancelled, Conflict, Fenced, NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.checks import run as checks
from allcore.data import cellmap, importing, looks, records
from allcore.data.importers import Options
from allcore.data.phantom import PhantomSpec
from allcore.runs import attempt as attempts
from allcore.runs import spec, status
from allcore.runs.attempt import Attempt, Interrupted


def _train(attempt: Attempt) -> None:
    from allcore.training import run

    run.train(attempt)


def _phantom(attempt: Attempt) -> None:
    params = attempt.spec.params
    if not _made_before(attempt):
        drawing = PhantomSpec(**params["phantom"])
        importing.make_phantom(attempt.artifacts, params["name"], drawing, job=attempt.paths.id, progress=attempt.progress)
    looks.of(attempt.artifacts.dataset(params["name"]))
    attempt.become(status.FINISHING)


def _import(attempt: Attempt) -> None:
    params = attempt.spec.params
    if not _made_before(attempt):
        importing.import_folder(
            attempt.artifacts,
            attempt.paths.upload / params["upload"] if "upload" in params else Path(params["source"]),
            params["name"],
            layout=params["layout"],
            options=Options.from_params(params.get("options", {})),
            called=params.get("called", ""),
            job=attempt.paths.id,
            progress=attempt.progress,
        )
    looks.of(attempt.artifacts.dataset(params["name"]))
    shutil.rmtree(attempt.paths.upload, ignore_errors=True)
    attempt.become(status.FINISHING)


def _map(attempt: Attempt) -> None:
    cellmap.made(attempt.artifacts.dataset(attempt.spec.params["name"]), progress=attempt.progress)
    attempt.become(status.FINISHING)


def _check(attempt: Attempt) -> None:
    checks.check(attempt.artifacts, attempt.spec.params["name"], progress=attempt.progress)
    attempt.become(status.FINISHING)


def _leakage(attempt: Attempt) -> None:
    from allcore.training import leakage

    leakage.measure(attempt)
    attempt.become(status.FINISHING)


def _growth(attempt: Attempt) -> None:
    from allcore.training import growth

    growth.measure(attempt)
    attempt.become(status.FINISHING)


def _evaluate(attempt: Attempt) -> None:
    from allcore.inference import external

    external.evaluate(attempt)
    attempt.become(status.FINISHING)


def _robustness(attempt: Attempt) -> None:
    from allcore.inference import robustness

    robustness.measure(attempt)
    attempt.become(status.FINISHING)


def _made_before(attempt: Attempt) -> bool:
    """Whether an earlier attempt made the data set and died before it could say so."""
    try:
        card = records.read_card(attempt.artifacts.dataset(attempt.spec.params["name"]))
    except NotFound:
        return False
    return card.job == attempt.paths.id


_KINDS: dict[str, Callable[[Attempt], None]] = {
    spec.TRAIN: _train,
    spec.PHANTOM: _phantom,
    spec.IMPORT: _import,
    spec.MAP: _map,
    spec.CHECK: _check,
    spec.LEAKAGE: _leakage,
    spec.LEAKAGE_NETWORK: _leakage,
    spec.EVALUATE: _evaluate,
    spec.ROBUSTNESS: _robustness,
    spec.GROWTH: _growth,
}


def work(artifacts: Artifacts, paths: JobPaths, number: int, *, parent: int | None = None) -> int:
    """Do a job as its attempt `number` and write how it ended; the process's exit code.

    0 where the job's end, whatever it was, is written; 3 where this process had no right to the job.
    """
    try:
        with attempts.held(artifacts, paths, number, parent=parent) as attempt:
            try:
                attempt.become(status.RUNNING)
            except Conflict as error:  # the runner gave this attempt up while it came up
                raise Fenced(error.message) from None
            try:
                _KINDS[attempt.spec.kind](attempt)
                attempt.become(status.DONE)
            except Fenced:
                raise
            except Cancelled as error:
                attempt.become(status.CANCELLED, str(error))
            except Interrupted as error:
                attempt.become(status.INTERRUPTED, str(error))
            except AllcoreError as error:
                attempt.become(status.FAILED, str(error))
            except Exception as error:
                attempt.free_reserve()
                with suppress(OSError):  # the log may lie on the full disk
                    traceback.print_exc()
                attempt.become(status.FAILED, _told(error))
    except (Fenced, NotFound) as error:
        print(error, file=sys.stderr)
        return 3
    return 0


def _told(error: Exception) -> str:
    """What went wrong, and what to do, in one line; the log has the whole of it."""
    if memory.ran_out(error):
        return "The memory did not suffice. Try a smaller batch or input size, or let fewer jobs run at once."
    if fileio.is_full(error):
        return "The disk is full. Make room (emptying the trash may), then resume it: it goes on from its last checkpoint."
    if isinstance(error, OSError):
        return f"A file could not be read or written: {error.strerror or error}."
    return f"An unforeseen error ({type(error).__name__}); the log tells more."


def main(arguments: list[str] | None = None) -> int:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m allcore.worker", description="Do one job. The runner starts this.")
    parser.add_argument("job", help="the job's id")
    parser.add_argument("--attempt", type=int, required=True, help="the attempt's number, as the job's status has it")
    parser.add_argument("--parent", type=int, default=None, help="process id without which this one ends")
    given = parser.parse_args(arguments)
    artifacts = Artifacts.locate()
    return work(artifacts, artifacts.job(given.job), given.attempt, parent=given.parent)


if __name__ == "__main__":
    sys.exit(main())
