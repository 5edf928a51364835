"""`allcore jobs`: everything in the background, and the runner."""

from __future__ import annotations

import click

from allcore.base.paths import Artifacts
from allcore.cli import output
from allcore.jobs import control
from allcore.runs import status, store


@click.group("jobs")
def group() -> None:
    """See what runs in the background; start or stop the runner."""


@group.command("list")
@output.json_option
def list_(as_json: bool) -> None:
    """List all jobs of any kind, oldest first."""
    found = store.jobs(Artifacts.locate())
    if as_json:
        entries = [
            {
                "id": job.id,
                "kind": job.spec.kind,
                "status": job.state,
                "reason": job.status.reason,
                "attempt": job.status.attempt,
                "share": job.share,
                "doing": job.beat.doing if job.beat else "",
                "created": job.spec.created,
                "seconds": job.seconds,
            }
            for job in found
        ]
        output.document({"jobs": entries})
    else:
        rows = [(job.id, job.spec.kind, job.state, f"{job.share:.0%}", job.beat.doing if job.beat else job.status.reason) for job in found]
        output.table(("job", "kind", "state", "done", "doing"), rows)


@group.command("status")
@output.json_option
def status_(as_json: bool) -> None:
    """Say whether the runner is up, and what waits or runs. Starts it where jobs wait without one."""
    artifacts = Artifacts.locate()
    control.ensure_if_needed(artifacts)
    current = control.state(artifacts)
    states = [job.state for job in store.active(artifacts)]
    counts = {state: states.count(state) for state in status.ACTIVE if state in states}
    if as_json:
        output.document({"running": current.running, "pid": current.pid, "jobs": counts})
    else:
        click.echo(f"The runner is {'up' if current.running else 'not up'}. Jobs: {output.counts(counts)}.")


@group.command("start")
@output.json_option
def start(as_json: bool) -> None:
    """Start the runner, which takes up whatever is unfinished."""
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
