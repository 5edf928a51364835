"""How every verb speaks: one JSON document with --json, short lines without."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from allcore.base.fileio import SCHEMA_VERSION

json_option: Callable = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


def document(content: dict[str, Any]) -> None:
    """Print a JSON document, with its `schema_version`."""
    click.echo(json.dumps({"schema_version": SCHEMA_VERSION, **content}, ensure_ascii=False, allow_nan=False))


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print columns, each as wide as it needs."""
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def counts(found: dict[str, int]) -> str:
    """`healthy 45, leukemia 61`"""
    return ", ".join(f"{name} {count:,}" for name, count in found.items()) or "none"
