"""What a job takes of the machine, kept in a file that does not grow with the hours."""

from __future__ import annotations

import pytest

from allcore.base import gpus
from allcore.base.gpus import Reading
from allcore.base.paths import Artifacts
from allcore.runs import spec, usage


@pytest.fixture
def paths(artifacts: Artifacts):
    return spec.written(artifacts, spec.PHANTOM, {"name": "demo"}, name="phantom-demo")


def test_nothing_before_the_first_point(paths):
    assert usage.read(paths).empty
    assert list(usage.read(paths)) == list(usage.COLUMNS)


def test_a_moment_has_processor_memory_and_gpu(paths, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gpus, "readings", lambda indices: [Reading(0, 50.0, 1000.0, 60.0), Reading(1, 100.0, 500.0, 71.0)])
    meter = usage.Meter(paths)
    sum(number * number for number in range(300_000))
    point = meter.look()
    assert point.cpu > 0
    assert point.memory_mb > 10
    assert (point.gpu, point.gpu_memory_mb, point.gpu_celsius) == (75.0, 1500.0, 71.0)
    meter.write()
    assert usage.read(paths)["gpu"].tolist() == [75.0]


def test_points_are_thinned_and_a_later_attempt_goes_on(paths, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(usage, "MOST", 8)
    meter = usage.Meter(paths)
    looks = [meter.look() for _ in range(40)]
    meter.write()
    kept = usage.read(paths)
    assert 4 <= len(kept) <= 8
    assert kept["time"].is_monotonic_increasing
    assert kept["memory_mb"].mean() == pytest.approx(sum(one.memory_mb for one in looks) / 40, rel=0.2)
    later = usage.Meter(paths)
    for _ in range(16):
        later.look()
    later.write()
    assert len(usage.read(paths)) <= 8


def test_a_damaged_record_is_begun_anew(paths):
    paths.usage.write_text("{")
    assert usage.read(paths).empty
    usage.Meter(paths).look()
