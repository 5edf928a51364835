"""Where jobs can run on this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

from allcore.runs import spec

TRAINING = (spec.TRAIN,)
"""Kinds of job that take a GPU, or a processor for hours."""
SHORT = (spec.PHANTOM, spec.IMPORT, spec.MAP, spec.CHECK, spec.LEAKAGE, spec.EVALUATE)
"""Kinds of job that take seconds to minutes, and must not wait for a training."""


@dataclass(frozen=True)
class Slot:
    """Room for one job at a time."""

    name: str
    kinds: tuple[str, ...]
    """Kinds of job that it takes."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the job's process."""


def found() -> tuple[Slot, ...]:
    """A slot for each GPU, or one for the processor; and one for jobs of seconds, so that they never wait for a training."""
    training = [Slot(f"gpu-{index}", TRAINING, {"CUDA_VISIBLE_DEVICES": str(index)}) for index in range(_gpus())]
    return (*(training or [Slot("processor", TRAINING)]), Slot("data", SHORT))


def _gpus() -> int:
    """NVIDIA GPUs that the driver's own tool lists (it is there on Linux, Windows and WSL alike)."""
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listed.splitlines())
