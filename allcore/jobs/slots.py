"""Where jobs can run on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from allcore.base.errors import BadInput
from allcore.runs import spec

TRAINING = (spec.TRAIN, spec.LEAKAGE_NETWORK)
"""Kinds of job that take a GPU, or a processor for hours."""
SHORT = (spec.PHANTOM, spec.IMPORT, spec.MAP, spec.CHECK, spec.LEAKAGE, spec.EVALUATE, spec.ROBUSTNESS, spec.GROWTH)
"""Kinds of job that take seconds to minutes, and must not wait for a training."""
PARTS_VARIABLE = "ALLCORE_PROCESSOR_SLOTS"
MEMORY = 3.0e9
"""Bytes that must be free before one more training shares the processor: VGG-16, the largest, takes 2.7 GB at its end, of 6,000 images."""


@dataclass(frozen=True)
class Slot:
    """Room for one job at a time, or, where `cores` says so, for as many as share them."""

    name: str
    kinds: tuple[str, ...]
    """Kinds of job that it takes."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the job's process."""
    cores: int = 0
    """The processor's cores that jobs may share between them; of a slot that was given to a job, those that are its own. 0: not counted."""
    taken: int = 0
    """How many of them are at work."""
    parts: int = 0
    """Into how many equal parts they are to be divided; 0: as many as jobs wait. 1: one job at a time."""
    gpus: int = 0
    """GPUs of this machine in it: 1 for one, more for several that are joined. 0: none, or one that can't be joined with others."""
    joins: tuple[str, ...] = ()
    """Of a joined slot the names of those that it takes."""

    @property
    def names(self) -> tuple[str, ...]:
        """All slots that are taken with it."""
        return self.joins or (self.name,)

    @property
    def variables(self) -> dict[str, str]:
        """`environment`, and what holds the libraries of a job's process to its cores."""
        return {**{name: str(self.cores) for name in _THREADS if self.cores}, **self.environment}


_VISIBLE = "CUDA_VISIBLE_DEVICES"
_BETWEEN = ", "
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")


def found() -> tuple[Slot, ...]:
    """A slot for each GPU, or one for the processor's cores; and one for jobs of seconds, so that they never wait for a training.

    Raises BadInput where ALLCORE_PROCESSOR_SLOTS is no number.
    """
    training = [Slot(f"gpu-{index}", TRAINING, {_VISIBLE: str(index)}, gpus=1) for index in range(gpus())]
    return (*(training or [Slot("processor", TRAINING, cores=cores(), parts=_parts())]), Slot("data", SHORT))


def joined(slots: Sequence[Slot]) -> Slot:
    """GPU slots of one machine as one, whose process sees all their GPUs; a single slot as it is."""
    if len(slots) == 1:
        return slots[0]
    names = tuple(slot.name for slot in slots)
    visible = ",".join(slot.environment[_VISIBLE] for slot in slots)
    environment = {**slots[0].environment, _VISIBLE: visible}
    return Slot(_BETWEEN.join(names), slots[0].kinds, environment, gpus=sum(slot.gpus for slot in slots), joins=names)


def named(name: str) -> tuple[str, ...]:
    """The slots that one of this name takes: `gpu-0, gpu-1` are two."""
    return tuple(name.split(_BETWEEN))


def wanted(params: Mapping[str, Any]) -> int:
    """How many GPUs a job of these parameters asks for; 1 for one that does not say."""
    return int(params.get("settings", {}).get("gpus", 1))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(slot: Slot, *, waiting: int, pinned: int, memory: float) -> int:
    """How many of a slot's cores the next job gets; 0: none for now.

    Where one job waits and none is at work, all. Where several wait, each as large a part as leaves one to all: two trainings with a thread
    each do 5 to 40 % more in all than one after the other with two. A job at work keeps what it has. `pinned` is what a job
    asked for, or was given at an earlier attempt: it waits until so many are free, and nobody behind it goes first.
    `memory` is what is free, in bytes: without enough, jobs come one after the other.
    """
    left = slot.cores - slot.taken
    if left <= 0 or (slot.taken and (slot.parts == 1 or memory < MEMORY)):
        return 0
    if pinned:
        wanted = min(pinned, slot.cores)
        return wanted if wanted <= left else 0
    if slot.parts:
        parts = slot.parts
    else:
        sharing = waiting if not slot.taken else waiting + 1
        parts = min(sharing, max(1, int(memory // MEMORY) + bool(slot.taken)))
    wanted = max(1, slot.cores // max(1, parts))
    return min(wanted, left) if not slot.parts or wanted <= left else 0


def _parts() -> int:
    named = os.environ.get(PARTS_VARIABLE, "").strip()
    if named in ("", "auto"):
        return 0
    try:
        parts = int(named)
    except ValueError:
        parts = 0
    if parts < 1:
        raise BadInput(f"{PARTS_VARIABLE} can't be '{named}'.", "Give a number from 1, or 'auto'.")
    return min(parts, cores())


def gpus() -> int:
    """How many NVIDIA GPUs this machine has, by the driver's own tool (it is there on Linux, Windows and WSL alike)."""
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listed.splitlines())
