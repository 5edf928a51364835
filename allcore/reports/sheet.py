"""What a model said of many pictures, as a table and as a sheet to keep or print: one HTML file that needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allcore.base import clock
from allcore.inference.answers import Adviser
from allcore.inference.uploads import Classified, Refused

NOT_JUDGED = "not judged"
"""The answer for a picture unlike all that the model was trained on."""


@dataclass(frozen=True)
class Row:
    """One picture: the answer or the refusal, and the picture itself, small."""

    found: Classified | Refused
    picture: str | None
    """Data URI."""


def table(rows: Sequence[Row], class_names: Sequence[str]) -> pd.DataFrame:
    """A row a file, in order: `picture`, `file`, `answer` (NOT_JUDGED, or '' for what could not be read), `p(CLASS)`, `note`."""
    told = []
    for row in rows:
        one = row.found
        readable = isinstance(one, Classified)
        answered = readable and one.judged is not False
        told.append(
            {
                "picture": row.picture if readable else None,
                "file": one.name,
                "answer": one.label if answered else NOT_JUDGED if readable else "",
                **{f"p({name})": one.probabilities[name] if answered else np.nan for name in class_names},
                "note": " ".join(one.reasons) if readable else one.error,
            }
        )
    return pd.DataFrame(told, columns=["picture", "file", "answer", *(f"p({name})" for name in class_names), "note"])


_STYLE = (
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #8886;padding:4px 8px;text-align:left;vertical-align:middle}"
    "img{width:48px;height:48px;display:block;background:#000}.n{font-variant-numeric:tabular-nums}.warn{font-weight:600}"
    "@media print{body{margin:0}tr{break-inside:avoid}}"
)


def html_page(rows: Sequence[Row], adviser: Adviser) -> str:
    """The sheet. Names and words from outside stand in it as text, whatever they hold."""
    card, threshold = adviser.card, adviser.threshold
    found = table(rows, card.class_names)
    counts = found.loc[found["answer"] != "", "answer"].value_counts()
    said = ", ".join(f"{html.escape(str(name))}: {count}" for name, count in counts.items()) or "none answered"
    limit = f" {html.escape(card.positive)} from a probability of {threshold:.3g}." if threshold is not None else ""
    drawn = "<p class='warn'>The model was trained on drawn cells: what it says of a real one means nothing.</p>" if card.synthetic else ""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("", "file", "answer", *(f"p({name})" for name in card.class_names), "note"))
    body = "".join(_line(row, values) for row, values in zip(rows, found.drop(columns=["picture", "file"]).values.tolist(), strict=True))
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Answers</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style></head><body>"
        f"<h1>{len(rows):,} pictures</h1><p>{said}; {int((found['answer'] == '').sum())} could not be read.</p>"
        f"<p>Judged by run {html.escape(card.run)} ({html.escape(card.model)}, trained on {html.escape(card.data)}), "
        f"{clock.now()}.{limit}</p>"
        f"{drawn}<p class='warn'>For teaching and research, not for diagnosis.</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></body></html>"
    )


def _line(row: Row, values: Sequence[object]) -> str:
    image = f"<img src='{html.escape(row.picture)}' alt=''>" if row.picture and isinstance(row.found, Classified) else ""
    cells = "".join(f"<td>{html.escape(one)}</td>" if isinstance(one, str) else f"<td class='n'>{_number(one)}</td>" for one in values)
    return f"<tr><td>{image}</td><td>{html.escape(row.found.name)}</td>{cells}</tr>"


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"
