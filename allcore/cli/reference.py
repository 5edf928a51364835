"""`python -m allcore.cli.reference > docs/cli.md`: the command line's documentation, from its own help."""

from __future__ import annotations

from collections.abc import Iterator

import click

from allcore.cli import CONTEXT, cli

_HEAD = """# The command line

The same verbs as the pages, without a browser. This file is made from `--help` by `python -m allcore.cli.reference > docs/cli.md`.

- With `--json` a verb prints one JSON document on standard output and nothing else; every document has `schema_version`.
- Exit codes: 0 done; 1 a run failed; 2 bad input. `predict` also ends with 2 where any file got no answer.
- Errors stand on standard error, in one or two lines: what is wrong, and what to do.
- Names and ids match `^[a-z0-9][a-z0-9-]*$`. `ALLCORE_ARTIFACTS` names another artifacts folder.
"""
_WIDTH = 100


def commands(group: click.Group, names: tuple[str, ...] = ("allcore",)) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below `group`, groups before what they hold, each with the words that call it."""
    yield names, group
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*names, name))
        else:
            yield (*names, name), command


def rendered() -> str:
    """The whole page, Markdown."""
    parts = [_HEAD]
    for names, command in commands(cli):
        context = click.Context(command, info_name=" ".join(names), **{**CONTEXT, "terminal_width": _WIDTH, "max_content_width": _WIDTH})
        parts.append(f"{'#' * (2 if len(names) < 3 else 3)} {' '.join(names)}\n\n```text\n{command.get_help(context).rstrip()}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    click.echo(rendered(), nl=False)
