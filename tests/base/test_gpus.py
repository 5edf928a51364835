"""NVIDIA's library, played by a stand-in: no GPU is to be had here."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from allcore.base import gpus
from allcore.base.gpus import Reading


class Driver:
    """Two GPUs, of which the second is warm and busy; a third that does not answer."""

    NVMLError = RuntimeError
    NVML_TEMPERATURE_GPU = 0

    def __init__(self) -> None:
        self.closed = 0

    def nvmlDeviceGetCount(self) -> int:
        return 3

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        if index > 1:
            raise self.NVMLError("lost")
        return index

    def nvmlDeviceGetUtilizationRates(self, device: int) -> SimpleNamespace:
        return SimpleNamespace(gpu=90 * device)

    def nvmlDeviceGetMemoryInfo(self, device: int) -> SimpleNamespace:
        return SimpleNamespace(used=2_000_000_000 * device)

    def nvmlDeviceGetTemperature(self, device: int, sensor: int) -> int:
        return 40 + 30 * device

    def nvmlDeviceGetName(self, device: int) -> str | bytes:
        return "Tesla T4" if device else b"Quadro P400"  # older libraries give bytes

    def nvmlShutdown(self) -> None:
        self.closed += 1


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    made = Driver()
    monkeypatch.setattr(gpus, "_library", lambda: made)
    return made


def test_each_gpu_that_answers_is_read(driver: Driver):
    assert gpus.readings() == [Reading(0, 0.0, 0.0, 40.0), Reading(1, 90.0, 2000.0, 70.0)]
    assert gpus.readings([1]) == [Reading(1, 90.0, 2000.0, 70.0)]
    assert driver.closed == 2


def test_each_gpu_has_its_name(driver: Driver):
    assert gpus.names() == ["Quadro P400", "Tesla T4"]
    assert gpus.names([1]) == ["Tesla T4"]
    assert driver.closed == 2


@pytest.mark.parametrize(("named", "numbers"), [(None, None), ("", []), ("0,2", [0, 2]), ("GPU-5f2a, 1", [1])])
def test_a_process_has_the_gpus_that_it_was_given(monkeypatch: pytest.MonkeyPatch, named: str | None, numbers: list[int] | None):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert gpus.mine() == numbers
