"""What NVIDIA's GPUs are at, by the driver's own library. Where there is no driver, there are none."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


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


def readings(indices: Sequence[int] | None = None) -> list[Reading]:
    """The GPUs with these numbers, all where it is None. Empty without a driver; a GPU that does not answer is left out."""
    library = _library()
    if library is None:
        return []
    found = []
    try:
        for index in range(library.nvmlDeviceGetCount()) if indices is None else indices:
            with suppress(library.NVMLError):
                device = library.nvmlDeviceGetHandleByIndex(index)
                found.append(
                    Reading(
                        index,
                        float(library.nvmlDeviceGetUtilizationRates(device).gpu),
                        round(library.nvmlDeviceGetMemoryInfo(device).used / 1e6, 1),
                        float(library.nvmlDeviceGetTemperature(device, library.NVML_TEMPERATURE_GPU)),
                    )
                )
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
