"""`python -m allcore`: the same verbs as the pages, without a browser."""

from __future__ import annotations

import sys

import click

from allcore import __version__
from allcore.base.errors import AllcoreError
from allcore.cli import app, beyond, data, explain, growth, jobs, leakage, models, predict, report, runs, study, train

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@click.group(context_settings=CONTEXT, no_args_is_help=True)
@click.version_option(__version__, prog_name="allcore")
def cli() -> None:
    """A laboratory for telling leukemic from healthy cells. For teaching and research, not for diagnosis.

    ALLCORE_ARTIFACTS names the folder that everything is kept in; without it, that is 'artifacts' beside the package.
    Exit codes: 0 done, 1 a run failed, 2 bad input.
    """


COMMANDS = (
    data.group,
    train.command,
    runs.group,
    jobs.group,
    study.group,
    models.group,
    predict.command,
    beyond.evaluate,
    beyond.robustness,
    leakage.command,
    growth.command,
    explain.command,
    report.command,
    report.track,
    app.serve_command,
    app.endpoint_command,
    app.stop_command,
)
for command in COMMANDS:
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run a command line; ends the process. Errors go to stderr in one or two plain lines."""
    try:
        code = cli.main(args=arguments, prog_name="allcore", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        code = 2
    except click.ClickException as error:
        click.echo(f"Error: {error.format_message()}", err=True)
        code = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        code = 130
    except AllcoreError as error:
        click.echo(f"Error: {error.message}", err=True)
        if error.hint:
            click.echo(error.hint, err=True)
        code = error.exit_code
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        click.echo(f"Error: {error.strerror or error}{where}.", err=True)
        click.echo("Check the disk and the folder that ALLCORE_ARTIFACTS names.", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
