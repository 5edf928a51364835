"""Files that could not be read, and those that differ from all the others in kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from allcore.checks.pictures import EMPTY
from allcore.checks.report import GOOD, MOST_PICTURES, NOTE, WARNING, Finding

if TYPE_CHECKING:
    import pandas as pd

ODD = 0.05
"""A size, mode or format that no more than this share of the images has is odd, where another has most of them."""


def findings(records: pd.DataFrame, looks: pd.DataFrame, unreadable: Sequence[Mapping[str, str]]) -> list[Finding]:
    """Unreadable and truncated files, empty pictures, odd sizes, modes and formats."""
    made = []
    if unreadable:
        reasons: dict[str, int] = {}
        for one in unreadable:
            reasons[one["reason"]] = reasons.get(one["reason"], 0) + 1
        told = " ".join(f"{reason} ({count:,})" for reason, count in sorted(reasons.items(), key=lambda item: -item[1])[:4])
        first = ", ".join(one["path"] for one in unreadable[:3]) + (", ..." if len(unreadable) > 3 else "")
        made.append(
            Finding(
                "files",
                WARNING,
                f"Files that could not be read: {len(unreadable):,}.",
                f"{told} They were left out at the import: {first}.",
                "Get them again from where they came, and import anew.",
                numbers={"files": len(unreadable), "reasons": reasons},
            )
        )
    ids = records["image_id"].to_numpy()
    empty = np.flatnonzero((looks["contrast"] < EMPTY) | (looks["cover"] == 0))
    if len(empty):
        meaning = f"They are one even surface (luma varies by less than {EMPTY:g} grey levels)."
        title = f"Pictures that show nothing: {len(empty):,}."
        made.append(Finding("files", WARNING, title, meaning, "Leave them out.", _first(ids, empty), {"images": len(empty)}))
    sizes = records["width"].astype(str) + " x " + records["height"].astype(str)
    kinds = {"size": sizes, "colour mode": records["mode"].astype(str), "file format": records["format"].astype(str)}
    for name, values in kinds.items():
        made += _odd(name, values, ids)
    small = np.flatnonzero(np.maximum(records["width"], records["height"]) < 70)
    if len(small):
        title = f"Smaller than the 70 pixels that models take by default: {len(small):,} images."
        meaning = "They are enlarged, which adds no detail."
        made.append(Finding("files", NOTE, title, meaning, "Choose a smaller input size.", _first(ids, small), {"images": len(small)}))
    if not made:
        made.append(
            Finding("files", GOOD, "Every file could be read, and all are of one kind.", f"{len(ids):,} images: {sizes.iloc[0]} pixels.")
        )
    return made


def _odd(name: str, values: pd.Series, ids: np.ndarray) -> list[Finding]:
    counts = values.value_counts()
    if len(counts) == 1:
        return []
    numbers = {
        "most": str(counts.index[0]),
        "kinds": len(counts),
        "counts": {str(kind): int(count) for kind, count in counts.head(20).items()},
    }
    others = len(values) - int(counts.iloc[0])
    if others <= ODD * len(values):
        rows = np.flatnonzero(values != counts.index[0])
        told = ", ".join(f"{kind} ({count:,})" for kind, count in counts.iloc[1:5].items()) + (", ..." if len(counts) > 5 else "")
        meaning = f"Most images have {counts.index[0]}; these have {told}. Often they came another way than the rest."
        action = "See whether they belong here."
        return [
            Finding("files", WARNING, f"Odd {name}: {others:,} of {len(values):,} images.", meaning, action, _first(ids, rows), numbers)
        ]
    told = ", ".join(f"{kind} ({count:,})" for kind, count in counts.head(4).items()) + (", ..." if len(counts) > 4 else "")
    meaning = f"{told}. Whether they go with the class, the nuisance probe tells."
    return [Finding("files", NOTE, f"More than one {name}: {len(counts):,}.", meaning, numbers=numbers)]


def _first(ids: np.ndarray, rows: np.ndarray) -> tuple[str, ...]:
    return tuple(ids[rows[:MOST_PICTURES]].tolist())
