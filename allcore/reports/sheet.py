"""What a model said of many pictures, as a table and as a sheet to keep or print: one HTML file that needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allcore.base import clock
from allcore.inference.served import ServedCard
from allcore.inference.uploads import Classified, Refused
from allcore.metrics.thresholds import Chosen


@dataclass(frozen=True)
class Row:
    """One picture: the answer or the refusal, and the picture itself, small."""

    found: Classified | Refused
    picture: str | None
    """Data URI."""


def table(rows: Sequence[Row], class_names: Sequence[str]) -> pd.DataFrame:
    """A row a file, in order: `picture`, `file`, `answer` ('' where there is none), `p(CLASS)` for each class, `note`."""
    told = []
    for row in rows:
        one = row.found
        answered = isinstance(one, Classified)
        told.append(
            {
                "picture": row.picture if answered else None,
                "file": one.name,
                "answer": one.label if answered else "",
                **{f"p({name})": one.probabilities[name] if answered else np.nan for name in class_names},
                "note": "" if answered else one.error,
            }
        )
    return pd.DataFrame(told, columns=["picture", "file", "answer", *(f"p({name})" for name in class_names), "note"])


_STYLE = (
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #8886;padding:4px 8px;text-align:left;vertical-align:middle}"
    "img{width:48px;height:48px;display:block;background:#000}.n{font-variant-numeric:tabular-nums}.warn{font-weight:600}"
    "@media print{body{margin:0}tr{break-inside:avoid}}"
)


def html_page(rows: Sequence[Row], card: ServedCard, chosen: Chosen | None) -> str:
    """The sheet. Names and words from outside stand in it as text, whatever they hold."""
    found = table(rows, card.class_names)
    counts = found.loc[found["answer"] != "", "answer"].value_counts()
    said = ", ".join(f"{html.escape(str(name))}: {count}" for name, count in counts.items()) or "none answered"
    limit = f" {html.escape(card.positive)} from a probability of {chosen.threshold:.3g}." if chosen else ""
    drawn = "<p class='warn'>The model was trained on drawn cells: what it says of a real one means nothing.</p>" if card.synthetic else ""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("", "file", "answer", *(f"p({name})" for name in card.class_names), "note"))
    body = "".join(_line(row, card.class_names) for row in rows)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Answers</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style></head><body>"
        f"<h1>{len(rows):,} pictures</h1><p>{said}; {int((found['answer'] == '').sum())} without an answer.</p>"
        f"<p>Judged by run {html.escape(card.run)} ({html.escape(card.model)}, trained on {html.escape(card.data)}), "
        f"{clock.now()}.{limit}</p>"
        f"{drawn}<p class='warn'>For teaching and research, not for diagnosis.</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></body></html>"
    )


def _line(row: Row, class_names: Sequence[str]) -> str:
    one = row.found
    image = f"<img src='{html.escape(row.picture)}' alt=''>" if row.picture and isinstance(one, Classified) else ""
    if isinstance(one, Classified):
        shares = "".join(f"<td class='n'>{one.probabilities[name]:.3f}</td>" for name in class_names)
        rest = f"<td>{html.escape(one.label)}</td>{shares}<td></td>"
    else:
        rest = f"<td></td>{'<td></td>' * len(class_names)}<td>{html.escape(one.error)}</td>"
    return f"<tr><td>{image}</td><td>{html.escape(one.name)}</td>{rest}</tr>"
