"""Pieces of an HTML page. Whatever comes in is text and goes out escaped; only what was made here is passed on as it is."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from typing import Any


class Html(str):
    """HTML that was made here, and so is not escaped again."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str) -> Html:
    """`element("p", "a < b", class_="quiet")`: `<p class="quiet">a &lt; b</p>`; an underscore within an attribute's name is a dash."""
    told = "".join(f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{told}>{joined(children)}</{name}>")


def joined(parts: Iterable[str]) -> Html:
    """Parts one after another, those that are text escaped."""
    return Html("".join(part if isinstance(part, Html) else html.escape(part) for part in parts))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str, numbers: Sequence[int] = ()) -> Html:
    """A table with its caption; `numbers`: columns that are aligned to the right."""

    def cells(name: str, row: Sequence[str]) -> Html:
        return joined(element(name, cell, **({"class_": "number"} if place in numbers else {})) for place, cell in enumerate(row))

    inside = joined(
        [
            element("caption", caption),
            element("thead", element("tr", cells("th", head))),
            element("tbody", *(element("tr", cells("td", row)) for row in rows)),
        ]
    )
    return element("div", element("table", inside), class_="wide")


def bullets(items: Iterable[str], **attributes: str) -> Html:
    """A list."""
    return element("ul", *(element("li", item) for item in items), **attributes)


def data(content: Any, *, id_: str) -> Html:
    """A JSON document for the page's script. No text in it can end the element that it stands in."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Html(f'<script type="application/json" id="{html.escape(id_)}">{text.replace("<", chr(92) + "u003c")}</script>')
