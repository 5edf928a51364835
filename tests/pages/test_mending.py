"""What a person has corrected of pictures, and how long that is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st

from allcore.inference import kinds
from allcore.inference.fields import Field
from allcore.inference.uploads import Upload
from pages.ui import mending

FIRST, SECOND = Upload("a.png", b"a"), Upload("b.png", b"b")
EMPTY = Field(10, 10, (), None)


@pytest.fixture(autouse=True)
def session() -> Iterator[None]:
    st.session_state.clear()
    yield
    st.session_state.clear()


def corrected(upload: Upload, place: str = "") -> bool:
    return mending.of(upload, kinds.AUTO, place=place).by_hand


def correct(upload: Upload, place: str = "") -> None:
    mending.keep(mending.of(upload, kinds.AUTO, place=place).with_field(EMPTY, chosen=None))


def test_nothing_is_corrected_at_first_and_nothing_once_it_is_said_to_be_what_it_was_taken_for():
    assert not corrected(FIRST)
    correct(FIRST)
    assert corrected(FIRST)
    mending.say(mending.of(FIRST, kinds.AUTO), kinds.AUTO)
    assert not corrected(FIRST)
    mending.say(mending.of(FIRST, kinds.AUTO), kinds.FIELD)
    assert corrected(FIRST)


def test_of_a_picture_that_comes_alone_until_another_does():
    correct(FIRST)
    mending.begin(mending.of(FIRST, kinds.AUTO))
    assert corrected(FIRST)
    mending.begin(mending.of(SECOND, kinds.AUTO))
    assert not corrected(FIRST)


def test_of_a_batch_until_the_next_whatever_comes_alone_meanwhile():
    correct(FIRST, "batch-0")
    mending.begin(mending.of(SECOND, kinds.AUTO))
    assert corrected(FIRST, "batch-0")
    assert not corrected(FIRST, "batch-1")  # the same picture once more
    assert not corrected(FIRST)
    mending.begin_batch()
    assert not corrected(FIRST, "batch-0")
