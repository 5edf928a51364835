"""How fast this machine is."""

from __future__ import annotations

import pytest

from allcore.base import fileio
from allcore.base.paths import Artifacts
from allcore.jobs import estimate, machine, submit
from allcore.runs.leakage import QUICK


def test_it_is_measured_once_and_kept_for_a_while(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch):
    measured = iter([machine.REFERENCE / 2, machine.REFERENCE * 3])
    monkeypatch.setattr(machine, "_measured", lambda: next(measured))
    assert machine.relative(artifacts) == pytest.approx(0.5)
    assert machine.relative(artifacts) == pytest.approx(0.5)
    known = fileio.read_json(artifacts.machine)
    fileio.write_json(artifacts.machine, {**known, "measured": "2020-01-01T00:00:00.000Z"})
    assert machine.relative(artifacts) == pytest.approx(3)
    artifacts.machine.write_text("{")
    monkeypatch.setattr(machine, "_measured", lambda: machine.REFERENCE)
    assert machine.relative(artifacts) == pytest.approx(1)


def test_a_real_measurement_is_a_speed():
    assert 1e8 < machine._measured() < 1e14


def test_a_slower_machine_takes_longer_by_as_much(artifacts: Artifacts, tiny: str):
    plan, certificate = submit.planned(artifacts, data=tiny, model="proposed_cnn")
    slow, fast = (estimate.estimated(plan, certificate, [], machine=speed).epoch_seconds for speed in (0.5, 2.0))
    assert slow == pytest.approx(4 * fast)


def test_measuring_leakage_takes_longer_by_machine_and_repeats():
    for model in (QUICK, "allnet"):
        times = [estimate.leaking(model, 900, repeats, [], machine=speed) for repeats, speed in ((10, 1.0), (20, 1.0), (10, 0.5))]
        assert times[0] < times[1]
        assert times[0] < times[2]
    assert estimate.leaking(QUICK, 900, 10, []) < estimate.leaking("allnet", 900, 10, [])
    # However many cells there are, a training side has no more than it may.
    assert estimate.leaking(QUICK, 10_000, 10, []) == estimate.leaking(QUICK, 100_000, 10, [])
