"""`allcore jobs`: everything in the background, and the runner."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from allcore.base import people
from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts, JobPaths
from allcore.cli import output
from allcore.jobs import acts, board, cluster, control, queue
from allcore.runs import place, status, store, trash


@click.group("jobs")
def group() -> None:
    """See what runs in the background, arrange what waits; start or stop the runner."""


@group.command("list")
@click.option("--active", is_flag=True, help="Only what runs or waits, in the order in which it begins.")
@output.json_option
def list_(active: bool, as_json: bool) -> None:
    """List all jobs of any kind, oldest first."""
    artifacts = Artifacts.locate()
    rows = board.rows(artifacts, ended=not active)
    if as_json:
        output.document({"jobs": [row.to_dict() for row in rows], "paused": queue.paused(artifacts) is not None})
        return
    table = [(row.job.id, row.job.spec.kind, row.job.state, f"{row.job.share:.0%}", row.job.owner, row.slot, row.doing) for row in rows]
    output.table(("job", "kind", "state", "done", "owner", "slot", "doing"), table)
    if queue.paused(artifacts):
        click.echo("The queue is paused: `jobs unpause` lets it move.")


@group.command("show")
@click.argument("job")
@output.json_option
def show(job: str, as_json: bool) -> None:
    """Show one JOB: its state and history, where it stands, and the end of its log."""
    artifacts = Artifacts.locate()
    row = board.row(artifacts, _paths(job))
    lines = board.last_lines(row.job)
    if as_json:
        history = row.job.status.to_dict()["history"]
        output.document({**row.to_dict(), "history": history, "log": lines})
        return
    click.echo(f"{row.job.id}: {row.job.state}" + (f". {row.doing}" if row.doing else ""))
    for step in row.job.status.history:
        click.echo(f"  {step.time}  {step.state}  attempt {step.attempt}  {step.reason}".rstrip())
    if lines:
        click.echo("Last lines of its log:")
        for line in lines:
            click.echo(f"  {line}")


def _act(name: str, sentence: str, help_: str) -> None:
    """A command that does `acts.NAME` to a job."""

    @group.command(name, help=help_)
    @click.argument("job")
    @output.json_option
    def command(job: str, as_json: bool) -> None:
        artifacts, paths = Artifacts.locate(), _paths(job)
        getattr(acts, name)(artifacts, paths, by=people.local())
        _told(artifacts, paths, sentence, as_json)


_act("cancel", "Asked it to stop.", "Stop a JOB. What it has done stays, and it can be resumed.")
_act("resume", "Queued again.", "Let a failed, cancelled or interrupted JOB go on from where it was.")
_act("requeue", "It waits again, behind the others.", "Let a JOB at work save and make room for others; one that has ended waits again.")


@group.command("move")
@click.argument("job")
@click.argument("where")
@output.json_option
def move(job: str, where: str, as_json: bool) -> None:
    """Move a waiting JOB: WHERE is first, up, down, last, or the id of a waiting job to stand before."""
    artifacts, paths = Artifacts.locate(), _paths(job)
    acts.move(artifacts, paths, where, by=people.local())
    _told(artifacts, paths, "Moved.", as_json)


@group.command("priority")
@click.argument("job")
@click.argument("priority", type=click.IntRange(place.LOWEST, place.HIGHEST))
@output.json_option
def priority_(job: str, priority: int, as_json: bool) -> None:
    """Give a waiting JOB a PRIORITY from -9 to 9; the higher begins first, and 0 is what a job has (write -- before a negative one)."""
    paths = _paths(job)
    acts.prioritise(paths, priority, by=people.local())
    _told(Artifacts.locate(), paths, f"Priority {priority}.", as_json)


@group.command("delete")
@click.argument("job")
@output.json_option
def delete(job: str, as_json: bool) -> None:
    """Move an ended JOB to the trash; `jobs restore` brings it back."""
    acts.delete(_paths(job), by=people.local())
    if as_json:
        output.document({"id": job, "deleted": True})
    else:
        click.echo(f"Deleted {job}. For {trash.days():g} days `jobs restore {job}` brings it back.")


@group.command("restore")
@click.argument("job")
@output.json_option
def restore(job: str, as_json: bool) -> None:
    """Bring a deleted JOB back."""
    artifacts = Artifacts.locate()
    _told(artifacts, acts.restore(artifacts, job, by=people.local()), "It is back.", as_json)


@group.command("trash")
@click.option("--empty", is_flag=True, help="Remove all of it for good.")
@output.json_option
def trash_(empty: bool, as_json: bool) -> None:
    """List deleted jobs and runs, the latest first."""
    artifacts = Artifacts.locate()
    if empty:
        gone = acts.purge(artifacts, by=people.local())
        output.document({"removed": gone}) if as_json else click.echo(f"Removed {gone} for good.")
        return
    found = trash.listed(artifacts)
    if as_json:
        output.document(
            {"trash": [{"id": one.id, "kind": one.kind, "owner": one.owner, "deleted": one.time, "by": one.by} for one in found]}
        )
    else:
        output.table(("job", "kind", "owner", "deleted"), [(one.id, one.kind, one.owner, one.time) for one in found])


@group.command("pause")
@output.json_option
def pause(as_json: bool) -> None:
    """Let nothing new begin. What is at work goes on."""
    acts.pause(Artifacts.locate(), by=people.local())
    output.document({"paused": True}) if as_json else click.echo("The queue is paused; `jobs unpause` lets it move.")


@group.command("unpause")
@output.json_option
def unpause(as_json: bool) -> None:
    """Let the queue move again."""
    acts.unpause(Artifacts.locate(), by=people.local())
    output.document({"paused": False}) if as_json else click.echo("The queue moves.")


@group.command("status")
@output.json_option
def status_(as_json: bool) -> None:
    """Say whether the runner is up, and what waits or runs. Starts it where jobs wait without one."""
    artifacts = Artifacts.locate()
    control.ensure_if_needed(artifacts)
    current = control.state(artifacts)
    states = [job.state for job in store.active(artifacts)]
    counts = {state: states.count(state) for state in status.ACTIVE if state in states}
    paused = queue.paused(artifacts) is not None
    if as_json:
        output.document({"running": current.running, "pid": current.pid, "paused": paused, "jobs": counts, **_places(artifacts, current)})
    else:
        found = cluster.seen(artifacts) if current.running else None
        click.echo(f"The runner is {'up' if current.running else 'not up'}. Jobs: {output.counts(counts)}.")
        if paused:
            click.echo("The queue is paused.")
        for line in (found.summary, *found.problems) if found else ():
            click.echo(line)


def _places(artifacts: Artifacts, runner: control.RunnerState) -> dict[str, Any]:
    """Who runs the jobs; None where no runner is up."""
    found = cluster.seen(artifacts) if runner.running else None
    executor = ("dask" if found else "local") if runner.running else None
    return {"executor": executor, "cluster": asdict(found) if found else None}


@group.command("start")
@output.json_option
def start(as_json: bool) -> None:
    """Start the runner, which takes up whatever is unfinished."""
    cluster.wanted()
    control.ensure(Artifacts.locate())
    output.document({"started": True}) if as_json else click.echo("The runner is on its way.")


@group.command("stop")
@output.json_option
def stop(as_json: bool) -> None:
    """Stop the runner. Jobs end at their last checkpoint and go on when it is next started."""
    stopped = control.stop(Artifacts.locate())
    if as_json:
        output.document({"stopped": stopped != control.NONE})
    else:
        click.echo("The runner has stopped; its jobs go on when it is next started." if stopped != control.NONE else "No runner was up.")


def _paths(job: str) -> JobPaths:
    paths = Artifacts.locate().job(job)
    if not paths.folder.exists():
        raise NotFound(f"There is no job '{job}'.", "`jobs list` shows what there is.")
    return paths


def _told(artifacts: Artifacts, paths: JobPaths, sentence: str, as_json: bool) -> None:
    told: dict[str, Any] = board.row(artifacts, paths).to_dict()
    output.document(told) if as_json else click.echo(f"{paths.id}: {sentence}")
