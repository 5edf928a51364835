"""What is known of each image."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allcore.base.errors import NotFound
from allcore.base.paths import Artifacts
from allcore.data import records
from allcore.data.records import DatasetCard


@pytest.fixture
def table() -> pd.DataFrame:
    return records.typed(
        pd.DataFrame(
            {
                "image_id": ["b/2.png", "a/1.png", "c/3.png"],
                "label": ["healthy", "leukemia", ""],
                "subject": ["H1", "1", ""],
                "phase": ["training", "training", "final"],
                "fold": [0, 2, -1],
                "width": 70,
                "height": 70,
                "bytes": 100,
                "format": "PNG",
                "mode": "RGB",
                "sha256": ["b" * 64, "a" * 64, "c" * 64],
                "of no interest": 1,
            }
        )
    )


def test_the_table_has_our_columns_and_types_in_order(table: pd.DataFrame):
    assert {name: str(kind) for name, kind in table.dtypes.items()} == records.COLUMNS
    assert table["image_id"].tolist() == ["a/1.png", "b/2.png", "c/3.png"]


def test_the_fingerprint_is_of_the_data_and_not_of_its_order(table: pd.DataFrame):
    assert records.fingerprint(table.sample(frac=1, random_state=1)) == records.fingerprint(table)
    wide = table.assign(width=1, mode="L")
    assert records.fingerprint(wide) == records.fingerprint(table)


@pytest.mark.parametrize(
    ("column", "value"),
    [("label", "leukemia"), ("subject", "H2"), ("phase", "final"), ("fold", 1), ("sha256", "d" * 64), ("image_id", "z")],
)
def test_the_fingerprint_changes_with_whatever_matters(table: pd.DataFrame, column: str, value: object):
    changed = table.copy()
    changed.loc[1, column] = value
    assert records.fingerprint(changed) != records.fingerprint(table)


def test_counts_leave_out_what_is_not_known(table: pd.DataFrame):
    assert records.counted(table, ("healthy", "leukemia")) == {
        "classes": {"healthy": 1, "leukemia": 1},
        "subjects": {"healthy": 1, "leukemia": 1},
        "phases": {"training": 2, "final": 1},
        "folds": {"0": 1, "2": 1},
    }


@pytest.mark.parametrize(
    ("names", "positive"),
    [(("healthy", "leukemia"), "leukemia"), (("all", "hem"), "all"), (("Blast", "other"), "Blast"), (("a", "b", "c"), "c")],
)
def test_the_illness_is_the_positive_class(names: tuple[str, ...], positive: str):
    assert records.positive_class(names) == positive


def test_a_card_and_its_table_come_back(artifacts: Artifacts, tiny: str):
    paths = artifacts.dataset(tiny)
    card = records.read_card(paths)
    assert DatasetCard.from_dict(card.to_dict()) == card
    table = records.read_records(paths)
    assert {name: str(kind) for name, kind in table.dtypes.items()} == records.COLUMNS
    assert records.fingerprint(table) == card.fingerprint
    assert (card.images, card.synthetic, card.has_subjects) == (48, True, True)
    assert records.image_root(paths, card) == paths.images
    assert all((paths.images / image_id).is_file() for image_id in table["image_id"])
    assert np.isin(table["label"], card.class_names).all()


def test_what_is_not_there_is_said(artifacts: Artifacts):
    with pytest.raises(NotFound, match="no data set 'none'"):
        records.read_records(artifacts.dataset("none"))
    assert records.all_cards(artifacts) == []


def test_one_damaged_data_set_hides_no_other(artifacts: Artifacts, tiny: str):
    broken = artifacts.datasets / "broken"
    broken.mkdir()
    (broken / "dataset.json").write_text("{")
    (artifacts.datasets / ".half.12345678.tmp").mkdir()
    (artifacts.datasets / ".half.12345678.tmp" / "dataset.json").write_bytes(artifacts.dataset(tiny).card.read_bytes())
    assert [card.id for card in records.all_cards(artifacts)] == [tiny]
