"""Every word of the command line has its help, and docs/cli.md is what the help says."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from allcore.cli import cli, reference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
COMMANDS = list(reference.commands(cli))
# The two that open and close the page: what they say is for the person who sits before it.
WITHOUT_DOCUMENT = {("allcore", "app"), ("allcore", "serve"), ("allcore", "stop")}

every_command = pytest.mark.parametrize(("names", "command"), COMMANDS, ids=[" ".join(names) for names, _ in COMMANDS])


def test_the_page_is_in_step_with_the_help():
    assert PAGE.read_text(encoding="utf-8") == reference.rendered(), "run: python -m allcore.cli.reference > docs/cli.md"


def test_the_verbs_are_all_there():
    verbs = {" ".join(names[1:]) for names, command in COMMANDS if not isinstance(command, click.Group)}
    assert verbs >= {
        *(f"data {verb}" for verb in ("phantom", "import", "list", "show", "delete")),
        "train",
        *(f"runs {verb}" for verb in ("list", "show", "cancel", "resume", "finish", "delete")),
        *(f"jobs {verb}" for verb in ("list", "status", "start", "stop")),
        "models list",
        "models show",
        "predict",
    }


@every_command
def test_a_command_says_what_it_does(names: tuple[str, ...], command: click.Command):
    assert command.help
    first = command.help.strip().splitlines()[0]
    assert first[0].isupper()
    assert "." in command.help


@every_command
def test_an_option_says_what_it_does(names: tuple[str, ...], command: click.Command):
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.help.endswith("."), parameter.name
        else:
            assert parameter.make_metavar(click.Context(command)).strip("[]. ") in command.help, parameter.name


@every_command
def test_a_verb_can_speak_json(names: tuple[str, ...], command: click.Command):
    if isinstance(command, click.Group) or names in WITHOUT_DOCUMENT:
        return
    assert any("--json" in parameter.opts for parameter in command.params)
