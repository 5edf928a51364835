"""Labels that contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from allcore.checks.duplicates import Duplicates, spanning
from allcore.checks.report import GOOD, MOST_PICTURES, NOTE, SERIOUS, Finding

if TYPE_CHECKING:
    import pandas as pd


def findings(records: pd.DataFrame, duplicates: Duplicates) -> list[Finding]:
    """The same picture under several classes; patients with images of several classes."""
    ids, labels = records["image_id"].to_numpy(), records["label"].to_numpy()
    made = []
    rows, groups = spanning(duplicates.groups, labels)
    if len(rows):
        made.append(
            Finding(
                "labels",
                SERIOUS,
                f"The same picture stands in different classes: {len(rows):,} images.",
                "Of each such picture one label at least is wrong, and nobody can say how many other labels are.",
                "Ask whoever labelled them, and leave out what can't be settled.",
                tuple(ids[rows[:MOST_PICTURES]].tolist()),
                {"images": len(rows), "pictures": groups},
            )
        )
    else:
        title = "No picture stands in two classes."
        made.append(Finding("labels", GOOD, title, f"Among {int(duplicates.copied.sum()):,} images that have a copy."))
    known = records[(records["label"] != "") & (records["subject"] != "")]
    classes = known.groupby("subject")["label"].nunique()
    several = classes.index[classes > 1].tolist()
    if several:
        rows = np.flatnonzero(records["subject"].isin(several).to_numpy())
        rows = rows[np.argsort(records["subject"].to_numpy()[rows].astype(str), kind="stable")]
        made.append(
            Finding(
                "labels",
                NOTE,
                f"Patients with images of more than one class: {len(several):,} of {len(classes):,}.",
                "So it is by nature with kinds of cells; where the class is the patient's diagnosis, names or labels are mixed up.",
                "Make sure which it is.",
                tuple(ids[rows[:MOST_PICTURES]].tolist()),
                {"patients": several[:100], "count": len(several)},
            )
        )
    return made
