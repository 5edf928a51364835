"""Names that may become folders."""

from __future__ import annotations

import pytest

from allcore.base import ids
from allcore.base.errors import BadInput
from allcore.base.paths import Artifacts

BAD = ["", "-a", "A", "a b", "a/b", "..", "../a", "a.b", "a_b", "é", "a\n", "\n", "a" * 81, "a\0b"]


@pytest.mark.parametrize("value", ["a", "0", "cnmc", "a-b-", "20261122-235200-proposed-cnn-3f9c", "a" * 80])
def test_a_good_name_is_itself(value: str):
    assert ids.checked(value) == value


@pytest.mark.parametrize("value", BAD)
def test_a_bad_name_is_refused_with_the_rule(value: str):
    with pytest.raises(BadInput, match="lower-case letters, digits and hyphens"):
        ids.checked(value)


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("what", ["dataset", "run", "job"])
def test_no_bad_name_becomes_a_path(artifacts: Artifacts, what: str, value: str):
    with pytest.raises(BadInput):
        getattr(artifacts, what)(value)


def test_a_new_id_is_a_good_name_that_carries_its_own():
    made = ids.new("Proposed_CNN", "é")
    assert ids.checked(made) == made
    assert "-proposed-cnn-" in made


def test_new_ids_of_long_names_differ():
    made = {ids.new("phantom-" + "x" * 80) for _ in range(50)}
    assert len(made) == 50
    assert all(ids.checked(one) for one in made)
