"""What NVIDIA's GPUs are at, by the driver's own library. Where there is no driver, there are none."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True)
class Reading:
    """One GPU at this moment."""

    index: int
    percent: float
    """Share of the last moment in which something was computed, 0 to 100."""
    memory_mb: float
    celsius: float


def mine() -> list[int] | None:
    """GPUs that CUDA_VISIBLE_DEVICES gives to this process by number; None where it does not say."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return None
    return [int(part) for part in named.split(",") if part.strip().isdigit()]


def names(indices: Sequence[int] | None = None) -> list[str]:
    """What the GPUs with these numbers are called, all where it is None; empty without a driver."""

    def name(library: Any, device: Any, index: int) -> str:
        said = library.nvmlDeviceGetName(device)
        return said.decode() if isinstance(said, bytes) else said

    return _of_each(indices, name)


def readings(indices: Sequence[int] | None = None) -> list[Reading]:
    """The GPUs with these numbers, all where it is None. Empty without a driver; a GPU that does not answer is left out."""

    def reading(library: Any, device: Any, index: int) -> Reading:
        return Reading(
            index,
            float(library.nvmlDeviceGetUtilizationRates(device).gpu),
            round(library.nvmlDeviceGetMemoryInfo(device).used / 1e6, 1),
            float(library.nvmlDeviceGetTemperature(device, library.NVML_TEMPERATURE_GPU)),
        )

    return _of_each(indices, reading)


def _of_each(indices: Sequence[int] | None, told: Callable[[Any, Any, int], _T]) -> list[_T]:
    """What is told of a device, for each that answers."""
    library = _library()
    if library is None:
        return []
    found = []
    try:
        for index in range(library.nvmlDeviceGetCount()) if indices is None else indices:
            with suppress(library.NVMLError):
                found.append(told(library, library.nvmlDeviceGetHandleByIndex(index), index))
    except library.NVMLError:
        return []
    finally:
        with suppress(library.NVMLError):
            library.nvmlShutdown()
    return found


def _library() -> Any:
    """NVIDIA's library, opened; None where there is no driver. Imported late: most machines have none."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml
