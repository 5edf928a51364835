"""What a model said of many pictures, as a table and as a sheet to keep or print: one HTML file that needs nothing else."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from allcore.base import clock
from allcore.inference import kinds
from allcore.inference.answers import Adviser
from allcore.inference.uploads import Classified, Counted, Found, Refused
from allcore.inference.worth import Worth
from allcore.metrics import text

NOT_JUDGED = "not judged"
"""The answer for a picture unlike all that the model was trained on."""
NO_CELL = "no white cell"
"""The answer for a field without any."""
BY_HAND = "Corrected by hand."
"""The note of what a person has corrected."""


@dataclass(frozen=True)
class Row:
    """One file: the answer or the refusal, and the picture itself, small; of a field a row for each cell stands in `cells`."""

    found: Found | Refused
    picture: str | None
    """Data URI."""
    number: int | None = None
    """Of a cell in a field."""
    box: tuple[int, int, int, int] | None = None
    """About the cell in the picture, as `fields.FieldCell.box`; None where the picture was judged as it is."""
    cells: tuple[Row, ...] = ()
    by_hand: bool = False
    """Whether a person has corrected what the picture shows, or where its cells are."""

    @classmethod
    def of(cls, found: Found | Refused, picture: str | None, drawn: Callable[[np.ndarray], str], *, by_hand: bool = False) -> Row:
        """Of a file's answer, without what is large in it; `drawn` makes a data URI of a uint8 picture (size, size, 3)."""
        if isinstance(found, Refused):
            return cls(found, picture, by_hand=by_hand)
        if isinstance(found, Classified):
            return cls(replace(found, cut=None), picture, box=found.cut and found.cut.cell.box, by_hand=by_hand)
        cells = tuple(
            cls(replace(one, cut=None), drawn(one.cut.shown), one.cut.cell.number, one.cut.cell.box, by_hand=by_hand) for one in found.cells
        )
        return cls(replace(found, field=None, cells=()), picture, cells=cells, by_hand=by_hand)

    def lines(self) -> Iterator[Row]:
        """The file itself, or each of its cells."""
        yield from self.cells or (self,)


def lines(rows: Sequence[Row]) -> list[Row]:
    """As the table has them."""
    return [line for row in rows for line in row.lines()]


def row_of(rows: Sequence[Row], line: int) -> int:
    """The number of the file that a line of the table is of."""
    return [number for number, row in enumerate(rows) for _ in row.lines()][line]


def table(rows: Sequence[Row], adviser: Adviser) -> pd.DataFrame:
    """A row a file, or a cell of a field, in order: `picture`, `file`, `cell` (its number in a field), `answer` (NOT_JUDGED, NO_CELL, or
    '' for what could not be read), `p(CLASS)`, `set` (classes that can't be ruled out, where the run promises sets), `note`."""
    told, class_names = [], adviser.card.class_names
    promised = any(isinstance(line.found, Classified) and line.found.set is not None for line in lines(rows))
    for row in lines(rows):
        one = row.found
        answered = isinstance(one, Classified) and one.judged is not False
        told.append(
            {
                "picture": None if isinstance(one, Refused) else row.picture,
                "file": one.name,
                "cell": row.number,
                "answer": _answer(one),
                **{f"p({name})": one.probabilities[name] if answered else np.nan for name in class_names},
                **({"set": _set(one) if answered else ""} if promised else {}),
                "note": _note(row, adviser),
            }
        )
    columns = ["picture", "file", "cell", "answer", *(f"p({name})" for name in class_names), *(["set"] if promised else []), "note"]
    return pd.DataFrame(told, columns=columns).astype({"cell": "Int64"})


def csv_head(class_names: Sequence[str]) -> list[str]:
    """The columns of `csv_lines`."""
    own = ["path", "kind", "cell", "left", "top", "right", "bottom", "answer"]
    shares = [f"{of}{name}" for of in ("p_", "raw_p_") for name in class_names]
    return [*own, *shares, "set", "note", "run", "synthetic"]


