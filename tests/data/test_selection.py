"""A filter finds what an ordinary loop over the records would."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from allcore.data import selection
from allcore.data.selection import Filter

COUNT = 60
RNG = np.random.default_rng(3)
TABLE = pd.DataFrame(
    {
        "image_id": [f"{number}.png" for number in range(COUNT)],
        "label": RNG.choice(["healthy", "leukemia", ""], COUNT),
        "subject": RNG.choice(["1", "2", "10", "H1", ""], COUNT),
        "phase": RNG.choice(["training", "final", ""], COUNT),
    }
).astype("string")
TABLE["fold"] = np.where(TABLE["phase"] == "training", RNG.integers(0, 3, COUNT), -1)
SIDES = RNG.choice(["train", "test", ""], COUNT)
AREAS = RNG.uniform(0, 50, COUNT)


@settings(deadline=None)
@given(
    st.builds(
        Filter,
        label=st.sampled_from([None, "healthy", "leukemia", selection.NO_LABEL, "other"]),
        subject=st.sampled_from([None, "1", "10"]),
        part=st.sampled_from([None, "training, fold 1", "final"]),
        side=st.sampled_from([None, "train"]),
        area=st.sampled_from([None, (10.0, 40.0)]),
        image_ids=st.none() | st.frozensets(st.sampled_from(TABLE["image_id"].tolist())),
    )
)
def test_a_filter_is_all_that_it_asks_for(wanted: Filter):
    def fits(row: int) -> bool:
        one = TABLE.iloc[row]
        part = ", ".join(filter(None, [one["phase"], f"fold {one['fold']}" if one["fold"] >= 0 else ""]))
        return all(
            [
                wanted.label is None or (one["label"] or selection.NO_LABEL) == wanted.label,
                wanted.subject is None or one["subject"] == wanted.subject,
                wanted.part is None or part == wanted.part,
                wanted.side is None or SIDES[row] == wanted.side,
                wanted.area is None or wanted.area[0] <= AREAS[row] <= wanted.area[1],
                wanted.image_ids is None or one["image_id"] in wanted.image_ids,
            ]
        )

    found = selection.rows(TABLE, wanted, sides=SIDES, areas=AREAS)
    assert found.tolist() == [row for row in range(COUNT) if fits(row)]


def test_what_can_be_asked_for():
    assert selection.subjects(TABLE) == ["1", "2", "10", "H1"] or selection.subjects(TABLE) == ["1", "2", "H1", "10"]
    assert selection.parts(TABLE) == ["final", "training, fold 0", "training, fold 1", "training, fold 2"]


def test_mixing_keeps_every_row():
    rows = np.arange(50)
    assert sorted(selection.mixed(rows)) == rows.tolist()
    assert selection.mixed(rows).tolist() == selection.mixed(rows).tolist() != rows.tolist()
