"""The same picture is known again, another is not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from PIL import Image

from allcore.checks import likeness
from allcore.data import images


def saved(pixels: np.ndarray, form: str, **how) -> np.ndarray:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form, **how)
    return images.prepared(out.getvalue(), pixels.shape[0])


COPIES = {
    "quarter turn": lambda one: np.rot90(one),
    "half turn": lambda one: np.rot90(one, 2),
    "mirrored": lambda one: one[:, ::-1],
    "upside down": lambda one: one[::-1],
    "JPEG": lambda one: saved(one, "JPEG", quality=85),
    "WebP": lambda one: saved(one, "WEBP", quality=92),
    "turned": lambda one: np.asarray(Image.fromarray(one).rotate(37, resample=Image.Resampling.BICUBIC)),
    "cropped": lambda one: images.resized(np.asarray(Image.fromarray(one).resize((280, 280)).crop((5, 0, 279, 274))), 70),
}


@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("source", ["cells", "fields"])
def test_copies_are_found_and_nothing_else(kind: str, source: str, request: pytest.FixtureRequest):
    pictures = request.getfixturevalue(source)
    pixels = (pictures[0] if source == "cells" else pictures)[:30]
    copied = np.stack([COPIES[kind](one) for one in pixels[:10]])
    pairs, usable = likeness.same_pictures(np.concatenate([pixels, copied]))
    assert usable.all()
    assert {(pair.one, pair.other) for pair in pairs} == {(row, 30 + row) for row in range(10)}
    assert all(likeness.SAME_IN_PLACE <= pair.likeness <= 1 for pair in pairs)


@pytest.mark.parametrize(("form", "quality"), [("JPEG", 75), ("WEBP", 90)])
def test_small_pictures_saved_anew_in_a_lossy_way_are_all_found(cells, form: str, quality: int):
    """At 70 pixels these take so much of the finest texture that its correlation alone misses some in a hundred."""
    pixels = cells[0][:120]
    copied = np.stack([np.rot90(saved(one, form, quality=quality), turns % 4) for turns, one in enumerate(pixels)])
    pairs, _ = likeness.same_pictures(np.concatenate([pixels, copied]))
    assert {(pair.one, pair.other) for pair in pairs} == {(row, len(pixels) + row) for row in range(len(pixels))}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(angle=some.floats(0, 360), mirrored=some.booleans(), row=some.integers(0, 29))
def test_any_turn_of_a_cell_or_its_mirror_image_is_the_same_picture(cells, angle: float, mirrored: bool, row: int):
    pixels = cells[0][:30]
    copy = pixels[row][:, ::-1] if mirrored else pixels[row]
    copy = np.asarray(Image.fromarray(copy).rotate(angle, resample=Image.Resampling.BICUBIC))
    pairs, _ = likeness.same_pictures(np.concatenate([pixels, copy[None]]))
    assert [(pair.one, pair.other) for pair in pairs] == [(row, 30)]


def test_one_outline_with_another_texture_is_another_cell(cells):
    """Two cells cut with the same outline: only what is within them tells them apart."""
    pixels = cells[0]
    row, column = np.mgrid[:70, :70] - 34.5
    disc = (np.hypot(row, column) < 14)[..., None]
    cut = np.where(disc, np.maximum(pixels[:40], 30), 0).astype(np.uint8)
    pairs, _ = likeness.same_pictures(cut)
    assert pairs == ()


def test_empty_pictures_are_not_compared(cells):
    empty = np.full((3, 70, 70, 3), 200, np.uint8)
    pairs, usable = likeness.same_pictures(np.concatenate([cells[0][:5], empty, np.zeros_like(empty)]))
    assert pairs == ()
    assert usable.tolist() == [True] * 5 + [False] * 6


def test_of_what_is_known_to_be_the_same_only_the_first_is_compared(cells):
    pixels = np.concatenate([cells[0][:6], cells[0][:2], np.rot90(cells[0][:1], axes=(1, 2))])
    pairs, _ = likeness.same_pictures(pixels, apart=np.array([0, 1, 2, 3, 4, 5, 0, 1, 6]))
    assert [(pair.one, pair.other) for pair in pairs] == [(0, 8)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_handful_of_pictures_can_be_compared(cells, count: int):
    assert likeness.same_pictures(cells[0][:count])[0] == ()


def test_progress_rises_and_may_stop_the_work(cells):
    told: list[float] = []
    twice = np.concatenate([cells[0][:20]] * 2)
    likeness.same_pictures(twice, tick=lambda share, doing: told.append(share))
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] <= 1

    def stop(share: float, doing: str) -> None:
        if doing.startswith("Laying"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        likeness.same_pictures(twice, tick=stop)