def csv_lines(rows: Iterable[Row], adviser: Adviser) -> Iterator[list[object]]:
    """For other programs: a line a file, or a cell of a field, everything that was said of it and by which run.

    `left` to `bottom`: the box about the cell, in pixels of the picture. `p_`: probabilities, `raw_p_`: before calibration. `synthetic`:
    the run was trained on drawn cells. What can't be judged has no probabilities.
    """
    card = adviser.card
    none = [""] * 2 * len(card.class_names)
    for row in (line for one in rows for line in one.lines()):
        one = row.found
        answered = isinstance(one, Classified) and one.judged is not False
        kind = "" if isinstance(one, Refused) else kinds.FIELD if isinstance(one, Counted) else one.kind
        shares = [shares[name] for shares in (one.probabilities, one.raw_probabilities) for name in card.class_names] if answered else none
        promised = _set(one) if answered else ""
        yield [
            one.name,
            kind,
            row.number or "",
            *(row.box or [""] * 4),
            _answer(one),
            *shares,
            promised,
            _note(row, adviser),
            card.run,
            card.synthetic,
        ]


def _harmless(cell: object) -> object:
    """What a spreadsheet would take for a formula behind an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def as_csv(rows: Iterable[Row], adviser: Adviser) -> str:
    """`csv_lines` with their head, as a file to be opened in a spreadsheet: no cell of it is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(csv_head(adviser.card.class_names))
    writer.writerows(map(_harmless, line) for line in csv_lines(rows, adviser))
    return out.getvalue()


def _answer(one: Found | Refused) -> str:
    if isinstance(one, Classified):
        return NOT_JUDGED if one.judged is False else one.label
    return NO_CELL if isinstance(one, Counted) else ""


def _set(one: Classified) -> str:
    return "" if one.set is None else ", ".join(one.set) or "none"


def _note(row: Row, adviser: Adviser) -> str:
    one = row.found
    if isinstance(one, Classified):
        said = adviser.why_no_guard if one.judged is None else " ".join(one.reasons)
    else:
        said = one.kind_reason if isinstance(one, Counted) else one.error
    return f"{BY_HAND} {said}".strip() if row.by_hand else said


_STYLE = (
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #8886;padding:4px 8px;text-align:left;vertical-align:middle}"
    "img{width:48px;height:48px;display:block;background:#000}.n{font-variant-numeric:tabular-nums}.warn{font-weight:600}"
    "@media print{body{margin:0}tr{break-inside:avoid}}"
)


def html_page(rows: Sequence[Row], adviser: Adviser, *, worth: Worth | None = None) -> str:
    """The sheet, with predictive values where they are given. Names and words from outside stand in it as text, whatever they hold."""
    card, threshold = adviser.card, adviser.threshold
    found = table(rows, adviser)
    counts = found.loc[found["answer"] != "", "answer"].value_counts()
    said = ", ".join(f"{html.escape(str(name))}: {count}" for name, count in counts.items()) or "none answered"
    limit = f" {html.escape(card.positive)} from a probability of {threshold:.3g}." if threshold is not None else ""
    drawn = "<p class='warn'>The model was trained on drawn cells: what it says of a real one means nothing.</p>" if card.synthetic else ""
    lacks = "".join(f"<p>{html.escape(one)}</p>" for one in adviser.wanting)
    value = f"<p>{html.escape(worth.sentence())}</p>" if worth else ""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("", *found.columns[1:]))
    values = found.drop(columns=["picture", "file", "cell"]).values.tolist()
    body = "".join(_line(row, one) for row, one in zip(lines(rows), values, strict=True))
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Answers</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style></head><body>"
        f"<h1>{len(rows):,} pictures</h1><p>{said}; {int((found['answer'] == '').sum())} could not be read.</p>"
        f"<p>Judged by run {html.escape(card.run)} ({html.escape(card.model)}, trained on {html.escape(card.data)}), "
        f"{clock.now()}.{limit}</p>"
        f"{value}{lacks}{drawn}<p class='warn'>{text.NOT_FOR_DIAGNOSIS}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></body></html>"
    )


def _line(row: Row, values: Sequence[object]) -> str:
    image = f"<img src='{html.escape(row.picture)}' alt=''>" if row.picture and not isinstance(row.found, Refused) else ""
    cells = "".join(f"<td>{html.escape(one)}</td>" if isinstance(one, str) else f"<td class='n'>{_number(one)}</td>" for one in values)
    number = row.number or ""
    return f"<tr><td>{image}</td><td>{html.escape(row.found.name)}</td><td class='n'>{number}</td>{cells}</tr>"


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"
